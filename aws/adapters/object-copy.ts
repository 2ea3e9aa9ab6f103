import { CopyObjectCommand, UploadPartCopyCommand } from '@aws-sdk/client-s3'
import { assertMetadata, objectPath } from '../../shared/adapters/object-path.ts'
import { eachAtOnce } from '../../shared/adapters/part-stream.ts'
import { CatamaranError } from '../../shared/domain/errors.ts'
import type { ObjectInfo, ObjectStore } from '../../shared/ports/object-store.ts'
import { calling } from './errors.ts'
import { type ObjectStoreOptions, placeOf } from './object-bucket.ts'
import { inParts, type PartsStart } from './object-multipart.ts'

const copyBytesMaxOfS3 = 5 * 2 ** 30
const copyPartBytes = 2 ** 30
const copyPartsAtOnceMax = 8

/** Copying inside S3. The object appears whole or not at all. */
export function objectCopies(
  options: ObjectStoreOptions,
  head: (key: string) => Promise<ObjectInfo | undefined>,
): Pick<ObjectStore, 'copy'> {
  return {
    copy: async (from, to, { mediaType, metadata, ifMatch }) => {
      assertMetadata(metadata)
      const source = await head(from)
      if (!source) throw new CatamaranError('not-found', `No object ${from}`)
      const start = { ContentType: mediaType, Metadata: { ...metadata } }
      await calling('copying an object', async () => {
        // Parts are always of one and the same object: of the one that is wanted, or of the one that stands there now.
        if (source.bytes > (options.copyBytesMax ?? copyBytesMaxOfS3)) {
          return copyInParts(options, { ...source, etag: ifMatch ?? source.etag }, to, start)
        }
        const condition = ifMatch === undefined ? {} : { CopySourceIfMatch: ifMatch }
        const copy = { CopySource: sourceOf(options, from), MetadataDirective: 'REPLACE' as const, ...condition }
        await options.client.send(new CopyObjectCommand({ ...placeOf(options, to), ...copy, ...start }))
      })
    },
  }
}

async function copyInParts(
  options: ObjectStoreOptions,
  { key: from, bytes, etag }: Pick<ObjectInfo, 'key' | 'bytes' | 'etag'>,
  to: string,
  start: PartsStart,
): Promise<void> {
  const count = Math.max(Math.ceil(bytes / copyPartBytes), 1)
  const numbers = Array.from({ length: count }, (_, index) => index + 1)
  await inParts(options, { key: to, start, condition: {} }, (UploadId, keep) =>
    eachAtOnce(numbers, copyPartsAtOnceMax, async (PartNumber) => {
      const first = (PartNumber - 1) * copyPartBytes
      const range = `bytes=${first}-${Math.min(first + copyPartBytes, bytes) - 1}`
      const source = { CopySource: sourceOf(options, from), CopySourceRange: range, CopySourceIfMatch: etag }
      const command = new UploadPartCopyCommand({ ...placeOf(options, to), UploadId, PartNumber, ...source })
      const { CopyPartResult } = await options.client.send(command)
      keep({ PartNumber, ETag: CopyPartResult?.ETag })
    }),
  )
}

const sourceOf = (options: ObjectStoreOptions, key: string): string =>
  `${placeOf(options, key).Bucket}/${objectPath(key)}`
