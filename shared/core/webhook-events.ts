import { type AssetBody, type MediaBody } from '../domain/asset.ts'
import { derivedId } from '../domain/hash.ts'
import type { JsonObject } from '../domain/json.ts'
import type { StoredRecord } from '../domain/record.ts'
import { stampMs } from '../domain/stamp.ts'
import type { WebhookMessage } from '../domain/webhook.ts'
import { recordVersions } from './record-history.ts'
import type { Services } from './services.ts'

/**
 * What a record's new state tells the world, if anything. The same state makes the same message at both sites, however often it
 * is looked at.
 */
export async function messageOf(services: Services, record: StoredRecord): Promise<WebhookMessage | undefined> {
  const { collection, id } = record.key
  const when = { atMs: stampMs(record.stamp), order: record.stamp }
  if (collection === '_media') {
    const media = record.body as MediaBody | null
    if (media?.status !== 'ready' && media?.status !== 'failed') return undefined
    // By version, not by stamp: what is ready stays so when something is found out about it later.
    const type = media.status === 'ready' ? 'asset.ready' : 'asset.failed'
    return { id: messageId(record, type, media.version), type, ...when, data: mediaData(id, media) }
  }
  if (collection !== 'assets') return undefined
  if (record.deleted)
    return { id: messageId(record, 'asset.deleted', record.stamp), type: 'asset.deleted', ...when, data: { id } }
  if (await isFirst(services, record)) return undefined
  const type = 'asset.updated'
  return { id: messageId(record, type, record.stamp), type, ...when, data: assetData(id, record.body as AssetBody) }
}

const messageId = ({ key: { tenant, id } }: StoredRecord, type: string, of: string): string =>
  `msg_${derivedId('webhook', tenant, id, type, of)}`

/** An asset that is created has no news yet; one that is restored looks created but for its past. */
async function isFirst(services: Services, record: StoredRecord): Promise<boolean> {
  if (stampMs(record.stamp) > record.createdMs || Object.keys(record.vector).length > 1) return false
  const { items } = await recordVersions(services, record.key, { limit: 2 })
  return items.every(({ stamp }) => stamp >= record.stamp)
}

function mediaData(id: string, { status, mediaType, kind, bytes, sha256, renditions, error }: MediaBody): JsonObject {
  return {
    id,
    status,
    ...(mediaType === undefined ? {} : { mediaType }),
    ...(kind === undefined ? {} : { kind }),
    ...(bytes === undefined ? {} : { bytes }),
    ...(sha256 === undefined ? {} : { sha256 }),
    ...(status === 'ready' ? { renditions: renditions.length } : {}),
    ...(error === undefined ? {} : { error }),
  }
}

const assetData = (id: string, { name, labels }: AssetBody): JsonObject => ({ id, name, labels })
