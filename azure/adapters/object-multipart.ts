import { assertMetadata } from '../../shared/adapters/object-path.ts'
import { CatamaranError } from '../../shared/domain/errors.ts'
import { assertParts, assertWhole } from '../../shared/domain/object-parts.ts'
import type { MultipartUpload, ObjectInfo, ObjectStore, UploadedPart } from '../../shared/ports/object-store.ts'
import { calling, isStatus, mapError } from './errors.ts'
import { blobOf, type ObjectStoreOptions } from './object-bucket.ts'
import { blockOfEtag, decodeUpload, encodeUpload, partOfBlock } from './object-parts.ts'
import { abortedUpload, uploadMetadata } from './object-read.ts'
import { commitOptions, hasErrorCode, uploadName } from './object-write.ts'

type Multipart = 'startMultipart' | 'listParts' | 'completeMultipart' | 'abortMultipart'

/** Uploads that clients send part by part: blocks of one blob, named by upload and part, committed at the end. */
export function objectMultipart(
  options: ObjectStoreOptions,
  head: (key: string) => Promise<ObjectInfo | undefined>,
): Pick<ObjectStore, Multipart> {
  const listParts = async ({ key, uploadId }: MultipartUpload): Promise<UploadedPart[]> => {
    const { name } = decodeUpload(uploadId)
    try {
      const { uncommittedBlocks = [] } = await blobOf(options, key).getBlockList('uncommitted')
      return uncommittedBlocks
        .flatMap(({ name: id, size }) => partOfBlock(name, id, Number(size)) ?? [])
        .sort((a, b) => a.part - b.part)
    } catch (error) {
      if (isStatus(error, 404)) return []
      throw mapError(error, 'listing the parts of an upload')
    }
  }

  return {
    startMultipart: async (key, { mediaType, metadata = {} }) => {
      assertMetadata(metadata)
      blobOf(options, key)
      return { key, uploadId: encodeUpload({ name: uploadName(options), mediaType, metadata }) }
    },
    listParts,
    completeMultipart: async (upload, parts, { ifAbsent = false, crc64nvme } = {}) => {
      const { name, mediaType, metadata } = decodeUpload(upload.uploadId)
      const held = await listParts(upload)
      const present = () => (ifAbsent ? head(upload.key) : completedBlob(options, upload, head))
      const done = held.length === 0 ? await present() : undefined
      if (done) return done
      assertParts(parts, held)
      assertWhole(parts, crc64nvme)
      const ids = parts.map(({ etag }) => blockOfEtag(etag))
      try {
        await blobOf(options, upload.key).commitBlockList(ids, {
          ...commitOptions({ mediaType, ifAbsent }),
          metadata: { ...metadata, [uploadMetadata]: name },
        })
      } catch (error) {
        // Another completion, of this upload or of the same object, may have come in between, and taken the blocks with it.
        const isTaken = hasErrorCode(error, 'InvalidBlockList') || (ifAbsent && isStatus(error, 409, 412))
        const other = isTaken ? await present() : undefined
        if (other) return other
        throw mapError(error, 'completing an upload')
      }
      const info = await head(upload.key)
      if (!info) throw new CatamaranError('unavailable', 'The object was removed while it was completed')
      return info
    },
    abortMultipart: async (upload) => {
      if ((await listParts(upload)).length === 0) return
      // There is no verb for it: an empty blob, which reads take for none, discards the blocks and is removed. A blob that
      // is there already stays, and has discarded them itself.
      const blob = blobOf(options, upload.key)
      try {
        const mark = { metadata: { [uploadMetadata]: abortedUpload }, conditions: { ifNoneMatch: '*' } }
        const { etag = '' } = await blob.commitBlockList([], mark)
        await calling('aborting an upload', () => blob.delete({ conditions: { ifMatch: etag } }))
      } catch (error) {
        if (!isStatus(error, 404, 409, 412)) throw mapError(error, 'aborting an upload')
      }
    },
  }
}

/** The blob that an earlier completion of this very upload made. */
async function completedBlob(
  options: ObjectStoreOptions,
  { key, uploadId }: MultipartUpload,
  head: (key: string) => Promise<ObjectInfo | undefined>,
): Promise<ObjectInfo | undefined> {
  try {
    const { metadata = {} } = await blobOf(options, key).getProperties()
    return metadata[uploadMetadata] === decodeUpload(uploadId).name ? await head(key) : undefined
  } catch (error) {
    if (isStatus(error, 404)) return undefined
    throw mapError(error, 'looking at an object')
  }
}
