import { keyText, type StoredRecord } from '../../shared/domain/record.ts'
import {
  deliver,
  downPauseMs,
  feedBatchMax,
  feedPollMs,
  standingPauseMs,
  standsStill,
  type Feed,
  type Handler,
} from './feed.ts'
import type { World } from './world.ts'

interface Batch {
  readonly states: readonly StoredRecord[]
  readonly lastLsn: number
}

/**
 * Cosmos DB change feed, latest-version mode: a document updated twice before it is read is seen once, at its last place.
 * The lease is checkpointed after success, so what was done may come again; the host holds a batch as it was read until its
 * function succeeds, and reads it anew only when it was itself gone meanwhile.
 * Without a policy of retrying, the feed moves on after an exception.
 *
 * Held beside our own local Cosmos DB and Functions host (fakes-alike.test.ts), which are our reading of Microsoft's documents
 * as this is: that quick updates are seen once, that a batch is held until it succeeds, and moving on. By those documents
 * alone: that a lease is replayed, and that a host may move on before its function was asked. Nothing of Microsoft's own that
 * runs here has a change feed.
 */
export function makeCosmosFeed(world: World, handle: Handler = deliver, isRetrying = true): Feed {
  const { scheduler, streams, profile, mark, faultsOn } = world
  let lsn = 0
  let checkpoint = 0
  let isAsleep = true
  let resets = 0
  let held: Batch | undefined
  let log: { readonly lsn: number; readonly id: string }[] = []
  const latest = new Map<string, { readonly lsn: number; readonly state: StoredRecord }>()
  const changed = (state: StoredRecord): void => {
    if (faultsOn() && streams.faults.oneIn(profile.loseFeedEvents)) return mark('stream event lost')
    const id = keyText(state.key)
    if ((latest.get(id)?.lsn ?? 0) > checkpoint) mark('feed coalesced')
    latest.set(id, { lsn: ++lsn, state })
    log.push({ lsn, id })
    if (!isAsleep) return
    isAsleep = false
    again(feedPollMs)
  }
  const again = (ms: number): void => scheduler.at(scheduler.now() + ms, 'azure feed', () => void poll())
  const isLatest = (entry: { lsn: number; id: string }): boolean => latest.get(entry.id)?.lsn === entry.lsn
  const read = (): Batch | undefined => {
    log = log.filter(isLatest)
    const entries = log.filter((entry) => entry.lsn > checkpoint).slice(0, feedBatchMax)
    const states = entries.flatMap((entry) => latest.get(entry.id)?.state ?? [])
    return entries.length > 0 ? { states, lastLsn: entries.at(-1)?.lsn ?? 0 } : undefined
  }
  const poll = async (): Promise<void> => {
    if (!world.sites.azure.isUp) held = undefined
    const begun = resets
    const batch = held ?? read()
    if (!batch) return void (isAsleep = true)
    if (!world.sites.azure.isUp) return again(downPauseMs(world))
    if (standsStill(world, 'azure')) return again(standingPauseMs)
    // The function is asked to hold a batch until it succeeds; a host that fails before it comes to that moves on.
    if (faultsOn() && streams.faults.oneIn(4 * profile.loseFeedEvents)) {
      mark('feed moved on after an exception')
      checkpoint = Math.max(checkpoint, batch.lastLsn)
      held = undefined
      return again(1000)
    }
    const outcome = await handle(world, 'azure', batch.states)
    // A table that is another one by now.
    if (resets !== begun) return again(feedPollMs)
    if (isRetrying && (outcome.kind === 'failed' || outcome.failed.length > 0)) {
      mark('feed batch retried')
      // Its host may be gone, and another one reads it as it is by then.
      held = faultsOn() && streams.faults.oneIn(3) ? undefined : batch
      return again(1000)
    }
    checkpoint = Math.max(checkpoint, batch.lastLsn)
    held = undefined
    if (faultsOn() && streams.faults.oneIn(60)) {
      mark('feed lease replayed')
      checkpoint = Math.max(0, checkpoint - streams.faults.pick(20))
    }
    again(10)
  }
  return {
    changed,
    backlog: () => log.filter((entry) => isLatest(entry) && entry.lsn > checkpoint).length,
    reset: () => {
      log = []
      latest.clear()
      held = undefined
      resets++
      checkpoint = lsn
    },
  }
}
