import type { ObjectStore } from '../../shared/ports/object-store.ts'
import type { ObjectStoreOptions } from './object-bucket.ts'
import { objectCopies } from './object-copy.ts'
import { objectGrants } from './object-grants.ts'
import { objectMultipart } from './object-multipart.ts'
import { objectParts } from './object-parts.ts'
import { objectReads } from './object-read.ts'
import { objectWrites, partsMax } from './object-write.ts'

/** Objects in two containers of Blob Storage, chosen by the first segment of the key; a blob's name is its whole key. */
export function blobObjectStore(options: ObjectStoreOptions): ObjectStore {
  const reads = objectReads(options)
  const multipart = objectMultipart(options, reads.head)
  return {
    supports: { copyFromUrl: options.copyFromUrl, partBytesMin: 1, partBytesMax: 4_000 * 2 ** 20, partsMax },
    ...reads,
    ...objectWrites(options, reads.head),
    ...objectCopies(options, { ...reads, ...multipart }),
    ...objectGrants(options),
    ...multipart,
    ...objectParts(options),
  }
}
