import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  type CompletedPart,
  CopyObjectCommand,
  CreateMultipartUploadCommand,
  PutObjectCommand,
  UploadPartCommand,
  UploadPartCopyCommand,
} from '@aws-sdk/client-s3'
import { assertMetadata, objectPath } from '../../shared/adapters/object-path.ts'
import { cutParts, eachAtOnce, partBytesOf, resumed } from '../../shared/adapters/part-stream.ts'
import { CatamaranError } from '../../shared/domain/errors.ts'
import type { ObjectInfo, ObjectStore, PutObjectOptions } from '../../shared/ports/object-store.ts'
import { calling, isNamed, mapError } from './errors.ts'
import { checksum, type ObjectStoreOptions, placeOf } from './object-bucket.ts'

export const partsMax = 10_000
const partsAtOnceMax = 3
const copyBytesMaxOfS3 = 5 * 2 ** 30
const copyPartBytes = 2 ** 30
const copyPartsAtOnceMax = 8

type Head = (key: string) => Promise<ObjectInfo | undefined>
interface Start {
  readonly ContentType: string
  readonly Metadata: Record<string, string>
  /** Then every part must have one: parts that S3 copies by itself do without. */
  readonly ChecksumAlgorithm?: 'CRC32'
}

/** Writing and copying objects in S3. */
export function objectWrites(options: ObjectStoreOptions, head: Head): Pick<ObjectStore, 'put' | 'copy'> {
  const { client } = options

  /** Runs `work` in a multipart upload of `key`, which is aborted unless it completes. */
  const inParts = async (
    key: string,
    start: Start,
    condition: { IfNoneMatch?: '*' },
    work: (uploadId: string, keep: (part: CompletedPart) => void) => Promise<void>,
  ): Promise<void> => {
    const place = placeOf(options, key)
    const { UploadId = '' } = await client.send(new CreateMultipartUploadCommand({ ...place, ...start }))
    const parts: CompletedPart[] = []
    try {
      await work(UploadId, (part) => void parts.push(part))
      const Parts = parts.sort((a, b) => (a.PartNumber ?? 0) - (b.PartNumber ?? 0))
      await client.send(
        new CompleteMultipartUploadCommand({ ...place, UploadId, MultipartUpload: { Parts }, ...condition }),
      )
    } catch (error) {
      // What stays behind if this fails too is cleared by the bucket's lifecycle rule.
      await client.send(new AbortMultipartUploadCommand({ ...place, UploadId })).catch(() => undefined)
      throw error
    }
  }

  const putStream = async (key: string, body: ReadableStream<Uint8Array>, put: PutObjectOptions): Promise<void> => {
    const { bytes, signal } = put
    const parts = cutParts(body, (part) => partBytesOf(part, bytes, partsMax), { bytes, signal })
    const abort = signal ? { abortSignal: signal } : {}
    try {
      const first = await parts.next()
      const second = await parts.next()
      if (second.done) return await putBytes(key, first.value ?? new Uint8Array(), put)
      const all = resumed([first.value as Uint8Array, second.value], parts)
      await inParts(key, { ...startOf(put), ...checksum }, conditionOf(put), (UploadId, keep) =>
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
    const input = { ...placeOf(options, key), Body, ...startOf(put), ...conditionOf(put), ...checksum }
    await client.send(new PutObjectCommand(input), put.signal ? { abortSignal: put.signal } : {})
  }

  const copyInParts = async (from: string, to: string, start: Start, bytes: number, etag: string): Promise<void> => {
    const count = Math.max(Math.ceil(bytes / copyPartBytes), 1)
    const numbers = Array.from({ length: count }, (_, index) => index + 1)
    await inParts(to, start, {}, (UploadId, keep) =>
      eachAtOnce(numbers, copyPartsAtOnceMax, async (PartNumber) => {
        const first = (PartNumber - 1) * copyPartBytes
        const range = `bytes=${first}-${Math.min(first + copyPartBytes, bytes) - 1}`
        const source = { CopySource: sourceOf(options, from), CopySourceRange: range, CopySourceIfMatch: etag }
        const command = new UploadPartCopyCommand({ ...placeOf(options, to), UploadId, PartNumber, ...source })
        const { CopyPartResult } = await client.send(command)
        keep({ PartNumber, ETag: CopyPartResult?.ETag })
      }),
    )
  }

  return {
    put: async (key, body, put) => {
      try {
        assertMetadata(put.metadata ?? {})
        if (put.ifAbsent && (await head(key))) {
          if (!(body instanceof Uint8Array)) await body.cancel()
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
    copy: async (from, to, { mediaType, metadata, ifMatch }) => {
      assertMetadata(metadata)
      const source = await head(from)
      if (!source) throw new CatamaranError('not-found', `No object ${from}`)
      const start = { ContentType: mediaType, Metadata: { ...metadata } }
      await calling('copying an object', async () => {
        // Parts are always of one and the same object: of the one that is wanted, or of the one that stands there now.
        if (source.bytes > (options.copyBytesMax ?? copyBytesMaxOfS3)) {
          return copyInParts(from, to, start, source.bytes, ifMatch ?? source.etag)
        }
        const condition = ifMatch === undefined ? {} : { CopySourceIfMatch: ifMatch }
        const copy = { CopySource: sourceOf(options, from), MetadataDirective: 'REPLACE' as const, ...condition }
        await client.send(new CopyObjectCommand({ ...placeOf(options, to), ...copy, ...start }))
      })
    },
  }
}

const startOf = ({ mediaType, metadata = {} }: PutObjectOptions): Start => ({
  ContentType: mediaType,
  Metadata: { ...metadata },
})

const conditionOf = ({ ifAbsent }: PutObjectOptions): { IfNoneMatch?: '*' } => (ifAbsent ? { IfNoneMatch: '*' } : {})

const sourceOf = (options: ObjectStoreOptions, key: string): string =>
  `${placeOf(options, key).Bucket}/${objectPath(key)}`

function assertLength(body: Uint8Array, { bytes }: PutObjectOptions): void {
  if (bytes === undefined || bytes === body.byteLength) return
  throw new CatamaranError('invalid-request', `${body.byteLength} bytes came, ${bytes} were announced`)
}
