import { resolveRange } from '../../shared/domain/byte-range.ts'
import { hasCode } from '../../shared/domain/errors.ts'
import { sha256Hex } from '../../shared/domain/hash.ts'
import { hashing } from '../../shared/domain/hashing.ts'
import type { Clock } from '../../shared/ports/clock.ts'
import type { MultipartUpload, PresignedRequest, PresignOptions } from '../../shared/ports/object-store.ts'
import type { MemoryObject } from './object-store.ts'
import type { PartWay } from './object-uploads.ts'

const { crc64Of } = await hashing

interface GrantOptions {
  readonly clock: Clock
  readonly baseUrl: string
  readonly secret: string
  readonly read: (key: string) => MemoryObject | undefined
  readonly write: (key: string, bytes: Uint8Array) => void
  readonly writePart: (upload: MultipartUpload, part: number, bytes: Uint8Array, way: PartWay) => void
}

/** Presigned URLs of the in-memory store, and the server that honours them. */
export function memoryGrants({ clock, baseUrl, secret, read, write, writePart }: GrantOptions) {
  const sign = (
    method: 'GET' | 'PUT',
    key: string,
    expiresAtMs: number,
    extra: Record<string, string>,
  ): PresignedRequest => {
    const url = new URL(`/${key.split('/').map(encodeURIComponent).join('/')}`, baseUrl)
    const query = new URLSearchParams({ ...extra, method, expires: String(expiresAtMs) })
    query.set('signature', sha256Hex(`${secret} ${url.pathname} ${query}`))
    url.search = query.toString()
    return { method, url: url.href, headers: {}, expiresAtMs }
  }
  const isSigned = (url: URL, method: string): boolean => {
    const query = new URLSearchParams(url.search)
    const signature = query.get('signature')
    query.delete('signature')
    return signature === sha256Hex(`${secret} ${url.pathname} ${query}`) && query.get('method') === method
  }
  const answerGet = (key: string, query: URLSearchParams, range: string | undefined): Response => {
    const found = read(key)
    if (!found) return new Response(null, { status: 404 })
    const headers: Record<string, string> = {
      etag: found.info.etag,
      'content-type': query.get('type') ?? found.info.mediaType,
    }
    for (const [name, header] of Object.entries({ disposition: 'content-disposition', caching: 'cache-control' })) {
      const value = query.get(name)
      if (value) headers[header] = value
    }
    const [, first, last] = /^bytes=(\d+)-(\d*)$/.exec(range ?? '') ?? []
    const bytes = (from: number, to: number): Uint8Array<ArrayBuffer> => {
      headers['content-length'] = String(to - from)
      return Uint8Array.from(found.bytes.subarray(from, to))
    }
    const length = found.bytes.length
    if (first === undefined) return new Response(bytes(0, length), { headers })
    if (Number(first) >= length) return new Response(null, { status: 416 })
    const part = resolveRange({ first: Number(first), last: last ? Number(last) : length }, length)
    headers['content-range'] = `bytes ${part.first}-${part.last}/${length}`
    return new Response(bytes(part.first, part.last + 1), { status: 206, headers })
  }
  return {
    object: (key: string, options: PresignOptions): PresignedRequest =>
      sign(options.method, key, options.expiresAtMs, {
        ...(options.responseType === undefined ? {} : { type: options.responseType }),
        ...(options.responseDisposition === undefined ? {} : { disposition: options.responseDisposition }),
        ...(options.responseCacheControl === undefined ? {} : { caching: options.responseCacheControl }),
      }),
    part: (
      upload: MultipartUpload,
      part: number,
      { expiresAtMs, crc64nvme: crc }: { readonly expiresAtMs: number; readonly crc64nvme?: string | undefined },
    ): PresignedRequest => ({
      ...sign('PUT', upload.key, expiresAtMs, { upload: upload.uploadId, part: String(part), ...(crc ? { crc } : {}) }),
      headers: crc ? { 'x-memory-crc64': crc } : {},
    }),
    fetch: async (
      address: string,
      init: { method?: string; headers?: Record<string, string>; body?: Uint8Array } = {},
    ): Promise<Response> => {
      const url = new URL(address)
      const method = init.method ?? 'GET'
      if (!isSigned(url, method) || Number(url.searchParams.get('expires')) <= clock.now()) {
        return new Response(null, { status: 403 })
      }
      const key = url.pathname.slice(1).split('/').map(decodeURIComponent).join('/')
      if (method === 'GET') return answerGet(key, url.searchParams, new Headers(init.headers).get('range') ?? undefined)
      const bytes = Uint8Array.from(init.body ?? [])
      const crc = url.searchParams.get('crc')
      if (crc !== null && (crc64Of(bytes) !== crc || new Headers(init.headers).get('x-memory-crc64') !== crc)) {
        return new Response(null, { status: 400 })
      }
      const upload = url.searchParams.get('upload')
      const way = crc === null ? 'signed' : 'signed with its CRC'
      try {
        if (upload === null) write(key, bytes)
        else writePart({ key, uploadId: upload }, Number(url.searchParams.get('part')), bytes, way)
      } catch (error) {
        if (hasCode(error, 'not-found')) return new Response(null, { status: 404 })
        throw error
      }
      return new Response(null, { status: 200, headers: { etag: `"${sha256Hex(bytes).slice(0, 32)}"` } })
    },
  }
}
