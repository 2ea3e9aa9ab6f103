import { shardOf } from '../../shared/domain/hash.ts'
import type { StoredRecord } from '../../shared/domain/record.ts'
import { deliver, downPauseMs, feedBatchMax, feedPollMs, type Feed, type Handler } from './feed.ts'
import type { World } from './world.ts'

const horizonMs = 24 * 3_600_000

interface Shard {
  readonly slot: number
  readonly entries: { readonly state: StoredRecord; readonly atMs: number }[]
  /** Read to its end before this one is begun. */
  readonly parent: Shard | undefined
  isAsleep: boolean
}

/**
 * DynamoDB Streams as a Lambda reads them: every version, in order within a shard, forgotten after 24 hours. A batch that
 * fails is cut in two; one that fails in part is read again from the first that failed. A shard that split is read first.
 */
export function makeStreamFeed(world: World, handle: Handler = deliver): Feed {
  const { scheduler, streams, profile, mark, faultsOn } = world
  const slots = 2
  const open = Array.from({ length: slots }, (_, slot): Shard => newShard(slot, undefined))
  let known = [...open]

  const changed = (state: StoredRecord): void => {
    if (faultsOn() && streams.faults.oneIn(profile.loseFeedEvents)) return mark('stream event lost')
    const slot = shardOf(state.key) % slots
    if (faultsOn() && streams.faults.oneIn(profile.shardSplits)) split(slot)
    const shard = open[slot] as Shard
    const entry = { state, atMs: scheduler.now() }
    shard.entries.push(entry)
    if (faultsOn() && streams.faults.oneIn(40)) {
      mark('stream record doubled')
      shard.entries.push(entry)
    }
    if (!shard.isAsleep) return
    shard.isAsleep = false
    again(shard, feedPollMs, feedBatchMax)
  }
  const split = (slot: number): void => {
    mark('stream shard split')
    const parent = open[slot] as Shard
    open[slot] = newShard(slot, parent)
    // An open shard that is empty now fills up again.
    known = [...known.filter((shard) => shard.entries.length > 0 || open.includes(shard)), open[slot]]
  }
  const again = (shard: Shard, ms: number, size: number): void =>
    scheduler.at(scheduler.now() + ms, 'aws stream', () => void poll(shard, size))
  const trim = ({ entries }: Shard): void => {
    const kept = entries.findIndex(({ atMs }) => atMs > scheduler.now() - horizonMs)
    const gone = kept < 0 ? entries.length : kept
    if (gone > 0) mark('stream trimmed')
    entries.splice(0, gone)
  }
  const poll = async (shard: Shard, size: number): Promise<void> => {
    trim(shard)
    if (shard.entries.length === 0) return void (shard.isAsleep = true)
    if (!world.sites.aws.isUp) return again(shard, downPauseMs(world), feedBatchMax)
    if (isBehind(shard.parent)) return again(shard, feedPollMs, size)
    const batch = shard.entries.slice(0, size)
    const states = batch.map(({ state }) => state)
    const outcome = await handle(world, 'aws', states)
    if (outcome.kind === 'failed') {
      if (batch.length > 1) mark('stream batch bisected')
      return again(shard, 1000, Math.max(1, Math.ceil(batch.length / 2)))
    }
    if (outcome.failed.length > 0) mark('stream batch failed in part')
    const taken = outcome.failed.length > 0 ? Math.min(...outcome.failed) : batch.length
    for (const entry of batch.slice(0, taken)) {
      const at = shard.entries.indexOf(entry)
      if (at >= 0) shard.entries.splice(at, 1)
    }
    again(shard, taken < batch.length ? 1000 : 10, feedBatchMax)
  }
  return {
    changed,
    backlog: () => known.reduce((sum, { entries }) => sum + entries.length, 0),
    reset: () => {
      for (const { entries } of known) entries.splice(0)
    },
  }
}

const newShard = (slot: number, parent: Shard | undefined): Shard => ({ slot, entries: [], parent, isAsleep: true })

const isBehind = (shard: Shard | undefined): boolean =>
  shard !== undefined && (shard.entries.length > 0 || isBehind(shard.parent))
