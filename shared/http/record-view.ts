import { etagOf } from '../core/records.ts'
import { CatamaranError } from '../domain/errors.ts'
import { jsonEqual, type JsonObject } from '../domain/json.ts'
import { clientBodyBytesMax } from '../domain/limits.ts'
import type { RecordKey, RecordState } from '../domain/record.ts'
import { stampMs } from '../domain/stamp.ts'
import type { RecordView } from './schemas/records.ts'

export const viewOfRecord = (state: RecordState): RecordView => ({
  id: state.key.id,
  collection: state.key.collection,
  version: state.stamp,
  etag: etagOf(state),
  createdAt: new Date(state.createdMs).toISOString(),
  updatedAt: new Date(stampMs(state.stamp)).toISOString(),
  deleted: state.deleted,
  body: state.body,
})

/** Assets have rules of their own, so their records are not open to the records API. */
const reservedCollections: readonly string[] = ['assets']

export const isClientCollection = (collection: string): boolean =>
  !collection.startsWith('_') && !reservedCollections.includes(collection)

/** The key of a client's record. Throws `not-found` for the system's own collections. */
export function clientKey(tenant: string, { collection, id }: { collection: string; id: string }): RecordKey {
  assertClientCollection(collection)
  return { tenant, collection, id }
}

export function assertClientCollection(collection: string): void {
  if (!isClientCollection(collection)) throw new CatamaranError('not-found', 'There is no such collection.')
}

/** Throws `too-large`. */
export function assertBodySize(body: JsonObject): JsonObject {
  const bytes = Buffer.byteLength(JSON.stringify(body))
  if (bytes <= clientBodyBytesMax) return body
  throw new CatamaranError(
    'too-large',
    `A record may hold at most ${clientBodyBytesMax} bytes of JSON; this one has ${bytes}.`,
  )
}

/** The next body, or the present one itself when they are equal, which makes no new version. */
export const nextBody = (now: JsonObject | undefined, next: JsonObject): JsonObject =>
  now && jsonEqual(now, next) ? now : next
