import { base32 } from '../domain/hash.ts'
import type { RecordKey, StoredRecord } from '../domain/record.ts'
import { CatamaranError } from '../domain/errors.ts'
import { listRecords, readRecord } from './record-reads.ts'
import { writeRecord } from './records.ts'
import type { Services } from './services.ts'

const collection = '_image-keys'
/** The key that a tenant has without having asked for one. It is the same at both sites. */
const firstId = 'first'
const keyIdChars = 10
/** More than one at a time serves to change them; the revoked ones stay listed. */
const keysMax = 50
/** A revocation takes effect within this plus the time to replicate. */
const cacheMs = 30_000
const cacheEntriesMax = 1_000

/** A key that image URLs are signed with: only its name is stored. */
export interface ImageKeyView {
  readonly id: string
  readonly createdAt: string
  readonly revokedAt?: string
}

const keyOf = (tenant: string, id: string): RecordKey => ({ tenant, collection, id })
const none = { precondition: { kind: 'none' } } as const

/** The tenant's keys, revoked ones included, in order of id. */
export async function listImageKeys(services: Services, tenant: string): Promise<readonly ImageKeyView[]> {
  const { items } = await listRecords(services, { tenant, collection }, { limit: keysMax })
  return items.map(viewOf)
}

/** The newest key that is not revoked: what is signed from now on. Makes the first one when there is none. */
export async function currentImageKey(services: Services, tenant: string): Promise<string> {
  const { items } = await listRecords(services, { tenant, collection }, { limit: keysMax })
  const live = items.filter(({ body }) => !body?.['revokedAt'])
  const newest = live.toSorted((a, b) => b.createdMs - a.createdMs)[0]
  if (newest) return newest.key.id
  if (items.length > 0) return (await addImageKey(services, tenant)).id
  await writeRecord(services, keyOf(tenant, firstId), none, (body) => body ?? {})
  return firstId
}

/** Another key, which signs from now on; what the others signed stays good. Throws `conflict` when there are too many. */
export async function addImageKey(services: Services, tenant: string): Promise<ImageKeyView> {
  const known = await listImageKeys(services, tenant)
  if (known.length >= keysMax) throw new CatamaranError('conflict', `A tenant has at most ${keysMax} keys for images.`)
  const id = base32(services.random.bytes(8)).slice(0, keyIdChars)
  const { record } = await writeRecord(services, keyOf(tenant, id), none, (body) => body ?? {})
  return viewOf(record)
}

/** Ends a key, and with it every URL that it signed, at both sites. Safe to repeat. Throws `not-found`. */
export async function revokeImageKey(services: Services, tenant: string, id: string): Promise<void> {
  await writeRecord(services, keyOf(tenant, id), none, (body) => {
    if (!body) throw new CatamaranError('not-found', 'There is no such key for images.')
    return body['revokedAt'] ? body : { revokedAt: new Date(services.clock.now()).toISOString() }
  })
  caches.get(services)?.delete(`${tenant}/${id}`)
}

const viewOf = ({ key, createdMs, body }: StoredRecord): ImageKeyView => {
  const revokedAt = body?.['revokedAt']
  return {
    id: key.id,
    createdAt: new Date(createdMs).toISOString(),
    ...(typeof revokedAt === 'string' ? { revokedAt } : {}),
  }
}

const caches = new WeakMap<Services, Map<string, { readonly isRevoked: boolean; readonly readMs: number }>>()

/**
 * Whether a key was revoked. One that is not known here may be on its way from the other site: nobody but the two sites can
 * make a genuine signature of it.
 */
export async function isRevokedImageKey(services: Services, tenant: string, id: string): Promise<boolean> {
  const cache = caches.get(services) ?? new Map<string, { isRevoked: boolean; readMs: number }>()
  caches.set(services, cache)
  const name = `${tenant}/${id}`
  const nowMs = services.clock.now()
  const cached = cache.get(name)
  if (cached && nowMs >= cached.readMs && nowMs - cached.readMs < cacheMs) return cached.isRevoked
  const record = await readRecord(services, keyOf(tenant, id))
  const isRevoked = record?.body?.['revokedAt'] !== undefined
  if (cache.size >= cacheEntriesMax) cache.delete(cache.keys().next().value ?? '')
  cache.set(name, { isRevoked, readMs: nowMs })
  return isRevoked
}
