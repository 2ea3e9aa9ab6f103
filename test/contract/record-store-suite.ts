import { describe, expect, test } from '@jest/globals'
import fc from 'fast-check'
import { recordBytesMax } from '../../shared/domain/limits.ts'
import type { JsonObject } from '../../shared/domain/json.ts'
import type { RecordKey } from '../../shared/domain/record.ts'
import { compareUtf8 } from '../../shared/domain/utf8.ts'
import type { RecordStore } from '../../shared/ports/record-store.ts'
import {
  anyJsonObject,
  anyText,
  everyPage,
  facts,
  freshTenant,
  idsInShard,
  partitionOf,
  stamp,
  state,
} from './fixtures.ts'

const absent = { kind: 'absent' } as const

/** What every record store promises for one record and one partition. */
export function recordStoreSuite(name: string, storeOf: () => RecordStore): void {
  const keyOf = (id: string, tenant = freshTenant()): RecordKey => ({ tenant, collection: 'notes', id })

  const putNew = async (store: RecordStore, key: RecordKey, body: JsonObject | null): Promise<void> => {
    expect((await store.put(state(key, body), absent, facts())).kind).toBe('stored')
  }

  describe(`${name}: one record`, () => {
    test('a state comes back as it went in, with its local facts', async () => {
      const key = keyOf('one')
      const written = {
        ...state(key, { text: 'hello', list: [1, null, { deep: true }] }),
        vector: { aws: stamp(1), 'azure-12': stamp(2, 0, 'azure') },
        applied: [{ key: 'k', print: 'p', stamp: state(key, {}).stamp }],
        overruled: { azure: 'a print', 'aws-1': 'another' },
        fields: { seen: {}, edits: { '/list': state(key, {}).stamp, '': state(key, {}).stamp }, buried: { a: 1e300 } },
      }
      const outcome = await storeOf().put(written, absent, { via: 'peer', arrivalMs: 1234567890123 })
      const read = await storeOf().get(key)
      expect(read).toEqual({ ...written, via: 'peer', arrivalMs: 1234567890123, token: expect.any(String) })
      expect(outcome).toEqual({ kind: 'stored', token: read?.token })
    })

    test('keeps whose the content is where a state repeats it', async () => {
      const written = state(keyOf('repeated'), { text: 'the same' })
      const content = { via: 'client', sinceMs: 1234567890000 } as const
      await storeOf().put(written, absent, { via: 'peer', arrivalMs: 1234567890123, content })
      expect(await storeOf().get(written.key)).toMatchObject({ via: 'peer', arrivalMs: 1234567890123, content })
    })

    test('an unknown record is undefined, whatever its id', async () => {
      expect(await storeOf().get(keyOf('nothing'))).toBeUndefined()
      expect(await storeOf().get(keyOf('../..\u0000\u{10ffff}'))).toBeUndefined()
    })

    test('a tombstone is a state like any other, and can be replaced by a body again', async () => {
      const key = keyOf('dead')
      await putNew(storeOf(), key, { a: 1 })
      const alive = await storeOf().get(key)
      const buried = await storeOf().put(state(key, null), { kind: 'unchanged', token: alive?.token ?? '' }, facts())
      expect(buried.kind).toBe('stored')
      const tombstone = await storeOf().get(key)
      expect(tombstone).toMatchObject({ deleted: true, body: null })
      const again = await storeOf().put(
        state(key, { b: 2 }),
        { kind: 'unchanged', token: tombstone?.token ?? '' },
        facts(),
      )
      expect(again.kind).toBe('stored')
      expect((await storeOf().get(key))?.body).toEqual({ b: 2 })
    })

    test('every JSON body and every id round-trips', async () => {
      const tenant = freshTenant()
      await fc.assert(
        fc.asyncProperty(anyText(256), anyJsonObject, async (id, body) => {
          const key = { tenant, collection: 'any', id }
          const current = await storeOf().get(key)
          const condition = current ? ({ kind: 'unchanged', token: current.token } as const) : absent
          expect((await storeOf().put(state(key, body), condition, facts())).kind).toBe('stored')
          const read = await storeOf().get(key)
          expect(JSON.stringify(read?.key)).toBe(JSON.stringify(key))
          expect(read?.body).toEqual(body)
        }),
        { numRuns: 60 },
      )
    })

    test('numbers that databases like to change come back exactly', async () => {
      const key = keyOf('numbers')
      const body = { big: 1e300, tiny: 5e-324, max: Number.MAX_SAFE_INTEGER, long: 0.1234567890123456, neg: -1e-7 }
      await putNew(storeOf(), key, { ...body, '': '', empty: {}, none: null, list: [] })
      expect((await storeOf().get(key))?.body).toEqual({ ...body, '': '', empty: {}, none: null, list: [] })
    })

    test('nesting 500 deep comes back', async () => {
      const key = keyOf('deep')
      let body: JsonObject = {}
      for (let depth = 0; depth < 500; depth++) body = { d: body }
      await putNew(storeOf(), key, body)
      expect((await storeOf().get(key))?.body).toEqual(body)
    })

    test('lone surrogates and ids over 256 bytes are refused, and nothing is written', async () => {
      const key = keyOf('surrogate')
      for (const body of [{ a: 'x\ud800y' }, { '\udfff': 1 }, { a: [{ b: '\ud83d' }] }]) {
        await expect(storeOf().put(state(key, body), absent, facts())).rejects.toMatchObject({
          code: 'invalid-request',
        })
      }
      expect(await storeOf().get(key)).toBeUndefined()
      const long = keyOf('é'.repeat(129))
      await expect(storeOf().put(state(long, {}), absent, facts())).rejects.toMatchObject({ code: 'invalid-request' })
      await putNew(storeOf(), keyOf('é'.repeat(128)), { fits: true })
    })

    test('a body of the greatest size is held, one byte more is too large', async () => {
      const key = keyOf('large')
      const frame = JSON.stringify({ a: '' }).length
      await putNew(storeOf(), key, { a: 'x'.repeat(recordBytesMax - frame) })
      expect(JSON.stringify((await storeOf().get(key))?.body).length).toBe(recordBytesMax)
      const over = state(keyOf('larger'), { a: 'x'.repeat(recordBytesMax - frame + 1) })
      await expect(storeOf().put(over, absent, facts())).rejects.toMatchObject({ code: 'too-large' })
      // All quotes: what doubles in a store that writes JSON inside JSON.
      await putNew(storeOf(), keyOf('quotes'), { a: '"'.repeat(recordBytesMax / 2 - frame) })
    })
  })

  describe(`${name}: compare-and-swap`, () => {
    test('create only once, replace only what was read', async () => {
      const key = keyOf('cas')
      await putNew(storeOf(), key, { n: 1 })
      expect((await storeOf().put(state(key, { n: 2 }), absent, facts())).kind).toBe('changed')
      const first = await storeOf().get(key)
      const token = first?.token ?? ''
      const second = await storeOf().put(state(key, { n: 3 }), { kind: 'unchanged', token }, facts())
      expect(second.kind).toBe('stored')
      expect((await storeOf().put(state(key, { n: 4 }), { kind: 'unchanged', token }, facts())).kind).toBe('changed')
      expect((await storeOf().get(key))?.body).toEqual({ n: 3 })
    })

    test('replacing what is not there changes nothing', async () => {
      const key = keyOf('gone')
      const outcome = await storeOf().put(state(key, {}), { kind: 'unchanged', token: 'never given' }, facts())
      expect(outcome.kind).toBe('changed')
      expect(await storeOf().get(key)).toBeUndefined()
    })

    test('the same write sent twice answers changed the second time', async () => {
      const key = keyOf('twice')
      const written = state(key, { n: 1 })
      expect((await storeOf().put(written, absent, facts())).kind).toBe('stored')
      expect((await storeOf().put(written, absent, facts())).kind).toBe('changed')
      expect((await storeOf().get(key))?.stamp).toBe(written.stamp)
    })

    test('of 20 that create at once, and of 20 that replace at once, exactly one wins', async () => {
      const key = keyOf('race')
      const race = async (condition: Parameters<RecordStore['put']>[1], from: number) => {
        const tries = Array.from({ length: 20 }, (_, n) =>
          storeOf().put(state(key, { n: from + n }), condition, facts()),
        )
        const won = (await Promise.all(tries)).flatMap(({ kind }, n) => (kind === 'stored' ? [from + n] : []))
        expect(won).toHaveLength(1)
        const now = await storeOf().get(key)
        expect(now?.body).toEqual({ n: won[0] })
        return now?.token ?? ''
      }
      const token = await race(absent, 0)
      await race({ kind: 'unchanged', token }, 100)
    })

    test('20 writers that read, add one and try again lose no addition', async () => {
      const key = keyOf('counter')
      await putNew(storeOf(), key, { n: 0 })
      const add = async (): Promise<void> => {
        for (;;) {
          const read = await storeOf().get(key)
          const n = Number(read?.body?.n) + 1
          const condition = { kind: 'unchanged', token: read?.token ?? '' } as const
          if ((await storeOf().put(state(key, { n }), condition, facts())).kind === 'stored') return
        }
      }
      await Promise.all(Array.from({ length: 20 }, add))
      expect((await storeOf().get(key))?.body).toEqual({ n: 20 })
    })
  })

  describe(`${name}: many records`, () => {
    test('getMany keeps the order asked for, gaps and repeats included', async () => {
      const tenant = freshTenant()
      const keys = Array.from({ length: 98 }, (_, n) => keyOf(`m${n}`, tenant))
      await Promise.all(keys.map(async (key, n) => (n % 3 === 0 ? undefined : putNew(storeOf(), key, { n }))))
      const asked = [...keys.toReversed(), keyOf('m1', tenant), keyOf('m0', tenant)]
      const read = await storeOf().getMany(asked)
      const expected = asked.map(({ id }) => (Number(id.slice(1)) % 3 === 0 ? undefined : { n: Number(id.slice(1)) }))
      expect(read.map((record) => record?.body ?? undefined)).toEqual(expected)
      expect(await storeOf().getMany([])).toEqual([])
    })

    test('getMany of 100 records of 100 KB gives them all', async () => {
      const tenant = freshTenant()
      const keys = Array.from({ length: 100 }, (_, n) => keyOf(`big${n}`, tenant))
      for (let at = 0; at < 100; at += 10) {
        await Promise.all(keys.slice(at, at + 10).map((key) => putNew(storeOf(), key, { text: 'x'.repeat(100_000) })))
      }
      const read = await storeOf().getMany(keys)
      expect(read.map((record) => record?.key.id)).toEqual(keys.map(({ id }) => id))
    }, 60_000)

    test('a partition is listed by the order of UTF-8 bytes, at any page size, without its neighbours', async () => {
      const tenant = freshTenant()
      const awkward = [
        'a',
        'a/',
        'a/b',
        'a#',
        'a?',
        'a\\',
        'a%20',
        'A',
        'z',
        '~',
        '\u{1f600}',
        '\uffee',
        'é',
        ' ',
        '.',
        '..',
        '-',
      ]
      const shard = 3
      const spread = idsInShard(tenant, 'odd', shard, 40, (n) => `${awkward[n % awkward.length]}${n.toString(36)}`)
      await Promise.all(spread.map((id) => putNew(storeOf(), { tenant, collection: 'odd', id }, { id })))
      await putNew(storeOf(), { tenant, collection: 'odd2', id: 'neighbour' }, {})
      const expected = [...spread].sort(compareUtf8)
      for (const limit of [1, 7, 40, 1000]) {
        const read = (after: string | undefined) =>
          storeOf().query({ tenant, collection: 'odd', shard }, { after, limit })
        expect((await everyPage(read, limit)).map(({ key }) => key.id)).toEqual(expected)
      }
      const exact = await storeOf().query({ tenant, collection: 'odd', shard }, { limit: 40 })
      expect(exact.next).toBeUndefined()
      const middle = await storeOf().query({ tenant, collection: 'odd', shard }, { after: expected[19], limit: 3 })
      expect(middle.items.map(({ key }) => key.id)).toEqual(expected.slice(20, 23))
    }, 60_000)

    test('a list holds tombstones, and an empty partition is an empty last page', async () => {
      const key = keyOf('buried')
      await putNew(storeOf(), key, null)
      const { items } = await storeOf().query(partitionOf(key), { limit: 10 })
      expect(items).toMatchObject([{ key, deleted: true, body: null }])
      expect(await storeOf().query({ tenant: freshTenant(), collection: 'none', shard: 0 }, { limit: 10 })).toEqual({
        items: [],
      })
    })

    test('a page of records larger than a response is cut, and the list still complete', async () => {
      const tenant = freshTenant()
      const ids = idsInShard(tenant, 'huge', 1, 12, (n) => `h${String(n).padStart(4, '0')}`)
      for (const id of ids) await putNew(storeOf(), { tenant, collection: 'huge', id }, { text: 'x'.repeat(350_000) })
      const read = (after: string | undefined) =>
        storeOf().query({ tenant, collection: 'huge', shard: 1 }, { after, limit: 1000 })
      expect((await everyPage(read, 1000)).map(({ key }) => key.id)).toEqual(ids)
    }, 60_000)
  })
}
