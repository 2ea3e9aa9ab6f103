import { describe, expect, test } from '@jest/globals'
import type { ObjectStore } from '../../shared/ports/object-store.ts'
import { bytesOfStream, streamOf } from '../memory/streams.ts'
import { everyPage, freshTenant } from './fixtures.ts'
import { mebibyte, type ObjectContext, patterned, readObject, sha256 } from './object-fixtures.ts'

const type = { mediaType: 'text/plain' }

/** What every object store promises for whole objects. */
export function objectStoreSuite(name: string, contextOf: () => ObjectContext): void {
  const store = (): ObjectStore => contextOf().store
  const keyOf = (suffix: string): string => `objects/${freshTenant()}/${suffix}`
  const readAll = (key: string) => readObject(store(), key)

  describe(`${name}: whole objects`, () => {
    test('an object comes back with its type, metadata, length and a strong ETag', async () => {
      const key = keyOf('a b/ü+%20&?#.txt')
      const metadata = { sha256: 'ab'.repeat(32), crc64nvme: 'AAAAAAAAAAA=' }
      expect(await store().put(key, Buffer.from('hello'), { ...type, metadata })).toBe('stored')
      const info = await store().head(key)
      expect(info).toEqual({
        key,
        bytes: 5,
        mediaType: 'text/plain',
        metadata,
        etag: expect.stringMatching(/^"[^"]+"$/),
        modifiedMs: expect.any(Number),
      })
      const body = await store().get(key)
      expect(Buffer.from(await bytesOfStream(body?.stream ?? streamOf(Buffer.alloc(0)))).toString()).toBe('hello')
      expect(body).toMatchObject({ ...info })
      expect(body?.range).toBeUndefined()
      await store().put(key, Buffer.from('other'), type)
      expect((await store().head(key))?.etag).not.toBe(info?.etag)
    })

    test('each area is kept apart, and keys outside the areas are refused', async () => {
      const tail = `${freshTenant()}/same`
      for (const area of ['objects', 'uploads', 'drop']) await store().put(`${area}/${tail}`, Buffer.from(area), type)
      for (const area of ['objects', 'uploads', 'drop']) {
        expect(Buffer.from((await readAll(`${area}/${tail}`)) ?? []).toString()).toBe(area)
      }
      for (const bad of [
        'other/x',
        '',
        'objects',
        'objects/../uploads/x',
        'drop/t/./x',
        'drop/t/a\nb',
        'drop/t/\ud800',
        `drop/${'x'.repeat(1100)}`,
      ]) {
        await expect(store().put(bad, Buffer.from('x'), type)).rejects.toMatchObject({ code: 'invalid-request' })
      }
    })

    test('an absent object is undefined, and removing it says so', async () => {
      const key = keyOf('none')
      expect(await store().head(key)).toBeUndefined()
      expect(await store().get(key)).toBeUndefined()
      expect(await store().remove(key)).toBe(false)
      await store().put(key, Buffer.from('x'), type)
      expect(await store().remove(key)).toBe(true)
      expect(await store().head(key)).toBeUndefined()
      expect(await store().get(key)).toBeUndefined()
      expect(await store().remove(key)).toBe(false)
    })

    test('empty objects, given as bytes and as a stream', async () => {
      for (const body of [new Uint8Array(), streamOf(new Uint8Array())]) {
        const key = keyOf('empty')
        await store().put(key, body, { ...type, bytes: 0 })
        expect(await store().head(key)).toMatchObject({ bytes: 0 })
        expect(await readAll(key)).toEqual(Buffer.alloc(0))
      }
    })

    test('metadata that some store would change is refused by every one', async () => {
      for (const metadata of [
        { 'with-dash': 'x' },
        { Upper: 'x' },
        { a: 'é' },
        { a: '' },
        { a: ' x' },
        { a: 'x\r\ny: z' },
      ]) {
        const put = store().put(keyOf('meta'), Buffer.from('x'), { ...type, metadata })
        await expect(put).rejects.toMatchObject({ code: 'invalid-request' })
      }
    })
  })

  describe(`${name}: ranges`, () => {
    test('any range that reaches the store, cut off at the end, or refused', async () => {
      const key = keyOf('ranged')
      const bytes = patterned(1000)
      await store().put(key, bytes, type)
      const cases = [
        [0, 0],
        [0, 999],
        [10, 19],
        [999, 999],
        [990, 5000],
        [0, Number.MAX_SAFE_INTEGER],
      ] as const
      for (const [first, last] of cases) {
        const body = await store().get(key, { first, last })
        const end = Math.min(last, 999)
        expect(body).toMatchObject({ bytes: 1000, range: { first, last: end }, key })
        expect(Buffer.from(await bytesOfStream(body?.stream ?? streamOf(bytes)))).toEqual(
          Buffer.from(bytes.subarray(first, end + 1)),
        )
      }
      for (const [first, last] of [
        [1000, 1000],
        [5000, 6000],
        [5, 4],
        [-1, 5],
        [0.5, 3],
        [Number.NaN, 3],
      ] as const) {
        await expect(store().get(key, { first, last })).rejects.toMatchObject({ code: 'range-not-satisfiable' })
      }
      const empty = keyOf('ranged-empty')
      await store().put(empty, new Uint8Array(), type)
      await expect(store().get(empty, { first: 0, last: 0 })).rejects.toMatchObject({ code: 'range-not-satisfiable' })
      expect(await store().get(keyOf('nothing'), { first: 0, last: 1 })).toBeUndefined()
    })

    test('a download given up in the middle frees the connection', async () => {
      const key = keyOf('given-up')
      await store().put(key, patterned(4 * mebibyte), type)
      for (let n = 0; n < 60; n++) {
        const body = await store().get(key)
        const reader = body?.stream.getReader()
        await reader?.read()
        await reader?.cancel()
      }
      expect(await store().head(key)).toMatchObject({ bytes: 4 * mebibyte })
    }, 60_000)
  })

  describe(`${name}: copies and lists`, () => {
    test('a copy crosses areas, takes the new type and metadata, and leaves the source', async () => {
      const tenant = freshTenant()
      const from = `uploads/${tenant}/ü & +.bin`
      const to = `objects/${tenant}/copied`
      const bytes = patterned(3 * mebibyte)
      await store().put(from, bytes, { mediaType: 'application/octet-stream', metadata: { old: 'x' } })
      await store().copy(from, to, { mediaType: 'image/png', metadata: { sha256: 'aa' } })
      expect(await store().head(to)).toMatchObject({
        bytes: bytes.length,
        mediaType: 'image/png',
        metadata: { sha256: 'aa' },
      })
      expect(sha256((await readAll(to)) ?? new Uint8Array())).toBe(sha256(bytes))
      expect(await store().head(from)).toMatchObject({ metadata: { old: 'x' } })
      await expect(
        store().copy(`uploads/${tenant}/none`, to, { mediaType: 'a/b', metadata: {} }),
      ).rejects.toMatchObject({ code: 'not-found' })
    })

    test('a copy too large for one piece is a copy all the same', async () => {
      const { pieceCopies = store() } = contextOf()
      const tenant = freshTenant()
      const bytes = patterned(mebibyte)
      await store().put(`uploads/${tenant}/from`, bytes, type)
      await pieceCopies.copy(`uploads/${tenant}/from`, `objects/${tenant}/to`, {
        mediaType: 'image/png',
        metadata: { sha256: 'bb' },
      })
      expect(await store().head(`objects/${tenant}/to`)).toMatchObject({
        mediaType: 'image/png',
        metadata: { sha256: 'bb' },
      })
      expect(sha256((await readAll(`objects/${tenant}/to`)) ?? new Uint8Array())).toBe(sha256(bytes))
    })

    test('a copy of certain bytes is of those, or does not come to be', async () => {
      const { pieceCopies = store() } = contextOf()
      for (const copier of [store(), pieceCopies]) {
        const tenant = freshTenant()
        const [from, to] = [`uploads/${tenant}/from`, `objects/${tenant}/to`]
        await store().put(from, patterned(mebibyte), type)
        const { etag = '' } = (await store().head(from)) ?? {}
        await store().put(from, Buffer.from('other bytes'), type)
        const asked = { mediaType: 'image/png', metadata: {} }
        const refused = { code: 'precondition-failed' }
        await expect(copier.copy(from, to, { ...asked, ifMatch: etag })).rejects.toMatchObject(refused)
        expect(await store().head(to)).toBeUndefined()
        const now = (await store().head(from))?.etag
        await copier.copy(from, to, { ...asked, ifMatch: now })
        expect(Buffer.from((await readAll(to)) ?? []).toString()).toBe('other bytes')
        await store().put(from, new Uint8Array(), type)
        await expect(copier.copy(from, to, { ...asked, ifMatch: now })).rejects.toMatchObject(refused)
        expect(await store().head(to)).toMatchObject({ bytes: 11, mediaType: 'image/png' })
        await store().remove(from)
        const gone = copier.copy(from, to, { ...asked, ifMatch: now })
        await expect(gone).rejects.toMatchObject({ code: 'not-found' })
      }
    })

    test('a copy that ends on its way keeps its parts, and the next run goes on with them', async () => {
      const { pieceCopies = store() } = contextOf()
      const tenant = freshTenant()
      const [from, to] = [`uploads/${tenant}/from`, `objects/${tenant}/to`]
      const bytes = patterned(11 * mebibyte)
      await store().put(from, bytes, type)
      const ifMatch = (await store().head(from))?.etag
      const run = async (upload?: string, signal = new AbortController().signal) => {
        const begun: string[] = []
        const shares: number[] = []
        const resume = {
          upload,
          begun: async (name: string): Promise<void> => void begun.push(name),
          copied: (share: number): void => {
            shares.push(share)
            over.abort()
          },
        }
        const about = { mediaType: 'video/mp4', metadata: { sha256: 'cc' }, ifMatch, signal, resume }
        const failure = await pieceCopies.copy(from, to, about).then(
          () => undefined,
          (error: unknown) => error,
        )
        return { begun, shares, failure }
      }
      const over = new AbortController()
      const first = await run(undefined, over.signal)
      expect(first).toMatchObject({ begun: [expect.any(String)], failure: { name: 'AbortError' } })
      expect(await store().head(to)).toBeUndefined()
      const [uploadId = ''] = first.begun
      const held = await store().listParts({ key: to, uploadId }) // Others may be on their way yet.
      expect(held.length).toBeGreaterThan(0)
      const count = Math.round(1 / (first.shares[0] ?? 1))
      const second = await run(uploadId)
      expect(second).toMatchObject({ begun: [], failure: undefined })
      expect(Math.max(1, Math.min(second.shares.length, count - held.length))).toBe(second.shares.length)
      expect(await store().head(to)).toMatchObject({ mediaType: 'video/mp4', metadata: { sha256: 'cc' } })
      expect(sha256((await readAll(to)) ?? new Uint8Array())).toBe(sha256(bytes))
      const unknown = await run('an upload that nobody knows')
      expect(unknown).toMatchObject({ begun: [expect.any(String)], failure: undefined })
      expect(unknown.shares).toHaveLength(count)
      const [name = ''] = (await run(undefined, AbortSignal.abort())).begun
      await store().put(from, Buffer.from('others'), type)
      expect(await run(name)).toMatchObject({ failure: { code: 'precondition-failed' } })
      expect(sha256((await readAll(to)) ?? new Uint8Array())).toBe(sha256(bytes))
    }, 60_000)

    test('a source that changes while it is copied in parts is not copied', async () => {
      const { pieceCopies = store() } = contextOf()
      const tenant = freshTenant()
      const [from, to] = [`uploads/${tenant}/from`, `objects/${tenant}/to`]
      await store().put(from, patterned(6 * mebibyte), type)
      const begun = async (): Promise<void> => {
        await store().put(from, Buffer.alloc(6 * mebibyte, 7), type)
      }
      const resume = { begun, copied: () => {} }
      const copying = pieceCopies.copy(from, to, { ...type, metadata: {}, resume })
      await expect(copying).rejects.toMatchObject({ code: 'precondition-failed' })
      expect(await store().head(to)).toBeUndefined()
    }, 60_000)

    test('a list is in order of key, by prefix, at any page size, also while others write', async () => {
      const tenant = freshTenant()
      const names = [
        'a',
        'a/b',
        'a b',
        'A',
        'é',
        '~',
        '0',
        '\u{1f600}',
        ...Array.from({ length: 25 }, (_, n) => `n${n}`),
      ]
      for (const one of names) await store().put(`drop/${tenant}/${one}`, Buffer.from(one), type)
      await store().put(`drop/${tenant}x/neighbour`, Buffer.from('x'), type)
      const expected = names
        .map((one) => `drop/${tenant}/${one}`)
        .sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)))
      for (const limit of [1, 7, 33, 1000]) {
        const found = await everyPage((after) => store().list(`drop/${tenant}/`, { after, limit }), limit)
        expect(found.map(({ key }) => key)).toEqual(expected)
        expect(found[0]).toMatchObject({
          bytes: Buffer.byteLength(expected[0]?.split('/')[2] ?? ''),
          etag: (await store().head(expected[0] ?? ''))?.etag,
        })
      }
      const writing = (async () => {
        for (let n = 0; n < 20; n++) await store().put(`drop/${tenant}/zz${n}`, Buffer.from('x'), type)
      })()
      const during = await everyPage((after) => store().list(`drop/${tenant}/`, { after, limit: 3 }), 3)
      await writing
      expect(expected.filter((key) => !during.some((one) => one.key === key))).toEqual([])
      expect(new Set(during.map(({ key }) => key)).size).toBe(during.length)
      expect(await store().list(`drop/${freshTenant()}/`, { limit: 5 })).toEqual({ items: [] })
    }, 60_000)
  })
}
