import { offerBytesMax, offerStatesMax } from '../domain/limits.ts'
import { isCatamaranError, isTransient } from '../domain/errors.ts'
import type { JsonObject } from '../domain/json.ts'
import type { RecordState, StoredRecord } from '../domain/record.ts'
import { stampMs } from '../domain/stamp.ts'
import type { OfferOutcome } from '../ports/peer.ts'
import { backoffMs } from '../replication/backoff.ts'
import { fileDeadLetter } from './dead-letters.ts'
import { markDirty, markUndelivered } from './dirty-buckets.ts'
import { forEachOf } from './each.ts'
import { onRecordChanged } from './effects.ts'
import { flushHandled, noteHandled, noteOffered } from './feed-figures.ts'
import { setHeldAside } from './held-buckets.ts'
import { losersOf } from './losers.ts'
import { isPaused } from './pause.ts'
import { isPeerAway, peerAnswered, peerFailed, peerMayAnswer } from './peer-health.ts'
import { stateOf } from './record-history.ts'
import type { Services } from './services.ts'
import { tracedBy, tracesIn } from './trace.ts'

export interface FeedReport {
  /** Indexes into the batch of changes whose effects could not be carried out; the feed must deliver them again. */
  readonly failed: readonly number[]
}

/**
 * One batch of this site's change feed: at least once, in any order, many times.
 * The buckets are marked first, so that reconciliation finds whatever does not reach the peer now. A peer that is away
 * therefore never blocks the feed, which would forget after 24 hours what stands behind the blockage.
 */
export async function handleChanges(services: Services, changes: readonly StoredRecord[]): Promise<FeedReport> {
  const report = await followChanges(services, changes, (isDone) => noteHandled(services, changes, isDone))
  await flushHandled(services)
  return report
}

/** All that follows from changes, however this site came to know of them; `onBegun` hears whether all effects have begun. */
export async function followChanges(
  services: Services,
  changes: readonly StoredRecord[],
  onBegun?: (isAll: boolean) => void,
): Promise<FeedReport> {
  await markDirty(services, changes)
  const failed: number[] = []
  for (const [index, change] of changes.entries()) {
    if (!(await beginEffects(services, change))) failed.push(index)
  }
  onBegun?.(failed.length === 0)
  const own = changes.filter((change) => change.via !== 'peer')
  await offerChanges(services, [...(await losersOf(services, own)), ...own.map(stateOf)])
  return { failed }
}

const effectTriesMax = 3

/**
 * Begins what follows from a change. False when a dependency is away, so that the feed delivers the change again;
 * a change that fails for any other reason would fail for ever and hold up all behind it: it becomes a dead letter.
 */
export async function beginEffects(services: Services, change: StoredRecord): Promise<boolean> {
  for (let attempt = 0; ; attempt++) {
    try {
      await onRecordChanged(services, change)
      return true
    } catch (error) {
      services.telemetry.log('error', 'What follows from a change could not be begun', { id: change.key.id }, error)
      if (attempt + 1 < effectTriesMax) {
        await services.clock.sleep(backoffMs(attempt, services.random.fraction(), { baseMs: 100, capMs: 2000 }))
        continue
      }
      if (isCatamaranError(error) && isTransient(error)) return false
      await fileDeadLetter(services, { kind: 'effect', cause: causeOf(error), payload: asPayload(stateOf(change)) })
      return true
    }
  }
}

const causeOf = (error: unknown): string => (error instanceof Error ? error.message : String(error))

const asPayload = (state: RecordState): JsonObject => ({ state: state as unknown as JsonObject })

/** A large feed batch waits for the way there and back once, not once per hundred states. */
const offersAtOnceMax = 4

/**
 * Offers states to the peer in bounded batches, several at once; what it refuses for good becomes a dead letter. A peer that fails
 * makes it stop, never throw; it throws when this site's own store fails, and may then be called again.
 */
export async function offerChanges(services: Services, states: readonly RecordState[]): Promise<number> {
  let taken = 0
  await forEachOf([...batchesOf(latestOnly(states))], offersAtOnceMax, async (batch) => {
    if (!(await mayOffer(services))) return markUndelivered(services, batch)
    const outcomes = await offerBatch(services, batch)
    if (!outcomes) return
    await peerAnswered(services)
    taken += await settle(services, batch, outcomes)
  })
  return taken
}

const mayOffer = async (services: Services): Promise<boolean> =>
  (await peerMayAnswer(services)) && !(await isPaused(services, 'outgoing'))

/** Undefined when the peer gave no answer. */
async function offerBatch(
  services: Services,
  batch: readonly RecordState[],
): Promise<readonly OfferOutcome[] | undefined> {
  try {
    const outcomes = await services.peer.offer(batch)
    for (const trace of tracesIn(batch))
      tracedBy(services, trace).telemetry.log('info', 'The peer has answered an offer')
    return outcomes
  } catch (error) {
    await peerFailed(services, error)
    await markUndelivered(services, batch)
    if (!isPeerAway(error)) await fileAll(services, batch, error)
    return undefined
  }
}

/** A later state of the same record has seen the earlier ones, so only the last of each needs to travel. */
function latestOnly(states: readonly RecordState[]): RecordState[] {
  const latest = new Map<string, RecordState>()
  for (const state of states) {
    const id = JSON.stringify([state.key.tenant, state.key.collection, state.key.id])
    const known = latest.get(id)
    if (!known || known.stamp < state.stamp) latest.set(id, state)
  }
  return [...latest.values()]
}

export function* batchesOf(states: readonly RecordState[]): Generator<RecordState[]> {
  let batch: RecordState[] = []
  let bytes = 0
  for (const state of states) {
    const size = Buffer.byteLength(JSON.stringify(state))
    if (batch.length > 0 && (batch.length >= offerStatesMax || bytes + size > offerBytesMax)) {
      yield batch
      batch = []
      bytes = 0
    }
    batch.push(state)
    bytes += size
  }
  if (batch.length > 0) yield batch
}

async function settle(
  services: Services,
  batch: readonly RecordState[],
  outcomes: readonly OfferOutcome[],
): Promise<number> {
  let taken = 0
  await setHeldAside(services, batch, outcomes)
  for (const [index, state] of batch.entries()) {
    const outcome = outcomes[index] ?? { kind: 'failed', code: 'internal', detail: 'The peer gave no outcome.' }
    if (outcome.kind !== 'failed') taken++
    else if (outcome.code !== 'unavailable') await fileOne(services, state, `${outcome.code}: ${outcome.detail}`)
  }
  // What the peer knew already came to it by another way, at another time.
  const fresh = batch.filter((_, index) => ['applied', 'merged'].includes(outcomes[index]?.kind ?? ''))
  const nowMs = services.clock.now()
  await noteOffered(
    services,
    fresh.map(({ stamp }) => Math.max(0, nowMs - stampMs(stamp))),
  )
  return taken
}

async function fileAll(services: Services, batch: readonly RecordState[], error: unknown): Promise<void> {
  for (const state of batch) await fileOne(services, state, causeOf(error))
}

const fileOne = (services: Services, state: RecordState, cause: string): Promise<void> =>
  fileDeadLetter(services, { kind: 'offer', cause, payload: asPayload(state) })
