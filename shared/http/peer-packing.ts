import { promisify } from 'node:util'
import { constants, gunzip, gzip } from 'node:zlib'
import type { MiddlewareHandler } from 'hono'
import { CatamaranError } from '../domain/errors.ts'
import { readBody, tooLarge } from './request-body.ts'

/**
 * What travels between the clouds is paid by the byte, so bodies of more than a packet are packed with gzip (RFC 1952): answers
 * when the asker says that it reads them, requests once the other site has said so in an answer of its own.
 */
const packBytesMin = 1_200

/** In an answer: requests may be packed. A header of our own, since gateways keep Accept-Encoding to themselves. */
export const unpacksHeader = 'catamaran-accept-encoding'

/** Most of what can be won, at a fifth of the time that the default takes. */
const options = { level: constants.Z_BEST_SPEED }

export const isWorthPacking = (bytes: number): boolean => bytes >= packBytesMin

export const pack = (body: string | Uint8Array): Promise<Uint8Array<ArrayBuffer>> => promisify(gzip)(body, options)

/** The bytes of a request, unpacked. Throws `too-large` when they are more than `bytesMax`, packed or not. */
export async function readUnpacked(request: Request, bytesMax: number): Promise<Uint8Array> {
  const bytes = await readBody(request, bytesMax)
  if (request.headers.get('content-encoding')?.toLowerCase() !== 'gzip') return bytes
  try {
    return await promisify(gunzip)(bytes, { maxOutputLength: bytesMax })
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE') throw tooLarge(bytesMax)
    throw new CatamaranError('invalid-request', 'The content is not what its Content-Encoding says.', { cause })
  }
}

/** Packs answers, and tells that requests may be packed. */
export const packAnswers: MiddlewareHandler = async (context, next) => {
  await next()
  context.header(unpacksHeader, 'gzip')
  const isRead = /\bgzip\b/i.test(context.req.header('accept-encoding') ?? '')
  if (!isRead || !context.res.ok) return
  const plain = new Uint8Array(await context.res.arrayBuffer())
  const isPacked = isWorthPacking(plain.byteLength)
  const headers = new Headers(context.res.headers)
  headers.delete('content-length')
  if (isPacked) headers.set('content-encoding', 'gzip')
  context.res = undefined
  context.res = new Response(isPacked ? await pack(plain) : plain, { headers })
}
