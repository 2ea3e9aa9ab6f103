import { describe, expect, test } from '@jest/globals'
import { bucketOf, shardOf } from '../../shared/domain/hash.ts'
import { recordIndex } from '../../shared/domain/record-index.ts'
import { arrivalCursor, arrivalShardCount, type RecordStore } from '../../shared/ports/record-store.ts'
import { eventually, everyPage, facts, freshTenant, idsInBucket, idsInShard, stamp, state } from './fixtures.ts'

const absent = { kind: 'absent' } as const

/** What every record store promises for its two indexes: reconcile buckets and arrivals. */
export function recordIndexSuite(name: string, storeOf: () => RecordStore): void {
  describe(`${name}: buckets`, () => {
    test('a bucket lists everything in it once, equal stamps included, at any page size', async () => {
      const tenant = freshTenant()
      const bucket = bucketOf({ tenant, collection: 'c', id: 'b-0' })
      const ids = idsInBucket(tenant, 'c', bucket, 7)
      const shared = stamp(1_700_000_000_000)
      for (const [n, id] of ids.entries()) {
        const key = { tenant, collection: 'c', id }
        // Five of seven share one stamp, as a batch that one write made might.
        const own =
          n < 5
            ? { ...state(key, n % 2 ? null : {}), stamp: shared, vector: { aws: shared } }
            : state(key, {}, 1_600_000_000_000 + n)
        expect((await storeOf().put(own, absent, facts())).kind).toBe('stored')
      }
      for (const limit of [1, 2, 3, 7, 1000]) {
        const all = () =>
          everyPage((after) => storeOf().scanBuckets({ first: bucket, last: bucket }, { after, limit }), limit)
        const found = (await eventually(all, (entries) => entries.length >= 7)).filter(
          ({ key }) => key.tenant === tenant,
        )
        expect(found.map(({ key }) => key.id).sort()).toEqual([...ids].sort())
        const dead = found.filter(({ deleted }) => deleted).map(({ key }) => key.id)
        expect(dead.sort()).toEqual(ids.filter((_, n) => n === 1 || n === 3).sort())
        expect(found.find(({ key }) => key.id === ids[0])?.vector).toEqual({ aws: shared })
      }
    }, 60_000)

    test('a replaced record stands once in its bucket, with its newest vector', async () => {
      const key = { tenant: freshTenant(), collection: 'c', id: 'moves' }
      await storeOf().put(state(key, { n: 1 }), absent, facts())
      const token = (await storeOf().get(key))?.token ?? ''
      const newest = state(key, { n: 2 }, 1_700_000_001_000)
      await storeOf().put(newest, { kind: 'unchanged', token }, facts())
      const scan = async () => {
        const { items } = await storeOf().scanBuckets({ first: bucketOf(key), last: bucketOf(key) }, { limit: 1000 })
        return items.filter((entry) => entry.key.tenant === key.tenant)
      }
      const found = await eventually(scan, (entries) => entries[0]?.vector.aws === newest.stamp)
      expect(found).toEqual([{ key, vector: newest.vector, deleted: false }])
    })

    test('a stretch of buckets comes in order of bucket, and nothing from beyond its ends', async () => {
      const tenant = freshTenant()
      const first = 5 * 128 + 3
      const ids = [0, 1, 2, 3].map((offset) => idsInBucket(tenant, 'c', first + offset, 1)[0] ?? '')
      for (const id of ids) await storeOf().put(state({ tenant, collection: 'c', id }, {}), absent, facts())
      for (const limit of [1, 2, 1000]) {
        const stretch = { first: first + 1, last: first + 2 }
        const all = () => everyPage((after) => storeOf().scanBuckets(stretch, { after, limit }), limit)
        const ours = async () => (await all()).filter(({ key }) => key.tenant === tenant)
        const found = await eventually(ours, (entries) => entries.length >= 2)
        expect(found.map(({ key }) => key.id)).toEqual(ids.slice(1, 3))
      }
    }, 60_000)

    test('an empty bucket is an empty last page', async () => {
      const bucket = bucketOf({ tenant: freshTenant(), collection: 'x', id: 'y' })
      const page = await storeOf().scanBuckets({ first: bucket, last: bucket }, { limit: 5 })
      expect(page.next).toBeUndefined()
    })
  })

  describe(`${name}: arrivals`, () => {
    const inFeed = (tenant: string, feed: number, count: number): string[] =>
      [feed, feed + arrivalShardCount].flatMap((shard) =>
        idsInShard(tenant, 'c', shard, count, (n) => `f${shard}-${n}`),
      )

    test('arrivals come in the order of arrival, each record once, from any moment', async () => {
      const tenant = freshTenant()
      const ids = inFeed(tenant, 2, 5)
      for (const [n, id] of ids.entries()) {
        // Arrivals two by two in the same millisecond, written in the opposite order.
        const arrivalMs = 1_700_000_000_000 - Math.floor(n / 2) * 1000
        await storeOf().put(state({ tenant, collection: 'c', id }, { n }), absent, facts(arrivalMs))
      }
      for (const limit of [1, 3, 10, 1000]) {
        const all = () => everyPage((after) => storeOf().arrivals(tenant, 2, { after, limit }), limit)
        const found = await eventually(all, (records) => records.length >= ids.length)
        expect(found.map(({ key }) => key.id).sort()).toEqual([...ids].sort())
        const cursors = found.map(({ key, arrivalMs }) => recordIndex(key, arrivalMs).arrivalKey)
        expect(cursors).toEqual([...cursors].sort())
      }
      const cursor = arrivalCursor(1_700_000_000_000 - 1000)
      const later = await storeOf().arrivals(tenant, 2, { after: cursor, limit: 10 })
      expect(later.items.map(({ arrivalMs }) => arrivalMs - 1_700_000_000_000)).toEqual([-1000, -1000, 0, 0])
      expect((await storeOf().arrivals(tenant, 1, { limit: 10 })).items).toEqual([])
    }, 60_000)

    test('a record that is written again moves to the end; its body comes along', async () => {
      const tenant = freshTenant()
      const ids = idsInShard(tenant, 'c', 0, 3, (n) => `w${n}`)
      for (const [n, id] of ids.entries()) {
        await storeOf().put(state({ tenant, collection: 'c', id }, { n }), absent, facts(1_700_000_000_000 + n))
      }
      const key = { tenant, collection: 'c', id: ids[0] ?? '' }
      expect(shardOf(key)).toBe(0)
      const token = (await storeOf().get(key))?.token ?? ''
      await storeOf().put(
        state(key, { n: 'again' }),
        { kind: 'unchanged', token },
        { via: 'merge', arrivalMs: 1_700_000_009_000 },
      )
      const all = async () => (await storeOf().arrivals(tenant, 0, { limit: 10 })).items
      const found = await eventually(all, (records) => records.at(-1)?.key.id === key.id)
      expect(found.map(({ key: { id } }) => id)).toEqual([ids[1], ids[2], ids[0]])
      expect(found[2]).toMatchObject({ body: { n: 'again' }, via: 'merge' })
    })

    test('reading while others write shows everything that was there before', async () => {
      const tenant = freshTenant()
      const before = idsInShard(tenant, 'c', 1, 30, (n) => `p${n}`)
      for (const [n, id] of before.entries()) {
        await storeOf().put(state({ tenant, collection: 'c', id }, {}), absent, facts(1_700_000_000_000 + n))
      }
      await eventually(
        async () => (await storeOf().arrivals(tenant, 1, { limit: 100 })).items,
        ({ length }) => length >= 30,
      )
      const during = idsInShard(tenant, 'c', 1, 30, (n) => `q${n}`)
      const writing = (async () => {
        for (const [n, id] of during.entries()) {
          await storeOf().put(state({ tenant, collection: 'c', id }, {}), absent, facts(1_700_000_000_500 + n))
        }
      })()
      const seen = await everyPage((after) => storeOf().arrivals(tenant, 1, { after, limit: 4 }), 4)
      await writing
      const ids = seen.map(({ key }) => key.id)
      expect(new Set(ids).size).toBe(ids.length)
      expect(before.filter((id) => !ids.includes(id))).toEqual([])
    }, 60_000)
  })
}
