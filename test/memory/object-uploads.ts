import { CatamaranError } from '../../shared/domain/errors.ts'
import { hashing } from '../../shared/domain/hashing.ts'
import { assertParts, assertWhole } from '../../shared/domain/object-parts.ts'
import type {
  CompleteOptions,
  MultipartUpload,
  ObjectInfo,
  StartOptions,
  StoredPart,
  UploadedPart,
} from '../../shared/ports/object-store.ts'
import { storedPart } from './object-parts.ts'

const { crc64Of } = await hashing

/** How a part came: through this process, from a URL that the store read, or by a signed request with or without its CRC. */
export type PartWay = 'bytes' | 'url' | 'signed' | 'signed with its CRC'

/** The uploads in parts of one store. */
export interface MemoryUploads {
  start(key: string, options: StartOptions): MultipartUpload
  put(upload: MultipartUpload, part: number, bytes: Uint8Array, way: PartWay): StoredPart
  list(upload: MultipartUpload): UploadedPart[]
  complete(upload: MultipartUpload, parts: readonly UploadedPart[], options: CompleteOptions): ObjectInfo
  abort(upload: MultipartUpload): void
  /** An object was stored under the key by something else, or removed. */
  changed(key: string): void
  /** The keys of what was begun and neither completed nor aborted. */
  open(): string[]
  clear(): void
}

export interface UploadsOptions {
  readonly head: (key: string) => ObjectInfo | undefined
  readonly write: (key: string, bytes: Uint8Array, about: StartOptions, etagEnd?: string) => ObjectInfo
  readonly newId: () => string
  /** Something was stored under the key and removed at once, which whoever listens is told of. */
  readonly passed: (key: string) => void
  /** Of every part but the last. */
  readonly partBytesMin: number
}

interface Pending {
  readonly about: StartOptions
  readonly parts: Map<number, Uint8Array>
}

const sumOf = (parts: readonly UploadedPart[]): number => parts.reduce((sum, { bytes }) => sum + bytes, 0)

/** As S3: an upload is known by its id until it is completed or aborted, and a part that comes again replaces the first. */
export function s3Uploads({ head, write, newId, partBytesMin }: UploadsOptions): MemoryUploads {
  const uploads = new Map<string, Pending>()
  const nameOf = ({ uploadId, key }: MultipartUpload): string => `${uploadId} ${key}`
  const pending = (upload: MultipartUpload): Pending => {
    const found = uploads.get(nameOf(upload))
    if (!found) throw new CatamaranError('not-found', 'No such upload')
    return found
  }
  const list = (upload: MultipartUpload): UploadedPart[] => {
    const { parts, about } = pending(upload)
    return [...parts]
      .map(([part, bytes]) => {
        const { crc64nvme, ...plain } = storedPart(part, bytes)
        return about.withChecksums ? { ...plain, crc64nvme } : plain
      })
      .sort((a, b) => a.part - b.part)
  }
  const join = (upload: MultipartUpload, parts: readonly UploadedPart[], crc64nvme: string | undefined): Uint8Array => {
    assertParts(parts, list(upload))
    assertWhole(parts, crc64nvme)
    if (parts.slice(0, -1).some(({ bytes }) => bytes < partBytesMin)) {
      throw new CatamaranError('invalid-request', 'A part that is not the last is too small')
    }
    const held = pending(upload).parts
    const bytes = Buffer.concat(parts.map(({ part }) => held.get(part) ?? new Uint8Array()))
    if (crc64nvme === undefined || crc64Of(bytes) === crc64nvme) return bytes
    throw new CatamaranError('invalid-request', 'The whole has another CRC')
  }
  return {
    start: (key, about) => {
      const upload = { key, uploadId: newId() }
      uploads.set(nameOf(upload), { about, parts: new Map() })
      return upload
    },
    put: (upload, part, bytes) => {
      pending(upload).parts.set(part, bytes)
      return storedPart(part, bytes)
    },
    list,
    complete: (upload, parts, { ifAbsent, crc64nvme }) => {
      const present = head(upload.key)
      const open = uploads.get(nameOf(upload))
      const etagEnd = `-${parts.length}`
      if (!open) {
        const isSame = present?.bytes === sumOf(parts) && present.etag.endsWith(`${etagEnd}"`)
        if (present && (ifAbsent || isSame)) return present
        throw new CatamaranError('not-found', 'No such upload')
      }
      const bytes = join(upload, parts, crc64nvme)
      if (present && ifAbsent) return present
      uploads.delete(nameOf(upload))
      return write(upload.key, bytes, open.about, etagEnd)
    },
    abort: (upload) => void uploads.delete(nameOf(upload)),
    changed: () => {},
    open: () => [...uploads.keys()].map((name) => name.slice(name.indexOf(' ') + 1)),
    clear: () => uploads.clear(),
  }
}
