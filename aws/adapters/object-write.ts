import { PutObjectCommand, UploadPartCommand } from '@aws-sdk/client-s3'
import { assertMetadata } from '../../shared/adapters/object-path.ts'
import { cutParts, eachAtOnce, partBytesOf, resumed } from '../../shared/adapters/part-stream.ts'
import { CatamaranError } from '../../shared/domain/errors.ts'
import type { ObjectInfo, ObjectStore, PutObjectOptions } from '../../shared/ports/object-store.ts'
import { isNamed, mapError } from './errors.ts'
import { checksum, type ObjectStoreOptions, placeOf } from './object-bucket.ts'
import { inParts, type PartsStart } from './object-multipart.ts'
import { crcHeader } from './object-parts.ts'

export const partsMax = 10_000
const partsAtOnceMax = 3

type Head = (key: string) => Promise<ObjectInfo | undefined>

/** Writing objects to S3. */
export function objectWrites(options: ObjectStoreOptions, head: Head): Pick<ObjectStore, 'put'> {
  const { client } = options

  const putStream = async (key: string, body: ReadableStream<Uint8Array>, put: PutObjectOptions): Promise<void> => {
    const { bytes, signal } = put
    const parts = cutParts(body, (part) => partBytesOf(part, bytes, partsMax), { bytes, signal })
    const abort = signal ? { abortSignal: signal } : {}
    try {
      const first = await parts.next()
      const second = await parts.next()
      if (second.done) return await putBytes(key, first.value ?? new Uint8Array(), put)
      const all = resumed([first.value as Uint8Array, second.value], parts)
      const upload = { key, start: { ...startOf(put), ...checksum }, condition: conditionOf(put) }
      await inParts(options, upload, (UploadId, keep) =>
        eachAtOnce(all, partsAtOnceMax, async (Body, index) => {
          const input = { ...placeOf(options, key), UploadId, PartNumber: index + 1, Body, ...checksum }
          const { ETag, ChecksumCRC32 } = await client.send(new UploadPartCommand(input), abort)
          keep({ PartNumber: index + 1, ETag, ChecksumCRC32 })
        }),
      )
    } finally {
      await parts.return(undefined)
    }
  }

  const putBytes = async (key: string, Body: Uint8Array, put: PutObjectOptions): Promise<void> => {
    assertLength(Body, put)
    const sum = put.crc64nvme === undefined ? checksum : { ChecksumCRC64NVME: crcHeader(put.crc64nvme) }
    const input = { ...placeOf(options, key), Body, ...startOf(put), ...conditionOf(put), ...sum }
    await client.send(new PutObjectCommand(input), put.signal ? { abortSignal: put.signal } : {})
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
        // A conflict is said of a write that is going on as well: only what stands there afterwards counts.
        const isRefused = isNamed(error, 'PreconditionFailed', 'ConditionalRequestConflict')
        if (isRefused && put.ifAbsent && (await head(key))) return 'exists'
        throw isRefused
          ? new CatamaranError('unavailable', `Another write of ${key} goes on`)
          : mapError(error, 'storing an object')
      }
    },
  }
}

const startOf = ({ mediaType, metadata = {} }: PutObjectOptions): PartsStart => ({
  ContentType: mediaType,
  Metadata: { ...metadata },
})

const conditionOf = ({ ifAbsent }: PutObjectOptions): { IfNoneMatch?: '*' } => (ifAbsent ? { IfNoneMatch: '*' } : {})

function assertLength(body: Uint8Array, { bytes }: PutObjectOptions): void {
  if (bytes === undefined || bytes === body.byteLength) return
  throw new CatamaranError('invalid-request', `${body.byteLength} bytes came, ${bytes} were announced`)
}
