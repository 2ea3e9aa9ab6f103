import { CatamaranError } from '../../shared/domain/errors.ts'
import { assertParts, assertWhole } from '../../shared/domain/object-parts.ts'
import type { MultipartUpload, StartOptions, UploadedPart } from '../../shared/ports/object-store.ts'
import { storedPart } from './object-parts.ts'
import type { MemoryUploads, PartWay, UploadsOptions } from './object-uploads.ts'

interface Block {
  readonly uploadId: string
  readonly stored: UploadedPart
  readonly bytes: Uint8Array
}

/**
 * As Blob Storage behind its adapter: the store knows blocks and no uploads, so nothing is known of an upload before its first
 * part, and parts may come after it is over. Other bytes of a part make another block beside the first; what is committed takes
 * all blocks of its key with it, whichever upload they were of.
 */
export function blockUploads({ head, write, newId, passed }: UploadsOptions): MemoryUploads {
  /** What an upload's id says. */
  const started = new Map<string, StartOptions>()
  const blocks = new Map<string, Map<string, Block>>()
  /** The upload that an object was made by. */
  const madeBy = new Map<string, string>()
  const aboutOf = ({ uploadId }: MultipartUpload): StartOptions => {
    const about = started.get(uploadId)
    if (!about) throw new CatamaranError('not-found', 'No such upload')
    return about
  }
  const list = (upload: MultipartUpload): UploadedPart[] => {
    aboutOf(upload)
    const own = [...(blocks.get(upload.key)?.values() ?? [])].filter(({ uploadId }) => uploadId === upload.uploadId)
    return own.map(({ stored }) => stored).sort((a, b) => a.part - b.part)
  }
  const commit = (upload: MultipartUpload, parts: readonly UploadedPart[]): Uint8Array => {
    const held = blocks.get(upload.key)
    return Buffer.concat(parts.map(({ etag }) => held?.get(etag)?.bytes ?? new Uint8Array()))
  }
  const idOf = ({ uploadId }: MultipartUpload, part: number, way: PartWay, crc64nvme: string): string => {
    if (way === 'signed') return `"${uploadId}-${part}"`
    return way === 'url' ? `"${uploadId}~${newId()}~${part}"` : `"${uploadId}.${crc64nvme}.${part}"`
  }
  return {
    start: (key, about) => {
      const upload = { key, uploadId: newId() }
      started.set(upload.uploadId, about)
      return upload
    },
    put: (upload, part, bytes, way) => {
      aboutOf(upload)
      const { crc64nvme, ...plain } = storedPart(part, bytes)
      const stored = { ...plain, etag: idOf(upload, part, way, crc64nvme) }
      const isCrcListed = way === 'bytes' || way === 'signed with its CRC'
      const block = { uploadId: upload.uploadId, stored: isCrcListed ? { ...stored, crc64nvme } : stored, bytes }
      blocks.set(upload.key, (blocks.get(upload.key) ?? new Map<string, Block>()).set(stored.etag, block))
      return { ...stored, crc64nvme }
    },
    list,
    complete: (upload, parts, { ifAbsent, crc64nvme }) => {
      const held = list(upload)
      const present = head(upload.key)
      const isOwn = madeBy.get(upload.key) === upload.uploadId
      if (present && held.length === 0 && (ifAbsent || isOwn)) return present
      assertParts(parts, held)
      assertWhole(parts, crc64nvme)
      if (present && ifAbsent) return present
      const info = write(upload.key, commit(upload, parts), aboutOf(upload))
      madeBy.set(upload.key, upload.uploadId)
      return info
    },
    abort: (upload) => {
      if (list(upload).length === 0 || head(upload.key)) return
      blocks.delete(upload.key)
      // There is no verb for it: an empty blob takes the blocks with it.
      passed(upload.key)
    },
    changed: (key) => {
      blocks.delete(key)
      madeBy.delete(key)
    },
    open: () => [...blocks.keys()],
    clear: () => {
      blocks.clear()
      madeBy.clear()
    },
  }
}
