import { setTimeout as sleep } from 'node:timers/promises'
import type { Invocation, Invoke } from './function-spec.ts'
import type { LambdaRecord } from './stream-records.ts'

export interface StreamPolicy {
  readonly bisect: boolean
  readonly reportsItemFailures: boolean
  /** -1: without end. */
  readonly retriesMax: number
  /** -1: without end. */
  readonly ageSecondsMax: number
}

export type GiveUpCondition = 'RetryAttemptsExhausted' | 'RecordAgeExceeded'

export interface GivenUp {
  readonly condition: GiveUpCondition
  readonly records: readonly LambdaRecord[]
  readonly invokes: number
  readonly last: Invocation | undefined
}

export interface BatchOptions {
  readonly policy: StreamPolicy
  readonly invoke: Invoke
  /** Keeps what is given up. */
  readonly giveUp: (given: GivenUp) => Promise<void>
  /** Everything up to and including this record is done. */
  readonly done: (sequence: string) => void
  readonly signal: AbortSignal
  readonly nowMs?: () => number
}

const backoffMsMin = 200
const backoffMsMax = 30_000

/**
 * Delivers records in order until each has been handled or given up: the promise settles only then, or when the signal
 * aborts. A failed batch is halved when the policy says so, and tried again with growing pauses.
 * Source: AWS Lambda developer guide, "Using AWS Lambda with Amazon DynamoDB", error handling.
 */
export async function deliverBatch(records: readonly LambdaRecord[], options: BatchOptions): Promise<void> {
  let left = records
  let tries = 0
  while (left.length > 0 && !options.signal.aborted) {
    left = await dropTooOld(left, tries, options)
    if (left.length === 0) return
    const result = await options.invoke(JSON.stringify({ Records: left })).catch(() => undefined)
    if (options.signal.aborted) return
    const failedAt = result?.ok ? firstFailure(result.payload, left, options.policy) : 0
    if (failedAt > 0) options.done(left[failedAt - 1]?.dynamodb.SequenceNumber ?? '')
    if (failedAt === left.length) return
    left = left.slice(failedAt)
    if (failedAt > 0) {
      tries = 0
      await pause(tries, options.signal)
      continue
    }
    // Throttling is no fault of the batch.
    if (result === undefined) {
      await pause(tries, options.signal)
      continue
    }
    if (options.policy.bisect && left.length > 1) {
      const half = Math.ceil(left.length / 2)
      await pause(tries, options.signal)
      await deliverBatch(left.slice(0, half), options)
      left = left.slice(half)
      tries = 0
      continue
    }
    tries++
    const { retriesMax } = options.policy
    if (retriesMax >= 0 && tries > retriesMax) {
      await options.giveUp({ condition: 'RetryAttemptsExhausted', records: left, invokes: tries, last: result })
      options.done(left.at(-1)?.dynamodb.SequenceNumber ?? '')
      return
    }
    await pause(tries, options.signal)
  }
}

async function dropTooOld(
  records: readonly LambdaRecord[],
  invokes: number,
  { policy, giveUp, done, nowMs = Date.now }: BatchOptions,
): Promise<readonly LambdaRecord[]> {
  if (policy.ageSecondsMax < 0) return records
  const oldest = nowMs() / 1000 - policy.ageSecondsMax
  const fresh = records.findIndex((record) => record.dynamodb.ApproximateCreationDateTime >= oldest)
  if (fresh === 0) return records
  const old = fresh < 0 ? records : records.slice(0, fresh)
  await giveUp({ condition: 'RecordAgeExceeded', records: old, invokes, last: undefined })
  done(old.at(-1)?.dynamodb.SequenceNumber ?? '')
  return records.slice(old.length)
}

/** The index of the first record that failed; the count of records when none did. */
function firstFailure(
  payload: string,
  records: readonly LambdaRecord[],
  { reportsItemFailures }: StreamPolicy,
): number {
  if (!reportsItemFailures) return records.length
  const answer = JSON.parse(payload) as { batchItemFailures?: { itemIdentifier?: string }[] | null } | null
  const failures = answer?.batchItemFailures ?? []
  if (failures.length === 0) return records.length
  const at = failures.map(({ itemIdentifier }) =>
    records.findIndex((record) => record.dynamodb.SequenceNumber === itemIdentifier),
  )
  // An identifier that names no record fails the whole batch.
  return Math.max(0, Math.min(...at))
}

async function pause(tries: number, signal: AbortSignal): Promise<void> {
  await sleep(Math.min(backoffMsMin * 2 ** tries, backoffMsMax), undefined, { signal }).catch(() => {})
}
