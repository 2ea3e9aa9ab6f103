import { createHash } from 'node:crypto'
import { createReadStream, createWriteStream } from 'node:fs'
import { Readable, Transform } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type { ReadableStream as NodeWebStream } from 'node:stream/web'
import { hashing } from '../domain/hashing.ts'

export interface Digests {
  readonly bytes: number
  /** Lower-case hex. */
  readonly sha256: string
  /** Hex, most significant digit first. */
  readonly crc64nvme: string
}

/** Takes bytes in passing. */
export async function digester(): Promise<{ update(chunk: Uint8Array): void; result(): Digests }> {
  const sha256 = createHash('sha256')
  const crc = (await hashing).crc64()
  let bytes = 0
  return {
    update: (chunk) => {
      bytes += chunk.byteLength
      sha256.update(chunk)
      crc.update(chunk)
    },
    result: () => ({ bytes, sha256: sha256.digest('hex'), crc64nvme: crc.hex() }),
  }
}

/** Writes a stream to a new file at flat memory, with its digests. Stops past `bytesMax`: the answer then holds more bytes. */
export async function streamToFile(
  stream: ReadableStream<Uint8Array>,
  path: string,
  { bytesMax, signal }: { readonly bytesMax: number; readonly signal: AbortSignal },
): Promise<Digests> {
  const digests = await digester()
  let bytes = 0
  const measure = new Transform({
    transform(chunk: Uint8Array, _encoding, done) {
      bytes += chunk.byteLength
      digests.update(chunk)
      if (bytes > bytesMax) this.push(null)
      else this.push(chunk)
      done()
    },
  })
  await pipeline(fromWeb(stream), measure, createWriteStream(path), { signal })
  return digests.result()
}

export async function digestsOfFile(path: string, signal: AbortSignal): Promise<Digests> {
  const digests = await digester()
  for await (const chunk of createReadStream(path, { signal, highWaterMark: 1 << 20 })) {
    digests.update(chunk as Uint8Array)
  }
  return digests.result()
}

export const fileStream = (path: string): ReadableStream<Uint8Array> =>
  Readable.toWeb(createReadStream(path, { highWaterMark: 1 << 20 })) as ReadableStream<Uint8Array>

const fromWeb = (stream: ReadableStream<Uint8Array>): Readable =>
  Readable.fromWeb(stream as unknown as NodeWebStream<Uint8Array>)
