import type { RecordKey, RecordState } from '../domain/record.ts'
import type { GrantOptions, ReadGrant } from '../ports/peer.ts'
import type { Page, PageRequest } from '../ports/page.ts'
import { stateOf } from './record-history.ts'
import { listRecords } from './record-reads.ts'
import type { Services } from './services.ts'

/** This site's side of the peer API. Nothing here erases. */

export async function readForPeer(
  services: Services,
  keys: readonly RecordKey[],
): Promise<(RecordState | undefined)[]> {
  const records = await services.records.getMany(keys)
  return records.map((record) => record && stateOf(record))
}

export async function listForPeer(
  services: Services,
  collection: Pick<RecordKey, 'tenant' | 'collection'>,
  page: PageRequest,
): Promise<Page<RecordState>> {
  const found = await listRecords(services, collection, page, { includeDeleted: true })
  const items = found.items.map(stateOf)
  return found.next === undefined ? { items } : { items, next: found.next }
}

const grantMs = 15 * 60_000
const nothingSeen = { bytes: 0, mediaType: 'application/octet-stream', metadata: {} }

/** Short-lived URLs to read objects straight from this site's store. Only immutable objects are ever granted. */
export async function grantReads(
  services: Services,
  keys: readonly string[],
  as: GrantOptions = {},
): Promise<(ReadGrant | undefined)[]> {
  return Promise.all(keys.map((key) => grantRead(services, key, as)))
}

async function grantRead(services: Services, key: string, as: GrantOptions): Promise<ReadGrant | undefined> {
  if (!key.startsWith('objects/')) return undefined
  const info = as.unseen ? nothingSeen : await services.objects.head(key)
  if (!info) return undefined
  const { url, expiresAtMs } = await services.objects.presign(key, {
    method: 'GET',
    expiresAtMs: services.clock.now() + grantMs,
    ...(as.mediaType === undefined ? {} : { responseType: as.mediaType }),
    ...(as.disposition === undefined ? {} : { responseDisposition: as.disposition }),
  })
  const { bytes, mediaType, metadata } = info
  return { key, url, bytes, mediaType, metadata, expiresAtMs }
}
