import type { Page, PageRequest } from './page.ts'

/**
 * Object keys are paths whose first segment names the area:
 * `objects/<tenant>/<asset>/<sha256>` immutable bytes, `uploads/<tenant>/<upload>` staging, `drop/<tenant>/<path>` dropped files.
 */
export interface ObjectInfo {
  readonly key: string
  readonly bytes: number
  /** Strong, opaque, changes with the bytes. */
  readonly etag: string
  readonly mediaType: string
  readonly modifiedMs: number
  /** Lower-case names, short ASCII values; `sha256` (hex) is set by whoever verified the bytes. */
  readonly metadata: Readonly<Record<string, string>>
}

/** What a list says of an object; `head` says the rest. */
export type ListedObject = Omit<ObjectInfo, 'mediaType' | 'metadata'>

/** Both ends included, as in RFC 9110. */
export interface ByteRange {
  readonly first: number
  readonly last: number
}

export interface ObjectBody extends ObjectInfo {
  /** The bytes of the range asked for, or all. Cancel it or read it to its end. */
  readonly stream: ReadableStream<Uint8Array>
  readonly range?: ByteRange
}

export interface PutObjectOptions {
  readonly mediaType: string
  readonly metadata?: Readonly<Record<string, string>>
  /** The exact length when known. */
  readonly bytes?: number
  /** Write only if no object has this key: answers `exists` instead of overwriting. */
  readonly ifAbsent?: boolean
  /** Of bytes that come whole, 16 hex digits: the store checks what arrives. Throws `invalid-request` when it is not that. */
  readonly crc64nvme?: string
  readonly signal?: AbortSignal
}

export interface CopyObjectOptions {
  readonly mediaType: string
  readonly metadata: Readonly<Record<string, string>>
  /** The ETag that the source must have. */
  readonly ifMatch?: string | undefined
  readonly signal?: AbortSignal
  /** For a copy that may take more than one run. */
  readonly resume?: CopyResume
}

/** How a copy in several parts goes on where an earlier run of it stopped. */
export interface CopyResume {
  /** What `begun` told that run, which copied the same state of the same source to the same key. */
  readonly upload?: string | undefined
  /** Comes before the first part, unless the earlier run's upload goes on. */
  begun(upload: string): Promise<void>
  /** Comes after each part: 0 to 1 of all, with those of earlier runs. */
  copied(share: number): void
}

export interface PresignOptions {
  readonly method: 'GET' | 'PUT'
  /** A moment, in milliseconds since 1970. */
  readonly expiresAtMs: number
  /** For GET: what the store should answer with. */
  readonly responseType?: string
  readonly responseDisposition?: string
  readonly responseCacheControl?: string
}

export interface PresignedRequest {
  readonly method: 'GET' | 'PUT'
  readonly url: string
  /** Headers that the caller must send along. */
  readonly headers: Readonly<Record<string, string>>
  readonly expiresAtMs: number
}

/** An upload in parts, going straight from the client to the store. */
export interface MultipartUpload {
  readonly key: string
  readonly uploadId: string
}

export interface UploadedPart {
  /** From 1. */
  readonly part: number
  readonly bytes: number
  readonly etag: string
  /** What the store holds, 16 hex digits; known of parts that came by `putPart`. */
  readonly crc64nvme?: string
}

/** Where the bytes of a part come from: this process, or a URL that the store itself reads. */
export type PartSource =
  | { readonly kind: 'bytes'; readonly bytes: Uint8Array; readonly crc64nvme: string }
  | { readonly kind: 'url'; readonly url: string; readonly range: ByteRange }

/** A part with the CRC of what the store holds of it. */
export type StoredPart = UploadedPart & { readonly crc64nvme: string }

export interface StartOptions {
  readonly mediaType: string
  readonly metadata?: Readonly<Record<string, string>>
  /** Every part will come with its CRC, by `putPart` or by a request signed with it, so that the store keeps a CRC of each. */
  readonly withChecksums?: boolean
}

export interface CompleteOptions {
  /** An object that stands under the key by now stays, and is what is answered. */
  readonly ifAbsent?: boolean
  /** Of the whole, 16 hex digits; a store that can checks it. */
  readonly crc64nvme?: string
}

export interface ObjectStore {
  readonly supports: {
    /** `putPart` takes a URL of the other cloud. */
    readonly copyFromUrl: boolean
    readonly partBytesMin: number
    readonly partBytesMax: number
    readonly partsMax: number
  }
  head(key: string): Promise<ObjectInfo | undefined>
  /** Undefined when absent. Throws `range-not-satisfiable`. */
  get(key: string, range?: ByteRange, signal?: AbortSignal): Promise<ObjectBody | undefined>
  /** Streams at flat memory; the object appears whole or not at all. */
  put(
    key: string,
    body: ReadableStream<Uint8Array> | Uint8Array,
    options: PutObjectOptions,
  ): Promise<'stored' | 'exists'>
  /**
   * Copies inside the store without reading the bytes here, any size. With `ifMatch` the copy is of the bytes that have this
   * ETag or does not come to be. With `resume`, parts that were copied stay for the next run when this one fails. Throws
   * `not-found`, and `precondition-failed` when the source has another ETag by now.
   */
  copy(from: string, to: string, options: CopyObjectOptions): Promise<void>
  /** True when there was something to remove. */
  remove(key: string): Promise<boolean>
  /** In ascending order of key. `after` is the cursor the last page gave. `prefix` names an area: `drop/`, `objects/t1/a1/`. */
  list(prefix: string, page: PageRequest): Promise<Page<ListedObject>>
  presign(key: string, options: PresignOptions): Promise<PresignedRequest>
  startMultipart(key: string, options: StartOptions): Promise<MultipartUpload>
  /**
   * Stores one part, checked by its CRC on the way; parts sent twice, or by two at once, never mix. Throws `invalid-request`
   * when other bytes arrived and for a URL where `supports` says no, `not-found` when the upload is gone, and
   * `unavailable` when the store could not read the URL, or does not tell the CRC of what it read.
   */
  putPart(upload: MultipartUpload, part: number, source: PartSource, signal?: AbortSignal): Promise<StoredPart>
  /**
   * With the CRC of the part, 16 hex digits, for an upload begun with checksums: then the store refuses other bytes, and
   * `listParts` tells it.
   */
  presignPart(
    upload: MultipartUpload,
    part: number,
    options: { readonly expiresAtMs: number; readonly crc64nvme?: string | undefined },
  ): Promise<PresignedRequest>
  /** What the store holds of an unfinished upload, in order of part; a part may be there twice, with different ETags. */
  listParts(upload: MultipartUpload): Promise<readonly UploadedPart[]>
  /**
   * Joins parts 1 to n. Doing it twice is harmless. Throws `invalid-request` when parts are missing or make
   * up another CRC.
   */
  completeMultipart(
    upload: MultipartUpload,
    parts: readonly UploadedPart[],
    options?: CompleteOptions,
  ): Promise<ObjectInfo>
  /** Nothing of the upload is to be seen, or paid, any longer. What stands under the key stays. */
  abortMultipart(upload: MultipartUpload): Promise<void>
}
