import {
  AbortMultipartUploadCommand,
  type CompletedPart,
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  ListPartsCommand,
} from '@aws-sdk/client-s3'
import { assertMetadata } from '../../shared/adapters/object-path.ts'
import { CatamaranError, hasCode } from '../../shared/domain/errors.ts'
import { assertParts, assertWhole } from '../../shared/domain/object-parts.ts'
import type { MultipartUpload, ObjectInfo, ObjectStore, UploadedPart } from '../../shared/ports/object-store.ts'
import { calling, isNamed, mapError } from './errors.ts'
import { type ObjectStoreOptions, placeOf } from './object-bucket.ts'
import { crcHeader, crcOf } from './object-parts.ts'

const whole = 'FULL_OBJECT' as const
/** A CRC of each part, which S3 combines to that of the object. */
const wholeSum = { ChecksumAlgorithm: 'CRC64NVME', ChecksumType: whole } as const

type Multipart = 'startMultipart' | 'listParts' | 'completeMultipart' | 'abortMultipart'

/** Uploads that clients send part by part: S3's own multipart uploads. */
export function objectMultipart(
  options: ObjectStoreOptions,
  head: (key: string) => Promise<ObjectInfo | undefined>,
): Pick<ObjectStore, Multipart> {
  const { client } = options
  const uploadOf = ({ key, uploadId }: MultipartUpload) => ({ ...placeOf(options, key), UploadId: uploadId })

  const listParts = async (upload: MultipartUpload): Promise<UploadedPart[]> => {
    const parts: UploadedPart[] = []
    let marker: string | undefined
    do {
      const position = marker === undefined ? {} : { PartNumberMarker: marker }
      const command = new ListPartsCommand({ ...uploadOf(upload), ...position })
      const answer = await calling('listing the parts of an upload', () => client.send(command))
      for (const { PartNumber = 0, Size = 0, ETag = '', ChecksumCRC64NVME } of answer.Parts ?? []) {
        const sum = answer.ChecksumAlgorithm && ChecksumCRC64NVME ? { crc64nvme: crcOf(ChecksumCRC64NVME) } : {}
        parts.push({ part: PartNumber, bytes: Size, etag: ETag, ...sum })
      }
      marker = answer.IsTruncated ? answer.NextPartNumberMarker : undefined
    } while (marker !== undefined)
    return parts
  }

  /** The object that an earlier completion of this upload made: S3 forgets an upload once it is complete. */
  const completed = async (key: string, parts: readonly UploadedPart[]): Promise<ObjectInfo> => {
    const done = await head(key)
    const isSame = done && done.bytes === sum(parts) && done.etag.endsWith(`-${parts.length}"`)
    if (isSame) return done
    throw new CatamaranError('not-found', 'No such upload')
  }

  return {
    startMultipart: async (key, { mediaType, metadata = {}, withChecksums = false }) => {
      assertMetadata(metadata)
      const sums = withChecksums ? wholeSum : {}
      const input = { ...placeOf(options, key), ContentType: mediaType, Metadata: { ...metadata }, ...sums }
      const { UploadId } = await calling('starting an upload', () =>
        client.send(new CreateMultipartUploadCommand(input)),
      )
      return { key, uploadId: UploadId ?? '' }
    },
    listParts,
    completeMultipart: async (upload, parts, { ifAbsent = false, crc64nvme } = {}) => {
      try {
        assertParts(parts, await listParts(upload))
        assertWhole(parts, crc64nvme)
        const Parts = parts.map(({ part, etag }) => ({ PartNumber: part, ETag: etag }))
        const input = { ...uploadOf(upload), MultipartUpload: { Parts }, ...(ifAbsent ? { IfNoneMatch: '*' } : {}) }
        const sum = crc64nvme === undefined ? {} : { ChecksumCRC64NVME: crcHeader(crc64nvme), ChecksumType: whole }
        await client.send(new CompleteMultipartUploadCommand({ ...input, ...sum }))
      } catch (error) {
        const isRefused = ifAbsent && isNamed(error, 'PreconditionFailed', 'ConditionalRequestConflict')
        const isOver = hasCode(error, 'not-found') || isNamed(error, 'NoSuchUpload')
        const other = isRefused || (isOver && ifAbsent) ? await head(upload.key) : undefined
        if (other) return other
        if (isOver) return completed(upload.key, parts)
        throw mapError(error, 'completing an upload')
      }
      return completed(upload.key, parts)
    },
    abortMultipart: async (upload) => {
      try {
        await client.send(new AbortMultipartUploadCommand(uploadOf(upload)))
      } catch (error) {
        if (!isNamed(error, 'NoSuchUpload')) throw mapError(error, 'aborting an upload')
      }
    },
  }
}

const sum = (parts: readonly UploadedPart[]): number => parts.reduce((total, { bytes }) => total + bytes, 0)

export interface PartsStart {
  readonly ContentType: string
  readonly Metadata: Record<string, string>
  /** Then every part must have one. */
  readonly ChecksumAlgorithm?: 'CRC32'
}

/** Runs `work` in a multipart upload of `key`, which is aborted unless it completes. */
export async function inParts(
  options: ObjectStoreOptions,
  upload: { readonly key: string; readonly start: PartsStart; readonly condition: { IfNoneMatch?: '*' } },
  work: (uploadId: string, keep: (part: CompletedPart) => void) => Promise<void>,
): Promise<void> {
  const { client } = options
  const place = placeOf(options, upload.key)
  const { UploadId = '' } = await client.send(new CreateMultipartUploadCommand({ ...place, ...upload.start }))
  const parts: CompletedPart[] = []
  try {
    await work(UploadId, (part) => void parts.push(part))
    const Parts = parts.sort((a, b) => (a.PartNumber ?? 0) - (b.PartNumber ?? 0))
    const complete = { ...place, UploadId, MultipartUpload: { Parts }, ...upload.condition }
    await client.send(new CompleteMultipartUploadCommand(complete))
  } catch (error) {
    // What stays behind if this fails too is cleared by the bucket's lifecycle rule.
    await client.send(new AbortMultipartUploadCommand({ ...place, UploadId })).catch(() => undefined)
    throw error
  }
}
