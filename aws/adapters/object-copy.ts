import { CopyObjectCommand, UploadPartCopyCommand } from '@aws-sdk/client-s3'
import { copyInParts, type PartsStore } from '../../shared/adapters/copy-in-parts.ts'
import { assertMetadata, objectPath } from '../../shared/adapters/object-path.ts'
import { CatamaranError } from '../../shared/domain/errors.ts'
import type { ByteRange, MultipartUpload, ObjectStore, UploadedPart } from '../../shared/ports/object-store.ts'
import { calling } from './errors.ts'
import { type ObjectStoreOptions, placeOf } from './object-bucket.ts'

const copyBytesMaxOfS3 = 5 * 2 ** 30
const copyPartBytesDefault = 2 ** 30

/** Copying inside S3. The object appears whole or not at all. */
export function objectCopies(options: ObjectStoreOptions, store: PartsStore): Pick<ObjectStore, 'copy'> {
  const { client, copyBytesMax = copyBytesMaxOfS3, copyPartBytes = copyPartBytesDefault } = options

  const copyPart = async (
    from: { readonly key: string; readonly etag: string },
    { key, uploadId: UploadId }: MultipartUpload,
    { part: PartNumber, range }: { readonly part: number; readonly range: ByteRange },
    signal: AbortSignal | undefined,
  ): Promise<UploadedPart> => {
    const { first, last } = range
    const source = { CopySource: sourceOf(options, from.key), CopySourceIfMatch: from.etag }
    const place = { ...placeOf(options, key), UploadId, PartNumber }
    const command = new UploadPartCopyCommand({ ...place, ...source, CopySourceRange: `bytes=${first}-${last}` })
    const abort = signal ? { abortSignal: signal } : {}
    const { CopyPartResult } = await calling('copying a part', () => client.send(command, abort), signal)
    return { part: PartNumber, bytes: last - first + 1, etag: CopyPartResult?.ETag ?? '' }
  }

  return {
    copy: async (from, to, copying) => {
      const { mediaType, metadata, ifMatch, signal } = copying
      assertMetadata(metadata)
      const source = await store.head(from)
      if (!source) throw new CatamaranError('not-found', `No object ${from}`)
      if (source.bytes > copyBytesMax) {
        // Parts are always of one and the same object: of the one that is wanted, or of the one that stands there now.
        const pinned = { ...source, etag: ifMatch ?? source.etag }
        return copyInParts(store, {
          from: pinned,
          to,
          partBytes: copyPartBytes,
          options: copying,
          copyPart: (upload, part, range) => copyPart(pinned, upload, { part, range }, signal),
        })
      }
      const about = { ContentType: mediaType, Metadata: { ...metadata }, MetadataDirective: 'REPLACE' as const }
      const condition = ifMatch === undefined ? {} : { CopySourceIfMatch: ifMatch }
      const copy = { ...placeOf(options, to), CopySource: sourceOf(options, from), ...about, ...condition }
      await calling('copying an object', () => client.send(new CopyObjectCommand(copy)))
    },
  }
}

const sourceOf = (options: ObjectStoreOptions, key: string): string =>
  `${placeOf(options, key).Bucket}/${objectPath(key)}`
