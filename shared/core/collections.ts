import { CatamaranError } from '../domain/errors.ts'
import { isJsonObject, type JsonObject } from '../domain/json.ts'
import type { RecordKey, StoredRecord } from '../domain/record.ts'
import { mergeFieldsFeature } from '../ports/peer.ts'
import type { Services } from './services.ts'

const collectionsCollection = '_collections'

/** What becomes of two writes of which neither had seen the other: the later one stands, or each field's later edit. */
export const conflictPolicies = ['last-writer', 'merge-fields'] as const
export type ConflictPolicy = (typeof conflictPolicies)[number]

/** A collection's settings are a record of its tenant, so they replicate like any other. */
export const collectionKey = (tenant: string, collection: string): RecordKey => ({
  tenant,
  collection: collectionsCollection,
  id: collection,
})

/** The JSON Schema that the rows of data files are held to, where the settings name one. */
export function rowSchemaIn(body: JsonObject | null | undefined): JsonObject | undefined {
  const schema = body?.['rowSchema']
  return schema !== undefined && isJsonObject(schema) ? schema : undefined
}

export const policyOf = (body: JsonObject | null | undefined): ConflictPolicy =>
  conflictPolicies.find((policy) => policy === body?.['conflicts']) ?? 'last-writer'

/** Settings are remembered for this long, so a change takes effect within it plus the time to replicate. */
const settingsCacheMs = 30_000
const settingsCacheMax = 1_000

interface Cached {
  readonly byField: boolean
  readonly readMs: number
}

const caches = new WeakMap<Services, Map<string, Cached>>()

/** Whether writes of this record are to be merged by field. The system's own records, and assets, never are. */
export async function mergesByField(services: Services, { tenant, collection }: RecordKey): Promise<boolean> {
  if (collection.startsWith('_') || collection === 'assets') return false
  const cache = caches.get(services) ?? new Map<string, Cached>()
  caches.set(services, cache)
  const nowMs = services.clock.now()
  const name = `${tenant}/${collection}`
  const cached = cache.get(name)
  if (cached && nowMs >= cached.readMs && nowMs - cached.readMs < settingsCacheMs) return cached.byField
  const record: StoredRecord | undefined = await services.records.get(collectionKey(tenant, collection))
  const byField = policyOf(record?.body) === 'merge-fields'
  if (cache.size >= settingsCacheMax) cache.delete(cache.keys().next().value ?? '')
  cache.set(name, { byField, readMs: nowMs })
  return byField
}

/**
 * A site of an older version would take a record that merges by field for one that does not, and come to another result.
 * Throws `peer-unavailable` when the peer cannot be asked, and `conflict` when it does not know how.
 */
export async function assertPeerMergesFields(services: Services): Promise<void> {
  const { features = [] } = await services.peer.status()
  if (features.includes(mergeFieldsFeature)) return
  throw new CatamaranError('conflict', 'The other site runs a version that cannot merge by field yet; update it first.')
}
