import type { BlockBlobStageBlockFromURLResponse, BlockBlobStageBlockResponse } from '@azure/storage-blob'
import { systemRandom } from '../../shared/adapters/clock.ts'
import { CatamaranError } from '../../shared/domain/errors.ts'
import type { ByteRange, ObjectStore, StoredPart, UploadedPart } from '../../shared/ports/object-store.ts'
import { calling, mapError } from './errors.ts'
import { blobOf, type ObjectStoreOptions } from './object-bucket.ts'

/** Blob Storage knows no uploads, only blocks: what an upload is about travels in its id. */
interface UploadFacts {
  readonly name: string
  readonly mediaType: string
  readonly metadata: Readonly<Record<string, string>>
}

export const encodeUpload = (facts: UploadFacts): string => Buffer.from(JSON.stringify(facts)).toString('base64url')

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

/** Blob Storage writes a CRC with its least significant byte first. */
export const crcBytes = (crc64nvme: string): Uint8Array => Buffer.from(crc64nvme, 'hex').reverse()
const crcOf = (bytes: Uint8Array): string => Buffer.from(bytes).reverse().toString('hex')

const tagBytes = 8

/** The bytes pass through here, or the service reads them from a URL by itself (Put Block From URL). */
export function objectParts(options: ObjectStoreOptions): Pick<ObjectStore, 'putPart'> {
  const { random = systemRandom } = options
  const copyBlock = async (
    key: string,
    id: string,
    { url, range }: { readonly url: string; readonly range: ByteRange },
    abort: { readonly abortSignal?: AbortSignal },
  ): Promise<BlockBlobStageBlockFromURLResponse> => {
    try {
      return await blobOf(options, key).stageBlockFromURL(id, url, range.first, range.last - range.first + 1, abort)
    } catch (error) {
      abort.abortSignal?.throwIfAborted()
      throw new CatamaranError('unavailable', 'The service did not read the URL', {
        cause: mapError(error, 'copying a part'),
      })
    }
  }

  return {
    putPart: async ({ key, uploadId }, part, source, signal) => {
      const { name } = decodeUpload(uploadId)
      const abort = signal ? { abortSignal: signal } : {}
      if (source.kind === 'bytes') {
        const { bytes, crc64nvme } = source
        const id = crcBlockId(name, part, crc64nvme)
        const sum = { transactionalContentCrc64: crcBytes(crc64nvme) }
        const body = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
        const stage = () => blobOf(options, key).stageBlock(id, body, bytes.byteLength, { ...sum, ...abort })
        return storedPart(part, bytes.byteLength, id, await calling('storing a part', stage, signal))
      }
      if (!options.copyFromUrl) throw new CatamaranError('invalid-request', 'This account copies from no URL')
      const id = taggedId(name, part, { tag: random.bytes(tagBytes), isCrc: false })
      const { range } = source
      return storedPart(part, range.last - range.first + 1, id, await copyBlock(key, id, source, abort))
    },
  }
}

function storedPart(
  part: number,
  bytes: number,
  id: string,
  answer: Pick<BlockBlobStageBlockResponse, 'xMsContentCrc64'>,
): StoredPart {
  const { xMsContentCrc64 } = answer
  if (!xMsContentCrc64) throw new CatamaranError('unavailable', 'The service did not say the CRC of a part')
  return { part, bytes, etag: `"${id}"`, crc64nvme: crcOf(xMsContentCrc64) }
}

/** The block of a part whose bytes have this CRC: other bytes of the same part make another block. */
export const crcBlockId = (name: string, part: number, crc64nvme: string): string =>
  taggedId(name, part, { tag: Buffer.from(crc64nvme, 'hex'), isCrc: true })

const tagStart = 5
const tagEnd = 16
const idLength = 23

/**
 * A block's id that no other bytes can have: after the upload, the CRC of the bytes, or chance where that is not known yet.
 * As long as every other id, as the ids of a blob have to be.
 */
function taggedId(
  name: string,
  part: number,
  { tag, isCrc }: { readonly tag: Uint8Array; readonly isCrc: boolean },
): string {
  const mark = isCrc ? '.' : '~'
  const text = `${name.slice(0, tagStart - 1)}${mark}${Buffer.from(tag).toString('base64url')}${mark}${String(part).padStart(6, '0')}`
  return Buffer.from(text).toString('base64')
}

/** The part that a block of the upload `name` is; undefined for blocks of other uploads. */
export function partOfBlock(name: string, id: string, bytes: number): UploadedPart | undefined {
  const text = Buffer.from(id, 'base64').toString()
  const found = { part: Number(text.slice(tagEnd + 1)), bytes, etag: `"${id}"` }
  if (text.startsWith(`${name}-`)) return found
  const mark = text[tagEnd]
  const isTagged =
    text.length === idLength && text.startsWith(name.slice(0, tagStart - 1)) && text[tagStart - 1] === mark
  if (!isTagged || (mark !== '.' && mark !== '~')) return undefined
  if (mark === '~') return found
  return { ...found, crc64nvme: Buffer.from(text.slice(tagStart, tagEnd), 'base64url').toString('hex') }
}

/** The block that a part's ETag names. */
export const blockOfEtag = (etag: string): string => etag.replaceAll('"', '')
