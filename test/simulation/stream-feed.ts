import { shardOf } from '../../shared/domain/hash.ts'
import type { StoredRecord } from '../../shared/domain/record.ts'
import {
  deliver,
  downPauseMs,
  feedBatchMax,
  feedPollMs,
  standingPauseMs,
  standsStill,
  type Delivery,
  type Feed,
  type Handler,
} from './feed.ts'
import type { World } from './world.ts'

const horizonMs = 24 * 3_600_000

interface Entry {
  readonly state: StoredRecord
  readonly atMs: number
}

interface Shard {
  readonly slot: number
  /** Every one that has not been dealt with, oldest first. */
  readonly entries: Entry[]
  /** The batch that is being worked through, in the pieces that it was cut into. */
  pieces: Entry[][]
  /** Read to its end before this one is begun. */
  readonly parent: Shard | undefined
  isAsleep: boolean
}

/**
 * DynamoDB Streams as a Lambda reads them: every version, in order within a shard, forgotten after 24 hours. A batch that
 * fails is cut in two, and its halves are dealt with one after the other, before anything newer; what is left of one that fails
 * in part goes on by itself. A shard that split is read first.
 *
 * Held beside DynamoDB Local (fakes-alike.test.ts): every version, their order, and that a stream may be read again from any
 * of its records. Held beside our own local Lambda on that stream, which is our reading of AWS's documents: batches, cutting
 * them in two, and going on from the first that failed. By AWS's documents alone: that a stream forgets after 24 hours, that a
 * shard splits and its parent is read first, and that records come twice; DynamoDB Local shows none of these on demand.
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
    again(shard, feedPollMs)
  }
  const split = (slot: number): void => {
    mark('stream shard split')
    const parent = open[slot] as Shard
    open[slot] = newShard(slot, parent)
    // An open shard that is empty now fills up again.
    known = [...known.filter((shard) => shard.entries.length > 0 || open.includes(shard)), open[slot]]
  }
  const again = (shard: Shard, ms: number): void =>
    scheduler.at(scheduler.now() + ms, 'aws stream', () => void poll(shard))
  const poll = async (shard: Shard): Promise<void> => {
    const gone = shard.entries.findIndex(({ atMs }) => atMs > scheduler.now() - horizonMs)
    if (gone !== 0) trim(shard, gone < 0 ? shard.entries.length : gone)
    if (shard.entries.length === 0) return void (shard.isAsleep = true)
    if (!world.sites.aws.isUp) return again(shard, downPauseMs(world))
    if (standsStill(world, 'aws')) return again(shard, standingPauseMs)
    if (isBehind(shard.parent)) return again(shard, feedPollMs)
    if (shard.pieces.length === 0) shard.pieces = [shard.entries.slice(0, feedBatchMax)]
    const piece = shard.pieces.shift() ?? []
    const outcome = await handle(
      world,
      'aws',
      piece.map(({ state }) => state),
    )
    if (outcome.kind === 'done' && outcome.failed.length > 0) mark('stream batch failed in part')
    const taken = takenOf(outcome, piece.length)
    settle(shard, piece, taken)
    again(shard, taken < piece.length ? 1000 : 10)
  }
  const trim = (shard: Shard, count: number): void => {
    if (count > 0) mark('stream trimmed')
    const gone = new Set(shard.entries.splice(0, count))
    shard.pieces = shard.pieces
      .map((piece) => piece.filter((entry) => !gone.has(entry)))
      .filter(({ length }) => length > 0)
  }
  /** What was not taken comes next: cut in two when that was all of it. */
  const settle = (shard: Shard, piece: readonly Entry[], taken: number): void => {
    for (const entry of piece.slice(0, taken)) {
      const at = shard.entries.indexOf(entry)
      if (at >= 0) shard.entries.splice(at, 1)
    }
    const left = piece.slice(taken).filter((entry) => shard.entries.includes(entry))
    const half = taken > 0 ? left.length : Math.ceil(left.length / 2)
    if (half < left.length) mark('stream batch bisected')
    shard.pieces.unshift(...[left.slice(0, half), left.slice(half)].filter(({ length }) => length > 0))
  }
  return {
    changed,
    backlog: () => known.reduce((sum, { entries }) => sum + entries.length, 0),
    reset: () => {
      for (const shard of known) {
        shard.entries.splice(0)
        shard.pieces = []
      }
    },
  }
}

/** How many from the start on were dealt with. */
const takenOf = (outcome: Delivery, count: number): number =>
  outcome.kind === 'failed' ? 0 : Math.min(count, ...outcome.failed)

const newShard = (slot: number, parent: Shard | undefined): Shard => ({
  slot,
  entries: [],
  pieces: [],
  parent,
  isAsleep: true,
})

const isBehind = (shard: Shard | undefined): boolean =>
  shard !== undefined && (shard.entries.length > 0 || isBehind(shard.parent))
