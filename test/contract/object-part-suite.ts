import { describe, expect, test } from '@jest/globals'
import { hashing } from '../../shared/domain/hashing.ts'
import { wholeCrc } from '../../shared/domain/object-parts.ts'
import type { MultipartUpload, ObjectStore, StoredPart } from '../../shared/ports/object-store.ts'
import { freshTenant } from './fixtures.ts'
import { patterned, readObject } from './object-fixtures.ts'

const partBytes = 5 * 2 ** 20
const bytes = patterned(2 * partBytes + 1234)
const { crc64Of } = await hashing
const whole = crc64Of(bytes)
const slice = (part: number): Uint8Array => bytes.subarray((part - 1) * partBytes, part * partBytes)
const given = (piece: Uint8Array) => ({ kind: 'bytes', bytes: piece, crc64nvme: crc64Of(piece) }) as const
const about = { mediaType: 'video/mp4', metadata: { owner: 'x' }, withChecksums: true }

export interface PartContext {
  readonly store: ObjectStore
  /** A URL of an object that the store can read by itself; only where `supports.copyFromUrl`. */
  readonly urlOf?: (key: string) => Promise<string>
}

/** What every object store promises for uploads whose parts come from this process, or from a URL. */
export function objectPartSuite(name: string, contextOf: () => PartContext): void {
  const store = (): ObjectStore => contextOf().store
  const start = (): Promise<MultipartUpload> => store().startMultipart(`objects/${freshTenant()}/parts`, about)
  const putAll = async (upload: MultipartUpload): Promise<StoredPart[]> => {
    const stored: StoredPart[] = []
    for (const part of [3, 1, 2]) stored.push(await store().putPart(upload, part, given(slice(part))))
    return stored.toSorted((a, b) => a.part - b.part)
  }

  describe(`${name}: parts with checksums`, () => {
    test('what is stored and what is listed tell the CRC of each part; completing once more is harmless', async () => {
      const upload = await start()
      const stored = await putAll(upload)
      expect(stored.map(({ crc64nvme }) => crc64nvme)).toEqual([1, 2, 3].map((part) => crc64Of(slice(part))))
      expect(await store().listParts(upload)).toEqual(stored)
      expect(wholeCrc(stored)).toBe(whole)
      const ifAbsent = { ifAbsent: true, crc64nvme: whole }
      const info = await store().completeMultipart(upload, stored, ifAbsent)
      expect(info).toMatchObject({ bytes: bytes.length, mediaType: 'video/mp4', metadata: { owner: 'x' } })
      expect(Buffer.from((await readObject(store(), upload.key)) ?? []).equals(bytes)).toBe(true)
      expect(await store().completeMultipart(upload, stored, ifAbsent)).toEqual(info)
    }, 60_000)

    test('bytes that are not what their CRC says are refused, part or whole', async () => {
      const upload = await start()
      const wrong = { ...given(slice(1)), crc64nvme: crc64Of(slice(2)) }
      await expect(store().putPart(upload, 1, wrong)).rejects.toMatchObject({ code: 'invalid-request' })
      const key = `objects/${freshTenant()}/wrong`
      const put = store().put(key, Buffer.from('a'), { ...about, crc64nvme: crc64Of(Buffer.from('b')) })
      await expect(put).rejects.toMatchObject({ code: 'invalid-request' })
      expect(await store().head(key)).toBeUndefined()
      expect(await store().put(key, Buffer.from('b'), { ...about, crc64nvme: crc64Of(Buffer.from('b')) })).toBe(
        'stored',
      )
      const stored = await putAll(upload)
      const completing = store().completeMultipart(upload, stored, { crc64nvme: crc64Of(slice(1)) })
      await expect(completing).rejects.toMatchObject({ code: 'invalid-request' })
      expect(await store().head(upload.key)).toBeUndefined()
      expect(await store().completeMultipart(upload, stored, { crc64nvme: whole })).toMatchObject({
        bytes: bytes.length,
      })
    }, 60_000)

    test('a part that another run replaces with other bytes is never joined in place of the first', async () => {
      const upload = await start()
      const stored = await putAll(upload)
      await store().putPart(upload, 2, given(Buffer.alloc(partBytes, 7)))
      const outcome = await store()
        .completeMultipart(upload, stored, { ifAbsent: true, crc64nvme: whole })
        .catch((error: unknown) => error)
      const read = await readObject(store(), upload.key)
      if (read) expect(Buffer.from(read).equals(bytes)).toBe(true)
      else expect(outcome).toMatchObject({ code: 'invalid-request' })
    }, 60_000)

    test('two uploads of one object do no harm to each other: it appears once, and stays', async () => {
      const first = await start()
      const second = await store().startMultipart(first.key, about)
      const [stored, others] = [await putAll(first), await putAll(second)]
      const ifAbsent = { ifAbsent: true, crc64nvme: whole }
      const infos = await Promise.all([
        store().completeMultipart(first, stored, ifAbsent),
        store().completeMultipart(second, others, ifAbsent),
      ])
      expect(infos[1]).toEqual(infos[0])
      await store().abortMultipart(second)
      expect(await store().head(first.key)).toEqual(infos[0])
      expect(await store().put(first.key, Buffer.from('other'), { ...about, ifAbsent: true })).toBe('exists')
    }, 60_000)

    test('an upload that is aborted is never seen as an object', async () => {
      const upload = await start()
      await putAll(upload)
      let ended = false
      const seen: unknown[] = []
      const watching = (async () => {
        while (!ended) seen.push(await store().head(upload.key), await store().get(upload.key))
      })()
      await store().abortMultipart(upload)
      ended = true
      await watching
      expect(seen.filter((one) => one !== undefined)).toEqual([])
      expect(await store().head(upload.key)).toBeUndefined()
    }, 60_000)

    test('a part from a URL tells the CRC of what the store read; a store that cannot says so', async () => {
      const upload = await start()
      const from = `objects/${freshTenant()}/source`
      const { urlOf } = contextOf()
      if (!store().supports.copyFromUrl || !urlOf) {
        const url = { kind: 'url', url: 'https://objects.test/x', range: { first: 0, last: 9 } } as const
        await expect(store().putPart(upload, 1, url)).rejects.toMatchObject({ code: 'invalid-request' })
        return
      }
      await store().put(from, bytes, about)
      const url = await urlOf(from)
      const stored: StoredPart[] = []
      for (const part of [1, 2, 3]) {
        const first = (part - 1) * partBytes
        const range = { first, last: Math.min(first + partBytes, bytes.length) - 1 }
        stored.push(await store().putPart(upload, part, { kind: 'url', url, range }))
      }
      expect(stored.map(({ crc64nvme }) => crc64nvme)).toEqual([1, 2, 3].map((part) => crc64Of(slice(part))))
      const gone = { kind: 'url', url: `${await urlOf(`${from}-gone`)}`, range: { first: 0, last: 9 } } as const
      await expect(store().putPart(upload, 3, gone)).rejects.toMatchObject({ code: 'unavailable' })
      await store().completeMultipart(upload, stored, { ifAbsent: true, crc64nvme: whole })
      expect(Buffer.from((await readObject(store(), upload.key)) ?? []).equals(bytes)).toBe(true)
    }, 60_000)
  })
}
