import { createHash, timingSafeEqual } from 'node:crypto'
import { crc32 } from 'node:zlib'
import { CatamaranError } from '../domain/errors.ts'
import { base32 } from '../domain/hash.ts'
import type { Json, JsonObject } from '../domain/json.ts'
import type { RecordKey } from '../domain/record.ts'
import type { Page, PageRequest } from '../ports/page.ts'
import { listRecords, readRecord, readRecords } from './record-reads.ts'
import { writeRecord, type Idempotency } from './records.ts'
import type { Services } from './services.ts'

/** Whom a request speaks for. */
export interface Caller {
  readonly tenant: string
  readonly keyId: string
  readonly scopes: readonly string[]
  /** Somebody who signed in, and no machine: when that was, with a second factor, in milliseconds since 1970. */
  readonly person?: { readonly strongAtMs: number }
}

/** An API key as it may be shown: never its secret. */
export interface KeyView {
  readonly id: string
  readonly name: string
  readonly scopes: readonly string[]
  readonly createdAt: string
  readonly expiresAt?: string
  readonly revokedAt?: string
}

export interface MintRequest {
  readonly tenant: string
  readonly name: string
  readonly scopes: readonly string[]
  /** RFC 3339. */
  readonly expiresAt?: string | undefined
  /** Twelve characters of base 32; random when absent. */
  readonly id?: string | undefined
  readonly idempotency?: Idempotency | undefined
}

/** A key answers from memory for this long, so a revocation takes effect within it plus the time to replicate. */
const keyCacheMs = 30_000
const keyCacheEntriesMax = 1000
const keyIdChars = 12
const secretBytes = 20
const keyPattern = /^(cat_([0-9a-hjkmnp-tv-z]{12})_([0-9a-hjkmnp-tv-z]{32}))_([0-9a-f]{8})$/

const systemKey = (id: string): RecordKey => ({ tenant: '_system', collection: '_keys', id })
/** Which keys a tenant has; what they are worth is in the system's record, found by key id alone. */
const listingKey = (tenant: string, id: string): RecordKey => ({ tenant, collection: '_keys', id })

const checksum = (text: string): string => crc32(text).toString(16).padStart(8, '0')
const digest = (text: string): Buffer => createHash('sha256').update(text).digest()

/**
 * Makes a key `cat_<id>_<secret>_<crc32>` and returns its text, this once: only the SHA-256 of the secret is stored.
 * A repeated idempotency key returns the view without `text`, since the secret is no longer known.
 */
export async function mintKey(
  services: Services,
  request: MintRequest,
): Promise<{ readonly text?: string; readonly view: KeyView }> {
  const id = request.id ?? base32(services.random.bytes(8)).slice(0, keyIdChars)
  const secret = base32(services.random.bytes(secretBytes))
  const unsigned = `cat_${id}_${secret}`
  const body: JsonObject = {
    tenant: request.tenant,
    hash: digest(secret).toString('hex'),
    name: request.name,
    scopes: [...request.scopes],
    createdAt: new Date(services.clock.now()).toISOString(),
    ...(request.expiresAt ? { expiresAt: request.expiresAt } : {}),
  }
  // The listing goes first: a listing without a key is skipped when listed, a key without a listing could not be found.
  await writeRecord(
    services,
    listingKey(request.tenant, id),
    { precondition: { kind: 'none' } },
    (now) => now ?? { id },
  )
  const options = { precondition: { kind: 'absent' }, idempotency: request.idempotency } as const
  const written = await writeRecord(services, systemKey(id), options, () => body)
  const view = viewOf(id, written.record.body ?? body)
  return written.replayed ? { view } : { text: `${unsigned}_${checksum(unsigned)}`, view }
}

interface CachedKey {
  readonly hash: Buffer
  readonly caller: Caller
  readonly expiresMs: number
  readonly readMs: number
}

const caches = new WeakMap<Services, Map<string, CachedKey>>()

/** The caller that a key speaks for, or undefined when it is malformed, unknown, expired or revoked. Throws `unavailable`. */
export async function authenticateKey(services: Services, text: string): Promise<Caller | undefined> {
  const [, unsigned, id, secret, sum] = keyPattern.exec(text) ?? []
  // A mistyped key is found out here, without a look-up.
  if (!unsigned || !id || !secret || checksum(unsigned) !== sum) return undefined
  const key = await cachedKey(services, id)
  if (!key || !timingSafeEqual(digest(secret), key.hash)) return undefined
  return services.clock.now() < key.expiresMs ? key.caller : undefined
}

async function cachedKey(services: Services, id: string): Promise<CachedKey | undefined> {
  const cache = caches.get(services) ?? new Map<string, CachedKey>()
  caches.set(services, cache)
  const nowMs = services.clock.now()
  const cached = cache.get(id)
  if (cached && nowMs >= cached.readMs && nowMs - cached.readMs < keyCacheMs) return cached
  cache.delete(id)
  const body = (await readRecord(services, systemKey(id)))?.body
  if (!body || body['revokedAt']) return undefined
  const expiresMs = typeof body['expiresAt'] === 'string' ? Date.parse(body['expiresAt']) : Infinity
  const caller = { tenant: textOf(body['tenant']), keyId: id, scopes: textsOf(body['scopes']) }
  const key = { hash: Buffer.from(textOf(body['hash']), 'hex'), caller, expiresMs, readMs: nowMs }
  if (key.hash.length !== 32 || !caller.tenant) return undefined
  if (cache.size >= keyCacheEntriesMax) cache.delete(cache.keys().next().value ?? '')
  cache.set(id, key)
  return key
}

/** The tenant's keys, revoked ones included, in order of id. */
export async function listKeys(services: Services, tenant: string, page: PageRequest): Promise<Page<KeyView>> {
  const limit = Math.min(page.limit, 100)
  const listings = await listRecords(services, { tenant, collection: '_keys' }, { ...page, limit })
  const records = await readRecords(
    services,
    listings.items.map((listing) => systemKey(listing.key.id)),
  )
  const items = records.flatMap((record) => (record?.body ? [viewOf(record.key.id, record.body)] : []))
  return listings.next === undefined ? { items } : { items, next: listings.next }
}

/** Ends a key for good, at both sites. Doing it twice is harmless. Throws `not-found`, also for another tenant's key. */
export async function revokeKey(
  services: Services,
  tenant: string,
  id: string,
  idempotency?: Idempotency,
): Promise<{ readonly replayed: boolean }> {
  // Not the precondition `exists`: a key of another tenant must be answered in the very words of one that is not there.
  const options = { precondition: { kind: 'none' }, idempotency } as const
  const written = await writeRecord(services, systemKey(id), options, (body) => {
    if (!body || body['tenant'] !== tenant) throw new CatamaranError('not-found', 'There is no such key.')
    return body['revokedAt'] ? body : { ...body, revokedAt: new Date(services.clock.now()).toISOString() }
  })
  caches.get(services)?.delete(id)
  return { replayed: written.replayed }
}

function viewOf(id: string, body: JsonObject): KeyView {
  return {
    id,
    name: textOf(body['name']),
    scopes: textsOf(body['scopes']),
    createdAt: textOf(body['createdAt']),
    ...(body['expiresAt'] ? { expiresAt: textOf(body['expiresAt']) } : {}),
    ...(body['revokedAt'] ? { revokedAt: textOf(body['revokedAt']) } : {}),
  }
}

const textOf = (value: Json | undefined): string => (typeof value === 'string' ? value : '')
const textsOf = (value: Json | undefined): string[] => (Array.isArray(value) ? value.map(textOf) : [])
