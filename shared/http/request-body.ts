import { CatamaranError } from '../domain/errors.ts'
import type { Json } from '../domain/json.ts'
import { parseStrictJson } from './strict-json.ts'

/** The most bytes of a JSON request. */
export const jsonBodyBytesMax = 1024 * 1024

/** The media type of a Content-Type header, without parameters. */
export const mediaTypeOf = (contentType: string | undefined): string =>
  (contentType ?? '').split(';', 1)[0]?.trim().toLowerCase() ?? ''

/** All bytes of a request, as many as `bytesMax`. Throws `too-large` without reading on. */
export async function readBytes(request: Request, bytesMax: number, hint = ''): Promise<Uint8Array<ArrayBuffer>> {
  const coding = request.headers.get('content-encoding')
  if (coding && coding.toLowerCase() !== 'identity') {
    throw new CatamaranError('unsupported-media-type', 'Send the content as it is, without Content-Encoding.')
  }
  return readBody(request, bytesMax, hint)
}

/** The bytes of a request or an answer as they came, packed or not. Throws `too-large` without reading on. */
export async function readBody(
  request: Request | Response,
  bytesMax: number,
  hint = '',
): Promise<Uint8Array<ArrayBuffer>> {
  if (Number(request.headers.get('content-length') ?? 0) > bytesMax) throw tooLarge(bytesMax, hint)
  const chunks: Uint8Array[] = []
  let bytes = 0
  const reader = request.body?.getReader()
  for (;;) {
    const chunk = await reader?.read()
    if (!chunk || chunk.done) return joined(chunks, bytes)
    bytes += chunk.value.byteLength
    if (bytes > bytesMax) {
      await reader?.cancel().catch(() => undefined)
      throw tooLarge(bytesMax, hint)
    }
    chunks.push(chunk.value)
  }
}

function joined(chunks: readonly Uint8Array[], bytes: number): Uint8Array<ArrayBuffer> {
  const all = new Uint8Array(bytes)
  let at = 0
  for (const chunk of chunks) {
    all.set(chunk, at)
    at += chunk.byteLength
  }
  return all
}

export const tooLarge = (bytesMax: number, hint = ''): CatamaranError =>
  new CatamaranError('too-large', `The request may hold at most ${bytesMax} bytes.${hint}`)

/** UTF-8 text. Throws `invalid-request` when the bytes are not. */
export function decodeUtf8(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch {
    throw new CatamaranError('invalid-request', 'The content is not UTF-8.')
  }
}

/** A JSON request in one of `mediaTypes`. Throws `unsupported-media-type`, `too-large`, `invalid-request`. */
export async function readJson(request: Request, mediaTypes: readonly string[], bytesMax: number): Promise<Json> {
  const mediaType = mediaTypeOf(request.headers.get('content-type') ?? undefined)
  if (!mediaTypes.includes(mediaType)) {
    const given = mediaType ? `not ${mediaType.slice(0, 80)}` : 'but the request states none'
    throw new CatamaranError('unsupported-media-type', `The Content-Type must be ${mediaTypes.join(' or ')}, ${given}.`)
  }
  return parseStrictJson(decodeUtf8(await readBytes(request, bytesMax)))
}
