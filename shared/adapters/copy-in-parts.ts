import { CatamaranError, hasCode } from '../domain/errors.ts'
import type {
  ByteRange,
  CopyObjectOptions,
  MultipartUpload,
  ObjectInfo,
  ObjectStore,
  UploadedPart,
} from '../ports/object-store.ts'
import { eachAtOnce } from './part-stream.ts'

const partsAtOnceMax = 8

/** What a store does with uploads in parts, and how to look at what is copied. */
export type PartsStore = Pick<
  ObjectStore,
  'head' | 'startMultipart' | 'listParts' | 'completeMultipart' | 'abortMultipart'
>

export interface PartsCopy {
  /** The state of the source that counts. */
  readonly from: Pick<ObjectInfo, 'key' | 'bytes' | 'etag'>
  readonly to: string
  readonly partBytes: number
  readonly options: CopyObjectOptions
  /** Has the store copy one part by itself. */
  copyPart(upload: MultipartUpload, part: number, range: ByteRange): Promise<UploadedPart>
}

/**
 * Copies an object in parts inside its store. The copy appears whole or not at all: of the one state of the source that counts.
 * With `resume`, parts that an earlier run copied are not copied again, and what was copied stays when this run fails, unless
 * no run can use it any more.
 */
export async function copyInParts(store: PartsStore, copy: PartsCopy): Promise<void> {
  const { from, partBytes, options } = copy
  const { signal, resume } = options
  const count = Math.ceil(from.bytes / partBytes)
  const numbers = Array.from({ length: count }, (_, index) => index + 1)
  const rangeOf = (part: number): ByteRange => ({
    first: (part - 1) * partBytes,
    last: Math.min(part * partBytes, from.bytes) - 1,
  })
  const { upload, held } = (await goOn(store, copy)) ?? (await begin(store, copy))
  const parts = new Map<number, UploadedPart>()
  for (const one of held) if (one.bytes === bytesOf(rangeOf(one.part))) parts.set(one.part, one)
  try {
    const missing = numbers.filter((part) => !parts.has(part))
    await eachAtOnce(missing, partsAtOnceMax, async (part) => {
      signal?.throwIfAborted()
      parts.set(part, await copy.copyPart(upload, part, rangeOf(part)))
      resume?.copied(parts.size / count)
    })
    // Whenever they were copied, all parts are of this state: by a condition on each, or since its ETag never comes back.
    if ((await store.head(from.key))?.etag !== from.etag) throw changed(from.key)
    const inOrder = numbers.flatMap((part) => parts.get(part) ?? [])
    await store.completeMultipart(upload, inOrder)
  } catch (error) {
    if (!resume || isInVain(error)) await abandon(store, upload)
    throw error
  }
}

export const changed = (key: string): CatamaranError => new CatamaranError('precondition-failed', `${key} has changed`)

const bytesOf = ({ first, last }: ByteRange): number => last - first + 1

interface Begun {
  readonly upload: MultipartUpload
  readonly held: readonly UploadedPart[]
}

/** Stores forget the parts of an upload after a week, and the upload with them. */
async function goOn(store: PartsStore, { to, options: { resume } }: PartsCopy): Promise<Begun | undefined> {
  if (resume?.upload === undefined) return undefined
  const upload = { key: to, uploadId: resume.upload }
  try {
    return { upload, held: await store.listParts(upload) }
  } catch (error) {
    if (hasCode(error, 'not-found')) return undefined
    throw error
  }
}

async function begin(store: PartsStore, { to, options }: PartsCopy): Promise<Begun> {
  const { mediaType, metadata, resume } = options
  const upload = await store.startMultipart(to, { mediaType, metadata })
  await resume?.begun(upload.uploadId)
  return { upload, held: [] }
}

/** Nothing that time cures: another source, an upload that is gone, parts that do not fit together. */
const isInVain = (error: unknown): boolean =>
  hasCode(error, 'precondition-failed') || hasCode(error, 'not-found') || hasCode(error, 'invalid-request')

/** What stays behind if this fails too is cleared by the store's own rules. */
const abandon = (store: PartsStore, upload: MultipartUpload): Promise<void> =>
  store.abortMultipart(upload).catch(() => undefined)
