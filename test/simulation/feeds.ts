import type { StoredRecord } from '../../shared/domain/record.ts'
import { keyText } from '../../shared/domain/record.ts'
import { shardOf } from '../../shared/domain/hash.ts'
import { handleChanges } from '../../shared/core/feed.ts'
import type { Site } from '../../shared/domain/site.ts'
import { makeInvocation } from './invocation.ts'
import type { World } from './world.ts'

export interface Feed {
  changed(state: StoredRecord): void
  /** What the feed has not seen acknowledged. */
  backlog(): number
}

const horizonMs = 24 * 3_600_000
const batchMax = 10
const pollMs = 250
const timeoutMs = 60_000
/** How often the host of a site that is down would look again. */
const downMs = 10_000

/** How one delivery ended, as the host sees it. */
type Delivery = { readonly kind: 'done'; readonly failed: readonly number[] } | { readonly kind: 'failed' }

/** Runs the change-feed function over one batch, gives up on it after its time-out, and may leave a zombie behind. */
async function deliver(world: World, site: Site, batch: readonly StoredRecord[]): Promise<Delivery> {
  const invocation = makeInvocation(world, `${site} feed`)
  const run = handleChanges(world.sites[site].servicesOf(invocation), batch)
  const isZombie = world.faultsOn() && world.streams.faults.oneIn(world.profile.zombie)
  const givenUpMs = isZombie ? world.streams.faults.pick(300) : timeoutMs
  const outcome = await Promise.race([
    run.then(
      ({ failed }): Delivery => ({ kind: 'done', failed }),
      (): Delivery => ({ kind: 'failed' }),
    ),
    invocation.killed.then((): Delivery => ({ kind: 'failed' })),
    world.scheduler.delay(givenUpMs, `${site} feed time-out`).then((): Delivery => ({ kind: 'failed' })),
  ])
  if (isZombie && outcome.kind === 'failed') world.mark('zombie went on after its time-out')
  return outcome
}

export const makeFeed = (world: World, site: Site): Feed =>
  site === 'aws' ? makeStreams(world) : makeCosmosFeed(world)

/** DynamoDB Streams: every version, in order within a shard, forgotten after 24 hours; bisect and partial failures. */
function makeStreams(world: World): Feed {
  const { scheduler, streams, profile, mark, faultsOn } = world
  const shards = Array.from({ length: 2 }, () => [] as { state: StoredRecord; atMs: number }[])
  const asleep = new Set(shards)
  const changed = (state: StoredRecord): void => {
    if (faultsOn() && streams.faults.oneIn(profile.loseFeedEvents)) return mark('stream event lost')
    const shard = shards[shardOf(state.key) % shards.length] ?? []
    const entry = { state, atMs: scheduler.now() }
    shard.push(entry)
    if (faultsOn() && streams.faults.oneIn(40)) {
      mark('stream record doubled')
      shard.push(entry)
    }
    if (asleep.delete(shard)) scheduler.at(scheduler.now() + pollMs, 'aws stream', () => void poll(shard, batchMax))
  }
  const trim = (shard: { atMs: number }[]): void => {
    const kept = shard.findIndex(({ atMs }) => atMs > scheduler.now() - horizonMs)
    const gone = kept < 0 ? shard.length : kept
    if (gone > 0) mark('stream trimmed')
    shard.splice(0, gone)
  }
  const poll = async (shard: { state: StoredRecord; atMs: number }[], size: number): Promise<void> => {
    trim(shard)
    const again = (ms: number, next: number): void =>
      scheduler.at(scheduler.now() + ms, 'aws stream', () => void poll(shard, next))
    if (shard.length === 0) return void asleep.add(shard)
    if (!world.sites.aws.isUp) return again(downMs, batchMax)
    const batch = shard.slice(0, size)
    const outcome = await deliver(
      world,
      'aws',
      batch.map(({ state }) => state),
    )
    if (outcome.kind === 'failed') {
      if (size > 1) mark('stream batch bisected')
      return again(1000, Math.max(1, Math.ceil(size / 2)))
    }
    if (outcome.failed.length > 0) mark('stream batch failed in part')
    const taken = outcome.failed.length > 0 ? Math.min(...outcome.failed) : batch.length
    for (const entry of batch.slice(0, taken)) {
      const at = shard.indexOf(entry)
      if (at >= 0) shard.splice(at, 1)
    }
    again(taken < batch.length ? 1000 : 10, batchMax)
  }
  return { changed, backlog: () => shards.reduce((sum, shard) => sum + shard.length, 0) }
}

/**
 * Cosmos DB change feed, latest-version mode: a document updated twice before it is read is seen once. The lease is
 * checkpointed after success, so what was done may come again; the retry policy holds the batch until it succeeds.
 */
function makeCosmosFeed(world: World): Feed {
  const { scheduler, streams, profile, mark, faultsOn } = world
  let lsn = 0
  let checkpoint = 0
  let isAsleep = true
  let log: { lsn: number; id: string }[] = []
  const latest = new Map<string, { lsn: number; state: StoredRecord }>()
  const changed = (state: StoredRecord): void => {
    if (faultsOn() && streams.faults.oneIn(profile.loseFeedEvents)) return mark('stream event lost')
    const id = keyText(state.key)
    if ((latest.get(id)?.lsn ?? 0) > checkpoint) mark('feed coalesced')
    latest.set(id, { lsn: ++lsn, state })
    log.push({ lsn, id })
    if (isAsleep) scheduler.at(scheduler.now() + pollMs, 'azure feed', () => void poll())
    isAsleep = false
  }
  const isLatest = (entry: { lsn: number; id: string }): boolean => latest.get(entry.id)?.lsn === entry.lsn
  const poll = async (): Promise<void> => {
    const again = (ms: number): void => scheduler.at(scheduler.now() + ms, 'azure feed', () => void poll())
    log = log.filter(isLatest)
    const batch = log.filter((entry) => entry.lsn > checkpoint).slice(0, batchMax)
    if (batch.length === 0) return void (isAsleep = true)
    if (!world.sites.azure.isUp) return again(downMs)
    const states = batch.flatMap((entry) => latest.get(entry.id)?.state ?? [])
    const outcome = await deliver(world, 'azure', states)
    if (outcome.kind === 'failed' || outcome.failed.length > 0) {
      mark('feed batch retried')
      return again(1000)
    }
    checkpoint = batch.at(-1)?.lsn ?? checkpoint
    if (faultsOn() && streams.faults.oneIn(60)) {
      mark('feed lease replayed')
      checkpoint = Math.max(0, checkpoint - streams.faults.pick(20))
    }
    again(10)
  }
  return { changed, backlog: () => log.filter((entry) => isLatest(entry) && entry.lsn > checkpoint).length }
}
