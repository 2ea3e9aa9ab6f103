import { copyInParts, type PartsCopy } from '../../shared/adapters/copy-in-parts.ts'
import { areaOf, assertMetadata } from '../../shared/adapters/object-path.ts'
import { sha256Hex } from '../../shared/domain/hash.ts'
import { resolveRange } from '../../shared/domain/byte-range.ts'
import { CatamaranError } from '../../shared/domain/errors.ts'
import type { Clock, Random } from '../../shared/ports/clock.ts'
import type { ObjectBody, ObjectInfo, ObjectStore } from '../../shared/ports/object-store.ts'
import { freeze } from './frozen.ts'
import { MemoryIndex } from './memory-index.ts'
import { blockUploads } from './object-blocks.ts'
import { memoryGrants } from './object-grants.ts'
import { assertCrc, readUrl } from './object-parts.ts'
import { s3Uploads, type UploadsOptions } from './object-uploads.ts'
import { streamOf, bytesOfStream } from './streams.ts'

export interface MemoryObject {
  readonly info: ObjectInfo
  readonly bytes: Uint8Array
}

export interface MemoryObjectStore extends ObjectStore {
  /** Answers requests to the URLs this store presigned, as fetch would. */
  fetch(url: string, init?: { method?: string; headers?: Record<string, string>; body?: Uint8Array }): Promise<Response>
  /** The keys of uploads that were begun and neither completed nor aborted. */
  openUploads(): string[]
  all(): MemoryObject[]
  load(objects: readonly MemoryObject[]): void
}

export interface ObjectChange {
  readonly kind: 'created' | 'removed'
  readonly key: string
  readonly bytes: number
}

interface Options {
  readonly clock: Clock
  readonly random: Random
  readonly baseUrl?: string
  /** How the store reads URLs of the other cloud; without it, it cannot. */
  readonly fetch?: (url: string, init: { readonly headers: Record<string, string> }) => Promise<Response>
  /** Whose ways the store has with uploads in parts: those of S3 when nothing is said. */
  readonly uploads?: 's3' | 'blocks'
  readonly partBytesMin?: number
  /** Larger objects are copied in parts of so many bytes. */
  readonly copyPartBytes?: number
  /** Called after an object was stored or removed, as an object notification would be. */
  readonly onChange?: (event: ObjectChange) => void
}

const copyPartBytesDefault = 2 ** 18

/** An object store without I/O; upload ids come from the injected random. */
export function memoryObjectStore(options: Options): MemoryObjectStore {
  const { clock, random, onChange, copyPartBytes = copyPartBytesDefault } = options
  const objects = new Map<string, MemoryObject>()
  const index = new MemoryIndex()
  let writes = 0
  // S3 names what it was given, Blob Storage every write anew, whatever was written.
  const etagOf = (bytes: Uint8Array): string =>
    options.uploads === 'blocks' ? `0x8D${(writes++).toString(16).toUpperCase()}` : sha256Hex(bytes).slice(0, 32)
  const write: UploadsOptions['write'] = (key, bytes, { mediaType, metadata = {} }, etagEnd = '') => {
    const etag = `"${etagOf(bytes)}${etagEnd}"`
    const size = bytes.byteLength
    const info = freeze({ key, bytes: size, etag, mediaType, modifiedMs: clock.now(), metadata: { ...metadata } })
    objects.set(key, { info, bytes })
    index.add('', key, key)
    uploads.changed(key)
    onChange?.({ kind: 'created', key, bytes: size })
    return info
  }
  const remove = (key: string): boolean => {
    const found = objects.delete(key)
    index.remove('', key)
    uploads.changed(key)
    if (found) onChange?.({ kind: 'removed', key, bytes: 0 })
    return found
  }
  const partBytesMin = options.partBytesMin ?? 1
  const makeUploads = options.uploads === 'blocks' ? blockUploads : s3Uploads
  const uploads = makeUploads({
    head: (key) => objects.get(key)?.info,
    write,
    passed: (key) => {
      onChange?.({ kind: 'created', key, bytes: 0 })
      onChange?.({ kind: 'removed', key, bytes: 0 })
    },
    newId: () => Buffer.from(random.bytes(12)).toString('hex'),
    partBytesMin,
  })
  const grants = memoryGrants({
    clock,
    baseUrl: options.baseUrl ?? 'https://objects.test',
    secret: Buffer.from(random.bytes(16)).toString('hex'),
    read: (key) => objects.get(key),
    write: (key, bytes) => void write(key, bytes, { mediaType: 'application/octet-stream' }),
    writePart: (upload, part, bytes, way) => void uploads.put(upload, part, bytes, way),
  })

  const store: MemoryObjectStore = {
    supports: {
      copyFromUrl: options.fetch !== undefined,
      partBytesMin,
      partBytesMax: 5 * 2 ** 30,
      partsMax: 10_000,
    },
    head: async (key) => objects.get(checked(key))?.info,
    get: async (key, range) => {
      const found = objects.get(checked(key))
      if (!found) return undefined
      const resolved = range && resolveRange(range, found.bytes.byteLength)
      const bytes = resolved ? found.bytes.subarray(resolved.first, resolved.last + 1) : found.bytes
      const stream = streamOf(Uint8Array.from(bytes))
      return { ...found.info, stream, ...(resolved ? { range: resolved } : {}) } satisfies ObjectBody
    },
    put: async (key, body, { mediaType, metadata = {}, bytes: expected, ifAbsent, crc64nvme: sum, signal }) => {
      checked(key)
      assertMetadata(metadata)
      const bytes = body instanceof Uint8Array ? Uint8Array.from(body) : await bytesOfStream(body, signal)
      if (sum !== undefined) assertCrc(bytes, sum)
      if (expected !== undefined && bytes.byteLength !== expected) {
        throw new CatamaranError('invalid-request', `${bytes.byteLength} bytes came, ${expected} were announced`)
      }
      if (ifAbsent && objects.has(key)) return 'exists'
      write(key, bytes, { mediaType, metadata })
      return 'stored'
    },
    copy: async (from, to, copying) => {
      const { mediaType, metadata, ifMatch } = copying
      assertMetadata(metadata)
      const source = objects.get(checked(from))
      if (!source) throw new CatamaranError('not-found', `No object ${from}`)
      const assertSame = ({ info }: MemoryObject, etag: string): void => {
        if (etag !== info.etag) throw new CatamaranError('precondition-failed', `${from} has changed`)
      }
      if (ifMatch !== undefined) assertSame(source, ifMatch)
      if (source.bytes.byteLength <= copyPartBytes)
        return void write(checked(to), source.bytes, { mediaType, metadata })
      const copyPart: PartsCopy['copyPart'] = async (upload, part, { first, last }) => {
        const now = objects.get(from)
        if (!now) throw new CatamaranError('not-found', `No object ${from}`)
        // Blob Storage copies what is there by now, whatever it is.
        if (options.uploads !== 'blocks') assertSame(now, source.info.etag)
        return uploads.put(upload, part, now.bytes.subarray(first, last + 1), 'signed')
      }
      await copyInParts(store, {
        from: source.info,
        to: checked(to),
        partBytes: copyPartBytes,
        options: copying,
        copyPart,
      })
    },
    remove: async (key) => remove(checked(key)),
    list: async (prefix, page) => {
      const found = prefixPage(index, checked(prefix), page)
      return { ...found, items: found.items.flatMap((key) => objects.get(key)?.info ?? []) }
    },
    presign: async (key, presignOptions) => grants.object(checked(key), presignOptions),
    startMultipart: async (key, about) => {
      assertMetadata(about.metadata ?? {})
      return uploads.start(checked(key), about)
    },
    putPart: async (upload, part, source, signal) => {
      const bytes = source.kind === 'url' ? await readUrl(options.fetch, source) : Uint8Array.from(source.bytes)
      signal?.throwIfAborted()
      if (source.kind === 'bytes') assertCrc(bytes, source.crc64nvme)
      return uploads.put(upload, part, bytes, source.kind)
    },
    presignPart: async (upload, part, options) => grants.part(upload, part, options),
    listParts: async (upload) => uploads.list(upload),
    completeMultipart: async (upload, parts, completing = {}) => uploads.complete(upload, parts, completing),
    abortMultipart: async (upload) => uploads.abort(upload),
    fetch: grants.fetch,
    openUploads: () => uploads.open(),
    all: () => [...objects.values()],
    load: (loaded) => {
      objects.clear()
      uploads.clear()
      index.clear()
      for (const { info, bytes } of loaded) {
        objects.set(info.key, { info, bytes })
        index.add('', info.key, info.key)
      }
    },
  }
  return store
}

/** The key, or `invalid-request` for one that the clouds' stores refuse. */
function checked(key: string): string {
  areaOf(key)
  return key
}

function prefixPage(
  index: MemoryIndex,
  prefix: string,
  { after, limit }: { after?: string | undefined; limit: number },
) {
  const all = index.page('', { after: undefined, limit: Number.MAX_SAFE_INTEGER }).items
  const keys = index.page('', { after, limit: all.length + 1 }).items.filter((key) => key.startsWith(prefix))
  const items = keys.slice(0, limit)
  const next = keys.length > limit ? items.at(-1) : undefined
  return { items, ...(next === undefined ? {} : { next }) }
}
