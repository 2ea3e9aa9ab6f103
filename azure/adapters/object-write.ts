import { systemRandom } from '../../shared/adapters/clock.ts'
import { assertMetadata } from '../../shared/adapters/object-path.ts'
import { cutParts, eachAtOnce, partBytesOf, resumed } from '../../shared/adapters/part-stream.ts'
import { CatamaranError } from '../../shared/domain/errors.ts'
import type { ObjectInfo, ObjectStore, PutObjectOptions } from '../../shared/ports/object-store.ts'
import { isStatus, mapError } from './errors.ts'
import { blobOf, type ObjectStoreOptions } from './object-bucket.ts'
import { crcBytes } from './object-parts.ts'

/** Blob Storage takes 50,000; the same bound on both sites makes an upload describable alike. */
export const partsMax = 10_000
const partsAtOnceMax = 3

/** Block ids of one blob are equally long, and differ between uploads: a random text, and the part's number. */
export const blockId = (upload: string, part: number): string =>
  Buffer.from(`${upload}-${String(part).padStart(6, '0')}`).toString('base64')

export const uploadName = ({ random = systemRandom }: ObjectStoreOptions): string =>
  Buffer.from(random.bytes(12)).toString('base64url')

type Head = (key: string) => Promise<ObjectInfo | undefined>

/** Writing objects to Blob Storage. */
export function objectWrites(options: ObjectStoreOptions, head: Head): Pick<ObjectStore, 'put'> {
  const putBytes = async (key: string, body: Uint8Array, put: PutObjectOptions): Promise<void> => {
    if (put.bytes !== undefined && put.bytes !== body.byteLength) {
      throw new CatamaranError('invalid-request', `${body.byteLength} bytes came, ${put.bytes} were announced`)
    }
    await blobOf(options, key).upload(Buffer.from(body.buffer, body.byteOffset, body.byteLength), body.byteLength, {
      ...commitOptions(put),
      ...(put.crc64nvme === undefined ? {} : { transactionalContentCrc64: crcBytes(put.crc64nvme) }),
      ...abortOf(put.signal),
    })
  }

  /** Blocks that are never committed stay invisible; the service discards them after a week, or with the next commit. */
  const putStream = async (key: string, body: ReadableStream<Uint8Array>, put: PutObjectOptions): Promise<void> => {
    const { bytes, signal } = put
    const parts = cutParts(body, (part) => partBytesOf(part, bytes, partsMax), { bytes, signal })
    try {
      const first = await parts.next()
      const second = await parts.next()
      if (second.done) return await putBytes(key, first.value ?? new Uint8Array(), put)
      const upload = uploadName(options)
      const ids: string[] = []
      const blob = blobOf(options, key)
      await eachAtOnce(
        resumed([first.value as Uint8Array, second.value], parts),
        partsAtOnceMax,
        async (part, index) => {
          const id = blockId(upload, index + 1)
          ids[index] = id
          await blob.stageBlock(id, part, part.byteLength, abortOf(signal))
        },
      )
      await blob.commitBlockList(ids, { ...commitOptions(put), ...abortOf(signal) })
    } finally {
      await parts.return(undefined)
    }
  }

  return {
    put: async (key, body, put) => {
      try {
        assertMetadata(put.metadata ?? {})
        // What comes whole is small, and the condition alone will say it: asking first would be a request for nothing.
        if (put.ifAbsent && !(body instanceof Uint8Array) && (await head(key))) {
          await body.cancel()
          return 'exists'
        }
        await (body instanceof Uint8Array ? putBytes(key, body, put) : putStream(key, body, put))
        return 'stored'
      } catch (error) {
        put.signal?.throwIfAborted()
        // Another writer came first: by the condition, or because its commit discarded this one's blocks.
        const isOvertaken = isStatus(error, 409, 412) || hasErrorCode(error, 'InvalidBlockList')
        if (isOvertaken && put.ifAbsent && (await head(key))) return 'exists'
        throw isOvertaken
          ? new CatamaranError('unavailable', `Another write of ${key} came in between`, { cause: error })
          : mapError(error, 'storing an object')
      }
    },
  }
}

export const commitOptions = ({ mediaType, metadata = {}, ifAbsent }: PutObjectOptions) => ({
  blobHTTPHeaders: { blobContentType: mediaType },
  metadata: { ...metadata },
  ...(ifAbsent ? { conditions: { ifNoneMatch: '*' } } : {}),
})

const abortOf = (signal: AbortSignal | undefined) => (signal ? { abortSignal: signal } : {})

export const hasErrorCode = (error: unknown, code: string): boolean =>
  (error as { code?: unknown } | undefined)?.code === code
