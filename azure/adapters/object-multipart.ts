import { assertMetadata } from '../../shared/adapters/object-path.ts'
import { CatamaranError } from '../../shared/domain/errors.ts'
import { assertParts } from '../../shared/domain/object-parts.ts'
import type { MultipartUpload, ObjectInfo, ObjectStore, UploadedPart } from '../../shared/ports/object-store.ts'
import { calling, isStatus, mapError } from './errors.ts'
import { blobOf, type ObjectStoreOptions } from './object-bucket.ts'
import { uploadMetadata } from './object-read.ts'
import { blockId, hasErrorCode, uploadName } from './object-write.ts'

type Multipart = 'startMultipart' | 'listParts' | 'completeMultipart' | 'abortMultipart'

/** Blob Storage knows no uploads, only blocks: what an upload is about travels in its id. */
interface UploadFacts {
  readonly name: string
  readonly mediaType: string
  readonly metadata: Readonly<Record<string, string>>
}

const encodeUpload = (facts: UploadFacts): string => Buffer.from(JSON.stringify(facts)).toString('base64url')

/** Throws `not-found` for an id that this store never gave. */
export function decodeUpload(uploadId: string): UploadFacts {
  try {
    const { name, mediaType, metadata } = JSON.parse(Buffer.from(uploadId, 'base64url').toString()) as UploadFacts
    if (typeof name === 'string' && typeof mediaType === 'string' && typeof metadata === 'object') {
      return { name, mediaType, metadata }
    }
  } catch {
    // Falls through: an id of something else.
  }
  throw new CatamaranError('not-found', 'No such upload')
}

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
        .flatMap(({ name: id, size }) => partOf(name, id, Number(size)) ?? [])
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
    completeMultipart: async (upload, parts) => {
      const { name, mediaType, metadata } = decodeUpload(upload.uploadId)
      const held = await listParts(upload)
      const done = held.length === 0 ? await completedBlob(options, upload, head) : undefined
      if (done) return done
      assertParts(parts, held)
      const ids = parts.map(({ part }) => blockId(name, part))
      try {
        await blobOf(options, upload.key).commitBlockList(ids, {
          blobHTTPHeaders: { blobContentType: mediaType },
          metadata: { ...metadata, [uploadMetadata]: name },
        })
      } catch (error) {
        // Another completion of the same upload may have come in between, and taken the blocks with it.
        const isTaken = hasErrorCode(error, 'InvalidBlockList')
        const other = isTaken ? await completedBlob(options, upload, head) : undefined
        if (other) return other
        throw mapError(error, 'completing an upload')
      }
      const info = await head(upload.key)
      if (!info) throw new CatamaranError('unavailable', 'The object was removed while it was completed')
      return info
    },
    abortMultipart: async (upload) => {
      if ((await listParts(upload)).length === 0) return
      // There is no verb for it: an empty blob discards the blocks, and is removed. A blob that is there already stays.
      const blob = blobOf(options, upload.key)
      try {
        const { etag = '' } = await blob.commitBlockList([], { conditions: { ifNoneMatch: '*' } })
        await calling('aborting an upload', () => blob.delete({ conditions: { ifMatch: etag } }))
      } catch (error) {
        if (!isStatus(error, 404, 409, 412)) throw mapError(error, 'aborting an upload')
      }
    },
  }
}

function partOf(name: string, id: string, bytes: number): UploadedPart | undefined {
  const text = Buffer.from(id, 'base64').toString()
  if (!text.startsWith(`${name}-`)) return undefined
  return { part: Number(text.slice(name.length + 1)), bytes, etag: `"${id}"` }
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
