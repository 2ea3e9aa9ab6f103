import { describe, expect, test } from '@jest/globals'
import type { ObjectStore, PresignedRequest, UploadedPart } from '../../shared/ports/object-store.ts'
import { bytesOfStream, streamOf } from '../memory/streams.ts'
import { hasCode } from '../../shared/domain/errors.ts'
import { hashing } from '../../shared/domain/hashing.ts'
import { freshTenant } from './fixtures.ts'
import { patterned } from './object-fixtures.ts'

export type Fetch = (
  url: string,
  init?: { method?: string; headers?: Record<string, string>; body?: Uint8Array<ArrayBuffer> },
) => Promise<Response>

export interface GrantContext {
  readonly store: ObjectStore
  readonly fetch: Fetch
  readonly nowMs: () => number
  readonly passTime: (ms: number) => Promise<void>
}

const hourMs = 3_600_000

const { crc64Of } = await hashing

/** What every object store promises for URLs that grant one request, and for uploads in parts through them. */
export function objectGrantSuite(name: string, contextOf: () => GrantContext): void {
  const store = (): ObjectStore => contextOf().store
  const later = (): number => contextOf().nowMs() + hourMs
  const send = ({ method, url, headers }: PresignedRequest, body?: Uint8Array, more: Record<string, string> = {}) =>
    contextOf().fetch(url, {
      method,
      headers: { ...headers, ...more },
      ...(body ? { body: Uint8Array.from(body) } : {}),
    })
  const readAll = async (key: string): Promise<Buffer> => {
    const body = await store().get(key)
    return Buffer.from(await bytesOfStream(body?.stream ?? streamOf(new Uint8Array())))
  }

  describe(`${name}: presigned URLs`, () => {
    test('GET gives the bytes, a range, and the type and disposition that were signed', async () => {
      const key = `objects/${freshTenant()}/ü +.txt`
      await store().put(key, Buffer.from('hello world'), { mediaType: 'text/plain' })
      const responseDisposition = `attachment; filename="a b.txt"; filename*=UTF-8''%C3%BC.txt`
      const grant = await store().presign(key, {
        method: 'GET',
        expiresAtMs: later(),
        responseType: 'text/csv; charset=utf-8',
        responseDisposition,
      })
      const answer = await send(grant)
      expect(answer.status).toBe(200)
      expect(await answer.text()).toBe('hello world')
      expect(answer.headers.get('content-type')).toBe('text/csv; charset=utf-8')
      expect(answer.headers.get('content-disposition')).toBe(responseDisposition)
      const part = await send(grant, undefined, { range: 'bytes=6-' })
      expect([part.status, await part.text()]).toEqual([206, 'world'])
    })

    test('PUT stores the bytes', async () => {
      const key = `uploads/${freshTenant()}/one`
      const grant = await store().presign(key, { method: 'PUT', expiresAtMs: later() })
      expect(grant).toMatchObject({ method: 'PUT', expiresAtMs: expect.any(Number) })
      const bytes = patterned(100_000)
      expect((await send(grant, bytes)).ok).toBe(true)
      expect(await readAll(key)).toEqual(Buffer.from(bytes))
    })

    test('a URL grants its own method, its own object and its own time, and nothing else', async () => {
      const tenant = freshTenant()
      const [key, other] = [`objects/${tenant}/mine`, `objects/${tenant}/yours`]
      for (const one of [key, other]) await store().put(one, Buffer.from(one), { mediaType: 'text/plain' })
      const read = await store().presign(key, { method: 'GET', expiresAtMs: later() })
      const write = await store().presign(key, { method: 'PUT', expiresAtMs: later() })
      const body = Buffer.from('overwritten')
      const attempts = [
        () => send({ ...read, method: 'PUT', headers: write.headers }, body),
        () => contextOf().fetch(read.url, { method: 'DELETE' }),
        () => send({ ...write, method: 'GET', headers: {} }),
        () => send({ ...read, url: read.url.replace('/mine', '/yours') }),
        () => send({ ...write, url: write.url.replace('/mine', '/yours') }, body),
        () => send({ ...read, url: read.url.replace(/(sig(nature)?=)[^&]{4}/i, '$1AAAA') }),
        () => send({ ...read, url: read.url.split('?')[0] ?? '' }),
      ]
      for (const attempt of attempts) {
        const { status } = await attempt()
        expect([401, 403, 404, 405]).toContain(status)
      }
      expect((await readAll(key)).toString()).toBe(key)
      expect((await readAll(other)).toString()).toBe(other)
      const brief = await store().presign(key, { method: 'GET', expiresAtMs: contextOf().nowMs() + 1_500 })
      expect((await send(brief)).status).toBe(200)
      await contextOf().passTime(3_200)
      expect((await send(brief)).status).toBe(403)
    })
  })

  describe(`${name}: uploads in parts`, () => {
    const partBytes = 5 * 2 ** 20
    const metadata = { owner: 'x' }
    const bytes = patterned(2 * partBytes + 1234)
    const slice = (part: number): Uint8Array => bytes.subarray((part - 1) * partBytes, part * partBytes)
    const start = () => store().startMultipart(`uploads/${freshTenant()}/parts`, { mediaType: 'video/mp4', metadata })
    const sendPart = async (upload: Awaited<ReturnType<typeof start>>, part: number, body = slice(part)) => {
      const answer = await send(await store().presignPart(upload, part, { expiresAtMs: later() }), body)
      expect(answer.ok).toBe(true)
    }

    test('parts in any order, one sent twice, joined in order; completing again is harmless', async () => {
      const upload = await start()
      await sendPart(upload, 3)
      await sendPart(upload, 1, Buffer.alloc(partBytes, 7))
      await sendPart(upload, 2)
      await sendPart(upload, 1)
      const parts = await store().listParts(upload)
      expect(parts.map(({ part, bytes: length }) => [part, length])).toEqual([
        [1, partBytes],
        [2, partBytes],
        [3, 1234],
      ])
      expect(await store().head(upload.key)).toBeUndefined()
      const info = await store().completeMultipart(upload, parts)
      expect(info).toMatchObject({ key: upload.key, bytes: bytes.length, mediaType: 'video/mp4', metadata })
      expect((await readAll(upload.key)).equals(bytes)).toBe(true)
      expect(await store().completeMultipart(upload, parts)).toEqual(info)
      expect(await store().head(upload.key)).toEqual(info)
      await store().abortMultipart(upload)
      expect(await store().head(upload.key)).toEqual(info)
    }, 60_000)

    test('a part signed with its CRC takes no other bytes, and its CRC is told; the first of two tries does no harm', async () => {
      const upload = await store().startMultipart(`uploads/${freshTenant()}/sums`, {
        mediaType: 'a/b',
        withChecksums: true,
      })
      const sendSummed = async (part: number, said: Uint8Array, body: Uint8Array): Promise<Response> =>
        send(await store().presignPart(upload, part, { expiresAtMs: later(), crc64nvme: crc64Of(said) }), body)
      expect((await sendSummed(1, slice(1), slice(1))).ok).toBe(true)
      // Some servers do not wait for the rest of what they refuse.
      const refused = sendSummed(2, slice(2), slice(1)).then(
        ({ ok }) => !ok,
        () => true,
      )
      expect(await refused).toBe(true)
      expect((await store().listParts(upload)).map(({ part, crc64nvme }) => [part, crc64nvme])).toEqual([
        [1, crc64Of(slice(1))],
      ])
      for (const part of [2, 3]) expect((await sendSummed(part, slice(part), slice(part))).ok).toBe(true)
      const parts = await store().listParts(upload)
      expect(parts.map(({ crc64nvme }) => crc64nvme)).toEqual([1, 2, 3].map((part) => crc64Of(slice(part))))
      await store().completeMultipart(upload, parts, { crc64nvme: crc64Of(bytes) })
      expect((await readAll(upload.key)).equals(bytes)).toBe(true)
    }, 60_000)

    test('two completions at once both give the object', async () => {
      const upload = await start()
      await sendPart(upload, 1)
      const parts = await store().listParts(upload)
      const infos = await Promise.all([
        store().completeMultipart(upload, parts),
        store().completeMultipart(upload, parts),
      ])
      expect(infos[0]).toMatchObject({ bytes: partBytes })
      expect(infos[1]).toEqual(infos[0])
    }, 60_000)

    test('missing, unknown and foreign parts are refused, and the upload can go on', async () => {
      const upload = await start()
      await sendPart(upload, 1)
      await sendPart(upload, 3)
      const parts = await store().listParts(upload)
      const invent = (part: number): UploadedPart => ({ part, bytes: partBytes, etag: parts[0]?.etag ?? '' })
      for (const wrong of [
        [],
        parts,
        parts.slice(1),
        parts.toReversed(),
        [parts[0] as UploadedPart, invent(2)],
        [{ ...invent(1), bytes: 1 }],
      ]) {
        await expect(store().completeMultipart(upload, wrong)).rejects.toMatchObject({ code: 'invalid-request' })
      }
      expect(await store().head(upload.key)).toBeUndefined()
      await sendPart(upload, 2)
      expect(await store().completeMultipart(upload, await store().listParts(upload))).toMatchObject({
        bytes: bytes.length,
      })
    }, 60_000)

    test('an aborted upload leaves nothing, cannot be completed, and can be aborted again', async () => {
      const upload = await start()
      await sendPart(upload, 1)
      const parts = await store().listParts(upload)
      await store().abortMultipart(upload)
      await store().abortMultipart(upload)
      expect(await store().head(upload.key)).toBeUndefined()
      const left = await store()
        .listParts(upload)
        .catch((error: unknown) => {
          if (hasCode(error, 'not-found')) return []
          throw error
        })
      expect(left).toEqual([])
      const refused = store().completeMultipart(upload, parts)
      await expect(refused).rejects.toMatchObject({ code: expect.stringMatching(/^(not-found|invalid-request)$/) })
      expect(await store().head(upload.key)).toBeUndefined()
    }, 60_000)

    test('an upload that never was is not found', async () => {
      const foreign = { key: `uploads/${freshTenant()}/x`, uploadId: 'never-given' }
      const part = { part: 1, bytes: 1, etag: '"x"' }
      await expect(store().completeMultipart(foreign, [part])).rejects.toMatchObject({ code: 'not-found' })
      await expect(store().listParts(foreign)).rejects.toMatchObject({ code: 'not-found' })
    })
  })
}
