import { systemClock } from '../../shared/adapters/clock.ts'
import { changed, copyInParts, type PartsStore } from '../../shared/adapters/copy-in-parts.ts'
import { assertMetadata } from '../../shared/adapters/object-path.ts'
import { CatamaranError } from '../../shared/domain/errors.ts'
import type { ByteRange, ObjectStore } from '../../shared/ports/object-store.ts'
import { calling } from './errors.ts'
import { blobOf, type ObjectStoreOptions } from './object-bucket.ts'
import { decodeUpload } from './object-parts.ts'
import { sasSigner } from './object-signing.ts'
import { blockId, commitOptions, uploadName } from './object-write.ts'

const copyBlockBytesDefault = 256 * 2 ** 20
const copyLinkMs = 24 * 3_600_000

/** Copying inside Blob Storage, block by block. The blob appears whole or not at all. */
export function objectCopies(options: ObjectStoreOptions, store: PartsStore): Pick<ObjectStore, 'copy'> {
  const { clock = systemClock, copyBlockBytes = copyBlockBytesDefault } = options
  const sign = sasSigner(options)

  /** The service reads the source by itself (Put Block From URL). */
  const copyBlock = async (
    link: string,
    { key, id }: { readonly key: string; readonly id: string },
    { first, last }: ByteRange,
    signal: AbortSignal | undefined,
  ): Promise<void> => {
    const abort = signal ? { abortSignal: signal } : {}
    const copy = () => blobOf(options, key).stageBlockFromURL(id, link, first, last - first + 1, abort)
    await calling('copying a block', copy, signal)
  }

  return {
    copy: async (from, to, copying) => {
      const { mediaType, metadata, ifMatch, signal } = copying
      assertMetadata(metadata)
      const source = await store.head(from)
      if (!source) throw new CatamaranError('not-found', `No object ${from}`)
      if (ifMatch !== undefined && ifMatch !== source.etag) throw changed(from)
      const link = await sign(from, { permissions: 'r', expiresAtMs: clock.now() + copyLinkMs })
      if (source.bytes > copyBlockBytes) {
        return copyInParts(store, {
          from: source,
          to,
          partBytes: copyBlockBytes,
          options: copying,
          copyPart: async ({ key, uploadId }, part, range) => {
            const id = blockId(decodeUpload(uploadId).name, part)
            await copyBlock(link, { key, id }, range, signal)
            return { part, bytes: range.last - range.first + 1, etag: `"${id}"` }
          },
        })
      }
      const ids = source.bytes === 0 ? [] : [blockId(uploadName(options), 1)]
      for (const id of ids) await copyBlock(link, { key: to, id }, { first: 0, last: source.bytes - 1 }, signal)
      // An ETag never comes back, so the block is of this source; uncommitted ones are nobody's.
      if ((await store.head(from))?.etag !== source.etag) throw changed(from)
      await calling('copying an object', () =>
        blobOf(options, to).commitBlockList(ids, commitOptions({ mediaType, metadata })),
      )
    },
  }
}
