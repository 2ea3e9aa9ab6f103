import { describe, expect, test } from '@jest/globals'
import fc from 'fast-check'
import { siteIdBytesMax, siteItemBytesMax } from '../../shared/domain/limits.ts'
import { compareUtf8 } from '../../shared/domain/utf8.ts'
import type { SiteStore } from '../../shared/ports/site-store.ts'
import { anyJsonObject, anyText, everyPage, freshTenant } from './fixtures.ts'

const any = { kind: 'any' } as const
const absent = { kind: 'absent' } as const
const unchanged = (token: string | undefined) => ({ kind: 'unchanged', token: token ?? '' }) as const

/** What every site store promises. `passTime` makes the store's clock move on by so many milliseconds. */
export function siteStoreSuite(
  name: string,
  contextOf: () => {
    readonly store: SiteStore
    readonly nowMs: () => number
    readonly passTime: (ms: number) => Promise<void>
  },
): void {
  const store = (): SiteStore => contextOf().store

  describe(`${name}: one item`, () => {
    test('an item comes back as it went in; unknown is undefined', async () => {
      const partition = freshTenant()
      expect(await store().get(partition, 'x')).toBeUndefined()
      expect(await store().put({ partition, id: 'x', value: { a: [1, { b: null }] } }, any)).toBe(true)
      expect(await store().get(partition, 'x')).toEqual({
        partition,
        id: 'x',
        value: { a: [1, { b: null }] },
        token: expect.any(String),
      })
      const expiresMs = contextOf().nowMs() + 3_600_000
      await store().put({ partition, id: 'x', value: {}, expiresMs }, any)
      expect(await store().get(partition, 'x')).toMatchObject({ value: {}, expiresMs })
      await store().put({ partition, id: 'x', value: {} }, any)
      expect(await store().get(partition, 'x')).not.toHaveProperty('expiresMs')
    })

    test('every value and every id round-trips', async () => {
      const partition = freshTenant()
      await fc.assert(
        fc.asyncProperty(anyText(siteIdBytesMax), anyJsonObject, async (id, value) => {
          await store().put({ partition, id, value }, any)
          const read = await store().get(partition, id)
          expect(JSON.stringify(read?.id)).toBe(JSON.stringify(id))
          expect(read?.value).toEqual(value)
        }),
        { numRuns: 40 },
      )
    })

    test('the longest ids and values fit; longer ones and lone surrogates are refused', async () => {
      const partition = freshTenant()
      for (const id of [
        ' '.repeat(siteIdBytesMax),
        '\u{1f600}'.repeat(127),
        '\u0000'.repeat(siteIdBytesMax),
        '/#?\\'.repeat(127),
      ]) {
        expect(await store().put({ partition, id, value: {} }, absent)).toBe(true)
        expect((await store().get(partition, id))?.id).toBe(id)
      }
      expect(await store().put({ partition, id: 'big', value: { a: 'x'.repeat(siteItemBytesMax - 8) } }, any)).toBe(
        true,
      )
      const refused = (id: string, value: Record<string, string>, code: string) =>
        expect(store().put({ partition, id, value }, any)).rejects.toMatchObject({ code })
      await refused('big', { a: 'x'.repeat(siteItemBytesMax - 7) }, 'too-large')
      await refused('x'.repeat(siteIdBytesMax + 1), {}, 'invalid-request')
      await refused('', {}, 'invalid-request')
      await refused('x', { a: '\ud800' }, 'invalid-request')
    })

    test('conditions: absent, unchanged, and a token of another version', async () => {
      const partition = freshTenant()
      const put = (n: number, condition: Parameters<SiteStore['put']>[1]) =>
        store().put({ partition, id: 'c', value: { n } }, condition)
      expect(await put(0, unchanged('never given'))).toBe(false)
      expect(await put(1, absent)).toBe(true)
      expect(await put(2, absent)).toBe(false)
      const first = await store().get(partition, 'c')
      expect(await put(3, unchanged(first?.token))).toBe(true)
      expect(await put(4, unchanged(first?.token))).toBe(false)
      expect((await store().get(partition, 'c'))?.value).toEqual({ n: 3 })
    })

    test('remove says whether there was something, and respects a token', async () => {
      const partition = freshTenant()
      expect(await store().remove(partition, 'r')).toBe(false)
      await store().put({ partition, id: 'r', value: {} }, any)
      const old = await store().get(partition, 'r')
      await store().put({ partition, id: 'r', value: { n: 2 } }, any)
      expect(await store().remove(partition, 'r', old?.token)).toBe(false)
      const current = await store().get(partition, 'r')
      expect(await store().remove(partition, 'r', current?.token)).toBe(true)
      expect(await store().remove(partition, 'r', current?.token)).toBe(false)
      expect(await store().get(partition, 'r')).toBeUndefined()
      await store().put({ partition, id: 'r', value: {} }, absent)
      expect(await store().remove(partition, 'r')).toBe(true)
    })

    test('of 20 at once exactly one creates, one replaces, one removes', async () => {
      const partition = freshTenant()
      const winners = async (attempt: (n: number) => Promise<boolean>): Promise<number> =>
        (await Promise.all(Array.from({ length: 20 }, (_, n) => attempt(n)))).filter(Boolean).length
      expect(await winners((n) => store().put({ partition, id: 'l', value: { n } }, absent))).toBe(1)
      const { token } = (await store().get(partition, 'l')) ?? {}
      expect(await winners((n) => store().put({ partition, id: 'l', value: { n } }, unchanged(token)))).toBe(1)
      const now = await store().get(partition, 'l')
      expect(await winners(() => store().remove(partition, 'l', now?.token))).toBe(1)
    })
  })

  describe(`${name}: expiry`, () => {
    test('an expired item is absent in every way, and can be taken anew', async () => {
      const partition = freshTenant()
      const { nowMs, passTime } = contextOf()
      await store().put({ partition, id: 'lease', value: { owner: 1 }, expiresMs: nowMs() + 1_000 }, absent)
      await store().put({ partition, id: 'stays', value: {} }, absent)
      expect(await store().put({ partition, id: 'lease', value: { owner: 2 } }, absent)).toBe(false)
      const held = await store().get(partition, 'lease')
      expect(held?.value).toEqual({ owner: 1 })
      await passTime(1_100)
      expect(await store().get(partition, 'lease')).toBeUndefined()
      expect((await store().list(partition, { limit: 10 })).items.map(({ id }) => id)).toEqual(['stays'])
      expect(await store().put({ partition, id: 'lease', value: { owner: 1 } }, unchanged(held?.token))).toBe(false)
      expect(await store().remove(partition, 'lease', held?.token)).toBe(false)
      expect(await store().remove(partition, 'lease')).toBe(false)
      const takers = Array.from({ length: 10 }, (_, n) =>
        store().put({ partition, id: 'lease', value: { owner: 10 + n } }, absent),
      )
      const won = (await Promise.all(takers)).flatMap((taken, n) => (taken ? [10 + n] : []))
      expect(won).toHaveLength(1)
      expect((await store().get(partition, 'lease'))?.value).toEqual({ owner: won[0] })
    })

    test('an item written as already expired never shows', async () => {
      const partition = freshTenant()
      await store().put({ partition, id: 'late', value: {}, expiresMs: contextOf().nowMs() - 1 }, any)
      expect(await store().get(partition, 'late')).toBeUndefined()
      expect(await store().list(partition, { limit: 5 })).toEqual({ items: [] })
    })
  })

  describe(`${name}: lists`, () => {
    test('by UTF-8 order, both ways, at any page size, expired ones left out', async () => {
      const partition = freshTenant()
      const ids = [
        'a',
        'a/b',
        'a#',
        'B',
        '~',
        '\u{1f600}',
        '\uffee',
        'é',
        ' ',
        '0',
        ...Array.from({ length: 60 }, (_, n) => `n${n}`),
      ]
      await Promise.all(ids.map((id) => store().put({ partition, id, value: { id } }, any)))
      const gone = Array.from({ length: 40 }, (_, n) => `m${n}`)
      await Promise.all(
        gone.map((id) => store().put({ partition, id, value: {}, expiresMs: contextOf().nowMs() - 1 }, any)),
      )
      await store().put({ partition: `${partition}x`, id: 'neighbour', value: {} }, any)
      const expected = [...ids].sort(compareUtf8)
      for (const descending of [false, true]) {
        for (const limit of [1, 9, 70, 1000]) {
          const found = await everyPage((after) => store().list(partition, { after, limit, descending }), limit)
          expect(found.map(({ id }) => id)).toEqual(descending ? expected.toReversed() : expected)
        }
      }
      expect((await store().list(partition, { limit: 70 })).next).toBeUndefined()
    }, 60_000)
  })
}
