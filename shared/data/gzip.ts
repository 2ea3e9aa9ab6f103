import { Readable } from 'node:stream'
import { createGunzip } from 'node:zlib'
import { CatamaranError } from '../domain/errors.ts'
import { errorCode } from './error-code.ts'

/** A packed file may unpack to this much. */
const unpackedBytesMax = 20 * 1024 ** 3

/** The bytes of `source`, unpacked when they begin as gzip does. Throws `invalid-media` when the packing is damaged. */
export async function* unpacked(source: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  const iterator = source[Symbol.asyncIterator]()
  const first = await iterator.next()
  if (first.done) return
  const all = chained(first.value, iterator)
  if (first.value[0] !== 0x1f || first.value[1] !== 0x8b) {
    yield* all
    return
  }
  const gunzip = createGunzip()
  const input = Readable.from(all)
  input.on('error', (error) => gunzip.destroy(error))
  let bytes = 0
  try {
    for await (const chunk of input.pipe(gunzip) as AsyncIterable<Buffer>) {
      bytes += chunk.length
      if (bytes > unpackedBytesMax)
        throw new CatamaranError('invalid-media', 'The packed file unpacks to more than 20 GiB')
      yield chunk
    }
  } catch (error) {
    if (errorCode(error).startsWith('Z_')) {
      throw new CatamaranError('invalid-media', 'The gzip packing is damaged or cut off', { cause: error })
    }
    throw error
  } finally {
    input.destroy()
  }
}

async function* chained(first: Uint8Array, rest: AsyncIterator<Uint8Array>): AsyncGenerator<Uint8Array> {
  try {
    yield first
    for (let next = await rest.next(); !next.done; next = await rest.next()) yield next.value
  } finally {
    await rest.return?.()
  }
}
