import type { BlobClient, BlobServiceClient, BlockBlobClient, ContainerClient } from '@azure/storage-blob'
import { areaOf } from '../../shared/adapters/object-path.ts'
import type { Clock, Random } from '../../shared/ports/clock.ts'

export interface ObjectStoreOptions {
  /** Made from a connection string (shared key) or with a token credential (SAS by user delegation key). */
  readonly client: BlobServiceClient
  /** Holds the keys `uploads/...` and `drop/...`; `uploads` unless named otherwise. */
  readonly uploadsContainer?: string
  /** Holds the keys `objects/...`; `objects` unless named otherwise. */
  readonly objectsContainer?: string
  /** Azure copies from any URL by itself; Azurite only from its own. */
  readonly copyFromUrl: boolean
  /** The most bytes of a block that the service copies in one call. */
  readonly copyBlockBytes?: number
  readonly clock?: Clock
  readonly random?: Random
}

export const containerNameOf = (options: ObjectStoreOptions, key: string): string =>
  areaOf(key) === 'objects' ? (options.objectsContainer ?? 'objects') : (options.uploadsContainer ?? 'uploads')

/** The container of a key's area. Throws `invalid-request` for a bad key. */
export const containerOf = (options: ObjectStoreOptions, key: string): ContainerClient =>
  options.client.getContainerClient(containerNameOf(options, key))

/** Where a key is kept: in the container of its area, under its whole key. */
export const blobOf = (options: ObjectStoreOptions, key: string): BlobClient & BlockBlobClient =>
  containerOf(options, key).getBlockBlobClient(key)
