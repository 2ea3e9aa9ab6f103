import { describe, expect, test } from '@jest/globals'
import type { StoredRecord } from '../../shared/domain/record.ts'
import { formatStamp } from '../../shared/domain/stamp.ts'
import { makeCosmosFeed } from './cosmos-feed.ts'
import type { Delivery, Feed, Handler } from './feed.ts'
import type { ProfileOverride } from './profile.ts'
import { makeWorld } from './run.ts'
import { makeStreamFeed } from './stream-feed.ts'
import type { World } from './world.ts'

const calm: ProfileOverride = { isCalm: true, loseFeedEvents: 0, shardSplits: 0 }
const done: Delivery = { kind: 'done', failed: [] }
const failed: Delivery = { kind: 'failed' }
const hourMs = 3_600_000

const worldOf = (override: ProfileOverride = calm): World => makeWorld(7, new Map(), { override }).world

function version(id: string, n: number): StoredRecord {
  const stamp = formatStamp({ ms: 1_000 + n, counter: 0, nonce: '00000000', site: 'aws' })
  const key = { tenant: 'acme', collection: 'notes', id }
  const state = { key, vector: { aws: stamp }, stamp, deleted: false, body: { n }, createdMs: 0 }
  return { ...state, via: 'client', arrivalMs: 0, token: stamp }
}

const told = (states: readonly StoredRecord[]): string[] =>
  states.map(({ key, body }) => `${key.id}${Number(body?.['n'])}`)

/** A feed whose function answers what it is told to, and notes the batches it was given. */
function feedWith(
  make: (world: World, handle: Handler) => Feed,
  { world = worldOf(), answers = [] }: { world?: World; answers?: Delivery[] } = {},
): { feed: Feed; world: World; batches: string[][] } {
  const batches: string[][] = []
  const feed = make(world, async (_world, _site, states) => {
    batches.push(told(states))
    return answers.shift() ?? done
  })
  return { feed, world, batches }
}

describe('DynamoDB Streams', () => {
  test('every version comes, in order, in batches', async () => {
    const { feed, world, batches } = feedWith(makeStreamFeed)
    for (let n = 0; n < 25; n++) feed.changed(version('a', n))
    await world.scheduler.runUntil(10_000)
    expect(batches.map((batch) => batch.length)).toEqual([10, 10, 5])
    expect(batches.flat()).toEqual(Array.from({ length: 25 }, (_, n) => `a${n}`))
    expect(feed.backlog()).toBe(0)
  })

  test('a batch that fails is cut in two until it goes through', async () => {
    const { feed, world, batches } = feedWith(makeStreamFeed, { answers: [failed, failed, failed] })
    for (let n = 0; n < 8; n++) feed.changed(version('a', n))
    await world.scheduler.runUntil(10_000)
    expect(batches.slice(0, 4).map((batch) => batch.length)).toEqual([8, 4, 2, 1])
    expect(batches.slice(3).flat()).toEqual(Array.from({ length: 8 }, (_, n) => `a${n}`))
  })

  test('both halves of a batch that failed come before anything newer', async () => {
    const { feed, world, batches } = feedWith(makeStreamFeed, { answers: [failed, { kind: 'done', failed: [0] }] })
    for (let n = 0; n < 14; n++) feed.changed(version('a', n))
    await world.scheduler.runUntil(10_000)
    expect(batches.map((batch) => batch.length)).toEqual([10, 5, 3, 2, 5, 4])
    expect(batches.slice(2).flat()).toEqual(Array.from({ length: 14 }, (_, n) => `a${n}`))
  })

  test('a batch that fails in part is read again from the first that failed', async () => {
    const { feed, world, batches } = feedWith(makeStreamFeed, { answers: [{ kind: 'done', failed: [3, 1] }] })
    for (let n = 0; n < 5; n++) feed.changed(version('a', n))
    await world.scheduler.runUntil(10_000)
    expect(batches).toEqual([
      ['a0', 'a1', 'a2', 'a3', 'a4'],
      ['a1', 'a2', 'a3', 'a4'],
    ])
  })

  test('what is not read within 24 hours is gone', async () => {
    const { feed, world, batches } = feedWith(makeStreamFeed)
    world.sites.aws.isUp = false
    feed.changed(version('a', 1))
    await world.scheduler.runUntil(23 * hourMs)
    feed.changed(version('a', 2))
    await world.scheduler.runUntil(25 * hourMs)
    world.sites.aws.isUp = true
    await world.scheduler.runUntil(26 * hourMs)
    expect(batches).toEqual([['a2']])
  })

  test('of a shard that was split the older half is read first', async () => {
    const world = worldOf({ ...calm, isCalm: false, shardSplits: 2 })
    const { feed, batches } = feedWith(makeStreamFeed, { world, answers: [failed, failed] })
    for (let n = 0; n < 40; n++) feed.changed(version('a', n))
    await world.scheduler.runUntil(60_000)
    const seen = [...new Set(batches.slice(2).flat())]
    expect(seen).toEqual(Array.from({ length: 40 }, (_, n) => `a${n}`))
  })

  test('the stream of a table that is another one now tells nothing of what was before, whatever shards it had', async () => {
    const world = worldOf({ ...calm, isCalm: false, shardSplits: 2 })
    const { feed, batches } = feedWith(makeStreamFeed, { world })
    for (let n = 0; n < 40; n++) feed.changed(version(`r${n}`, n))
    expect(feed.backlog()).toBeGreaterThanOrEqual(40)
    feed.reset()
    expect(feed.backlog()).toBe(0)
    await world.scheduler.runUntil(60_000)
    expect(batches).toEqual([])
  })
})

describe('Cosmos DB change feed', () => {
  test('a document that changed twice comes once, at its last place', async () => {
    const { feed, world, batches } = feedWith(makeCosmosFeed)
    feed.changed(version('a', 1))
    feed.changed(version('b', 1))
    feed.changed(version('a', 2))
    await world.scheduler.runUntil(10_000)
    expect(batches).toEqual([['b1', 'a2']])
    feed.changed(version('b', 2))
    await world.scheduler.runUntil(20_000)
    expect(batches.at(-1)).toEqual(['b2'])
  })

  test('a batch is held as it was read until the function succeeds, and then comes what it has become', async () => {
    const { feed, world, batches } = feedWith(makeCosmosFeed, { answers: [failed, { kind: 'done', failed: [0] }] })
    feed.changed(version('a', 1))
    await world.scheduler.runUntil(500)
    feed.changed(version('a', 2))
    await world.scheduler.runUntil(10_000)
    expect(batches).toEqual([['a1'], ['a1'], ['a1'], ['a2']])
    expect(feed.backlog()).toBe(0)
  })

  test('it forgets nothing, however long nobody reads it', async () => {
    const { feed, world, batches } = feedWith(makeCosmosFeed)
    world.sites.azure.isUp = false
    feed.changed(version('a', 1))
    await world.scheduler.runUntil(240 * hourMs)
    world.sites.azure.isUp = true
    await world.scheduler.runUntil(241 * hourMs)
    expect(batches).toEqual([['a1']])
  })
})

describe('queue', () => {
  test.each([
    ['aws', 80],
    ['azure', 1],
  ] as const)(
    '%s: a message that fails five times goes to the dead letters, after %d minutes',
    async (site, minutes) => {
      const world = worldOf()
      const { queue, outUntilMs } = world.sites[site]
      outUntilMs.site = 3 * hourMs
      const payload = { tenant: 'acme', asset: 'a', key: 'objects/acme/a/00' }
      queue.send({ kind: 'copy-object', payload }, 0)
      expect(queue.depth()).toEqual({ waiting: 1, deadLetters: 0 })
      await world.scheduler.runUntil((minutes - 0.5) * 60_000)
      expect(queue.depth()).toEqual({ waiting: 1, deadLetters: 0 })
      await world.scheduler.runUntil((minutes + 0.5) * 60_000)
      expect(queue.depth()).toEqual({ waiting: 0, deadLetters: 1 })
    },
  )
})
