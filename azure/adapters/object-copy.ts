import { systemClock } from '../../shared/adapters/clock.ts'
import { assertMetadata } from '../../shared/adapters/object-path.ts'
import { eachAtOnce } from '../../shared/adapters/part-stream.ts'
import { CatamaranError } from '../../shared/domain/errors.ts'
import type { ObjectInfo, ObjectStore } from '../../shared/ports/object-store.ts'
import { calling } from './errors.ts'
import { blobOf, type ObjectStoreOptions } from './object-bucket.ts'
import { sasSigner } from './object-signing.ts'
import { blockId, commitOptions, uploadName } from './object-write.ts'

const copyBlockBytesDefault = 256 * 2 ** 20
const copyBlocksAtOnceMax = 8
const copyLinkMs = 24 * 3_600_000

/** Copying inside Blob Storage, block by block. The blob appears whole or not at all. */
export function objectCopies(
  options: ObjectStoreOptions,
  head: (key: string) => Promise<ObjectInfo | undefined>,
): Pick<ObjectStore, 'copy'> {
  const { clock = systemClock, copyBlockBytes = copyBlockBytesDefault } = options
  const sign = sasSigner(options)

  /** The service reads the source by itself (Put Block From URL). Answers the ids of the blocks, in their order. */
  const stageCopy = async (from: string, to: string, bytes: number): Promise<string[]> => {
    const link = await sign(from, { permissions: 'r', expiresAtMs: clock.now() + copyLinkMs })
    const upload = uploadName(options)
    const count = Math.ceil(bytes / copyBlockBytes)
    const ids = Array.from({ length: count }, (_, index) => blockId(upload, index + 1))
    await calling('copying an object', () =>
      eachAtOnce(ids, copyBlocksAtOnceMax, async (id, index) => {
        const first = index * copyBlockBytes
        await blobOf(options, to).stageBlockFromURL(id, link, first, Math.min(copyBlockBytes, bytes - first))
      }),
    )
    return ids
  }

  return {
    copy: async (from, to, { mediaType, metadata, ifMatch }) => {
      assertMetadata(metadata)
      const source = await head(from)
      if (!source) throw new CatamaranError('not-found', `No object ${from}`)
      if (ifMatch !== undefined && ifMatch !== source.etag) throw changed(from)
      const ids = await stageCopy(from, to, source.bytes)
      // An ETag never comes back, so the blocks are all of this source; uncommitted ones are nobody's.
      if ((await head(from))?.etag !== source.etag) throw changed(from)
      await calling('copying an object', () =>
        blobOf(options, to).commitBlockList(ids, commitOptions({ mediaType, metadata })),
      )
    },
  }
}

const changed = (key: string): CatamaranError => new CatamaranError('precondition-failed', `${key} has changed`)
