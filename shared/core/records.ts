import { CatamaranError } from '../domain/errors.ts'
import { sha256Base64Url } from '../domain/hash.ts'
import type { JsonObject } from '../domain/json.ts'
import { fieldBodyBytesMax } from '../domain/limits.ts'
import type { AppliedKey, RecordKey, RecordState, StoredRecord } from '../domain/record.ts'
import { originOf } from '../domain/site.ts'
import type { Stamp } from '../domain/stamp.ts'
import { nextStamp, stampOrigin } from '../domain/stamp.ts'
import type { WriteCondition } from '../ports/record-store.ts'
import { backoffMs } from '../replication/backoff.ts'
import { fieldsAfterWrite } from '../replication/field-edits.ts'
import { pruneApplied, stillOverruled } from '../replication/merge.ts'
import { newestStamp, vectorText } from '../replication/vector.ts'
import { mergesByField } from './collections.ts'
import { holdAtBoth, type Held } from './durability.ts'
import { keepInHistory, recordVersion, recordVersions } from './record-history.ts'
import type { Services } from './services.ts'

export type Precondition =
  | { readonly kind: 'none' }
  /** If-None-Match: * */
  | { readonly kind: 'absent' }
  | { readonly kind: 'exists' }
  /** If-Match */
  | { readonly kind: 'match'; readonly etags: readonly string[] }
  /** Asked of something outside the record, between its read and its write: no write in between is overlooked. */
  | { readonly kind: 'holds'; readonly test: (live: StoredRecord | undefined) => boolean | Promise<boolean> }

/** Both hashed by the caller: `key` names the request across sites, `print` is a fingerprint of what it asks. */
export interface Idempotency {
  readonly key: string
  readonly print: string
}

export interface WriteOptions {
  readonly precondition: Precondition
  readonly idempotency?: Idempotency | undefined
  /** `both` asks that the peer hold the write before this call returns; the answer says whether it does. */
  readonly durability?: 'local' | 'both' | undefined
  /** For resources whose ETag covers more than this record. */
  readonly etagOf?: ((record: StoredRecord) => string | Promise<string>) | undefined
  /** Deletes even what is deleted or never was: whoever has read it before, and not written yet, has to read it again. */
  readonly fences?: boolean | undefined
}

export interface Written {
  readonly record: StoredRecord
  readonly created: boolean
  /** The same idempotency key was honoured before: nothing was written now. */
  readonly replayed: boolean
  readonly durability: 'local' | 'both'
}

/** Makes the next body from the present one; null deletes, the very same object changes nothing. */
export type Change = (body: JsonObject | undefined, record: StoredRecord | undefined) => JsonObject | null

/** A strong ETag (RFC 9110) that is the same at both sites. */
export const etagOf = (state: Pick<RecordState, 'vector'>): string =>
  `"${sha256Base64Url(vectorText(state.vector)).slice(0, 22)}"`

const writeTriesMax = 10

/**
 * Writes one record by compare-and-swap, again with fresh eyes when another writer was faster.
 * Throws `not-found`, `already-exists`, `precondition-failed` (with the current record), `idempotency-key-reused`,
 * `too-large`, and `unavailable` when too many writers press on the same record.
 */
export async function writeRecord(
  services: Services,
  key: RecordKey,
  options: WriteOptions,
  change: Change,
): Promise<Written> {
  // A write that was done before, or changes nothing, is offered too: with the present state as it is now.
  const held = async (record: StoredRecord, own: Stamp = record.stamp) => ({
    durability: await durabilityOf(services, { record, own }, options),
  })
  for (let attempt = 0; attempt < writeTriesMax; attempt++) {
    const current = await services.records.get(key)
    const replay = replayOf(current, options.idempotency)
    if (current && replay) {
      return { record: current, created: false, replayed: true, ...(await held(current, replay.stamp)) }
    }
    const live = current && !current.deleted ? current : undefined
    await checkPrecondition(live, options)
    const body = change(live?.body ?? undefined, live)
    if (live && body === live.body) return { record: live, created: false, replayed: false, ...(await held(live)) }
    if (!live && body === null && !options.fences) throw notFound()
    const byField = await mergesByField(services, key)
    const state = nextState(services, { key, current, body }, { ...options, byField })
    const record = await swap(services, current, state)
    if (record) return { record, created: !live, replayed: false, ...(await held(record, state.stamp)) }
    await services.clock.sleep(backoffMs(attempt, services.random.fraction(), { baseMs: 10, capMs: 500 }))
  }
  throw new CatamaranError('unavailable', 'Many writers are changing this record at once; try again.', {
    retryAfterMs: 1000,
  })
}

function replayOf(current: StoredRecord | undefined, idempotency: Idempotency | undefined): AppliedKey | undefined {
  const applied = idempotency && current?.applied?.find((entry) => entry.key === idempotency.key)
  if (!applied || applied.print === idempotency?.print) return applied
  throw new CatamaranError('idempotency-key-reused', 'This Idempotency-Key was used before with a different request.')
}

async function checkPrecondition(
  live: StoredRecord | undefined,
  { precondition, etagOf: etagFor }: WriteOptions,
): Promise<void> {
  switch (precondition.kind) {
    case 'none':
      return
    case 'absent':
      if (live) throw new CatamaranError('already-exists', 'It exists already.', { current: live })
      return
    case 'exists':
      if (!live) throw notFound()
      return
    case 'match': {
      if (!live) throw notFound()
      const etag = await (etagFor ?? etagOf)(live)
      if (precondition.etags.includes('*') || precondition.etags.includes(etag)) return
      throw hasChanged(live)
    }
    case 'holds':
      if (!(await precondition.test(live))) throw hasChanged(live)
  }
}

const hasChanged = (current: StoredRecord | undefined): CatamaranError =>
  new CatamaranError('precondition-failed', 'It has changed since you read it; read it again.', { current })

interface NextState {
  readonly key: RecordKey
  readonly current: StoredRecord | undefined
  readonly body: JsonObject | null
}

/** The state that a write of `body` makes of `current`, under a fresh stamp of this site. */
export function nextState(
  services: Services,
  { key, current, body }: NextState,
  { idempotency, byField = false }: Pick<WriteOptions, 'idempotency'> & { readonly byField?: boolean } = {},
): RecordState {
  const nonce = Buffer.from(services.random.bytes(4)).toString('hex')
  const origin = originOf(services.site, services.incarnation)
  const stamp = nextStamp(origin, services.clock.now(), nonce, current && newestStamp(current.vector))
  const applied = pruneApplied(
    [...(current?.applied ?? []), ...(idempotency ? [{ ...idempotency, stamp }] : [])],
    stamp,
  )
  const fields = fieldsAfterWrite(current, { stamp, body, byField })
  if (byField) assertFitsTwice(body)
  return {
    key,
    vector: { ...current?.vector, [origin]: stamp },
    stamp,
    deleted: body === null,
    body,
    createdMs: current && !current.deleted ? current.createdMs : services.clock.now(),
    ...(applied.length > 0 ? { applied } : {}),
    ...(current ? stillOverruled(current, origin) : {}),
    ...(fields ? { fields } : {}),
  }
}

/** What both sites wrote must fit into one record. */
function assertFitsTwice(body: JsonObject | null): void {
  const bytes = body === null ? 0 : Buffer.byteLength(JSON.stringify(body))
  if (bytes <= fieldBodyBytesMax) return
  throw new CatamaranError(
    'too-large',
    `A record that merges by field may hold at most ${fieldBodyBytesMax} bytes of JSON; this one has ${bytes}.`,
  )
}

/** Undefined when another writer came first. A lost answer is looked up: the stamp names our write and no other. */
async function swap(
  services: Services,
  current: StoredRecord | undefined,
  state: RecordState,
): Promise<StoredRecord | undefined> {
  if (current) await keepInHistory(services, current)
  const condition: WriteCondition = current ? { kind: 'unchanged', token: current.token } : { kind: 'absent' }
  const facts = { via: 'client', arrivalMs: services.clock.now() } as const
  try {
    const outcome = await services.records.put(state, condition, facts)
    if (outcome.kind === 'stored') return { ...state, ...facts, token: outcome.token }
    return await ownWrite(services, state)
  } catch (error) {
    const own = await ownWrite(services, state).catch(() => undefined)
    if (own) return own
    throw error
  }
}

async function ownWrite(services: Services, state: RecordState): Promise<StoredRecord | undefined> {
  const stored = await services.records.get(state.key)
  return stored?.vector[stampOrigin(state.stamp)] === state.stamp ? stored : undefined
}

async function durabilityOf(services: Services, write: Held, options: WriteOptions): Promise<'local' | 'both'> {
  if (options.durability !== 'both') return 'local'
  return (await holdAtBoth(services, write)) ? 'both' : 'local'
}

const notFound = (): CatamaranError => new CatamaranError('not-found', 'There is no such resource.')

/** Brings an older state back as a new write; without a stamp, the last state that was not deleted. */
export async function restoreRecord(
  services: Services,
  key: RecordKey,
  stamp: Stamp | undefined,
  options: WriteOptions,
): Promise<Written> {
  const state = stamp ? await recordVersion(services, key, stamp) : await lastLiveVersion(services, key)
  if (!state?.body) throw new CatamaranError('not-found', 'There is no such version to restore.')
  const { body } = state
  return writeRecord(services, key, options, () => body)
}

/** The last state that was not deleted, if it is still kept. */
export async function lastLiveVersion(services: Services, key: RecordKey): Promise<RecordState | undefined> {
  let after: string | undefined
  do {
    const page = await recordVersions(services, key, { after, limit: 50 })
    const live = page.items.find((state) => !state.deleted)
    if (live) return live
    after = page.next
  } while (after)
  return undefined
}
