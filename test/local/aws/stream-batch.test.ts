import { describe, expect, test } from '@jest/globals'
import type { Invocation } from '../../../local/aws/lambda/function-spec.ts'
import { deliverBatch, type GivenUp, type StreamPolicy } from '../../../local/aws/lambda/stream-batch.ts'
import type { LambdaRecord } from '../../../local/aws/lambda/stream-records.ts'

const nowMs = 1_000_000_000
const record = (sequence: number, ageSeconds = 0): LambdaRecord => ({
  eventID: String(sequence),
  eventSourceARN: 'arn',
  dynamodb: { SequenceNumber: String(sequence), ApproximateCreationDateTime: nowMs / 1000 - ageSeconds },
})
const policy: StreamPolicy = { bisect: true, reportsItemFailures: true, retriesMax: 1, ageSecondsMax: -1 }
const failed: Invocation = { ok: false, requestId: 'r', error: { errorType: 'Error', errorMessage: 'no' } }
const passed = (failures: string[] = []): Invocation => ({
  ok: true,
  requestId: 'r',
  payload: JSON.stringify({ batchItemFailures: failures.map((itemIdentifier) => ({ itemIdentifier })) }),
})

/** Delivers records 1..count; `answer` decides by the sequence numbers of a call. */
async function run(
  records: readonly LambdaRecord[],
  answer: (sequences: string[], call: number) => Invocation,
  changes: Partial<StreamPolicy> = {},
) {
  const calls: string[][] = []
  const done: string[] = []
  const given: GivenUp[] = []
  await deliverBatch(records, {
    policy: { ...policy, ...changes },
    invoke: async (event) => {
      const { Records } = JSON.parse(event) as { Records: LambdaRecord[] }
      const sequences = Records.map((each) => each.dynamodb.SequenceNumber)
      calls.push(sequences)
      return answer(sequences, calls.length)
    },
    giveUp: async (each) => void given.push(each),
    done: (sequence) => void done.push(sequence),
    signal: new AbortController().signal,
    nowMs: () => nowMs,
  })
  return {
    calls: calls.map((each) => each.join('')),
    done,
    given: given.map((each) => [each.condition, each.records.length]),
  }
}
const records = (count: number) => Array.from({ length: count }, (_, index) => record(index + 1))

describe('a batch', () => {
  test('that succeeds is done at once', async () => {
    expect(await run(records(3), () => passed())).toEqual({ calls: ['123'], done: ['3'], given: [] })
  })

  test('with a poison record is halved down to it; the rest is delivered, in order', async () => {
    const result = await run(records(4), (sequences) => (sequences.includes('3') ? failed : passed()))
    expect(result.calls).toEqual(['1234', '12', '34', '3', '3', '4'])
    expect(result.done).toEqual(['2', '3', '4'])
    expect(result.given).toEqual([['RetryAttemptsExhausted', 1]])
  })

  test('without bisection is tried again whole and then given up whole', async () => {
    const result = await run(records(2), () => failed, { bisect: false, retriesMax: 2 })
    expect(result).toEqual({ calls: ['12', '12', '12'], done: ['2'], given: [['RetryAttemptsExhausted', 2]] })
  })

  test('that partly fails goes on from the first failure', async () => {
    const result = await run(records(4), (_, call) => (call === 1 ? passed(['3', '4']) : passed()))
    expect(result).toEqual({ calls: ['1234', '34'], done: ['2', '4'], given: [] })
  })

  test('whose failure names no record fails as a whole', async () => {
    const result = await run(records(2), (_, call) => (call === 1 ? passed(['']) : passed()), { bisect: false })
    expect(result.calls).toEqual(['12', '12'])
  })

  test('does not count partial failures when the mapping does not report them', async () => {
    const result = await run(records(2), () => passed(['1']), { reportsItemFailures: false })
    expect(result.done).toEqual(['2'])
  })

  test('loses records that are too old to the failure destination, not silently', async () => {
    const old = [record(1, 100), record(2, 90), record(3, 5)]
    const result = await run(old, () => passed(), { ageSecondsMax: 60 })
    expect(result).toEqual({ calls: ['3'], done: ['2', '3'], given: [['RecordAgeExceeded', 2]] })
  })
})
