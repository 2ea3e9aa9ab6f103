import { CatamaranError } from '../domain/errors.ts'
import { recordShardCount, type RecordKey, type RecordState, type StoredRecord } from '../domain/record.ts'
import { originOf } from '../domain/site.ts'
import { stampMs } from '../domain/stamp.ts'
import type { Page, PageRequest } from '../ports/page.ts'
import type { Partition } from '../ports/record-store.ts'
import { entriesOf, type Vector } from '../replication/vector.ts'
import { applyStates } from './apply.ts'
import { replicatedUntilMs } from './replication-marks.ts'
import type { Services } from './services.ts'

export interface ReadOptions {
  /** The newest stamps the reader has seen anywhere; it never reads backwards from them. */
  readonly session?: Vector | undefined
}

const live = (record: StoredRecord | undefined): StoredRecord | undefined => (record?.deleted ? undefined : record)

/** The record, or undefined when it is absent or deleted. Throws `peer-unavailable` when only the peer may know. */
export async function readRecord(
  services: Services,
  key: RecordKey,
  { session }: ReadOptions = {},
): Promise<StoredRecord | undefined> {
  const record = await services.records.get(key)
  if (!(await mayBeBehind(services, record, session))) return live(record)
  await hearPeer(services, [key])
  return live(await services.records.get(key))
}

/** Takes in what the peer knows of a few records. Throws `peer-unavailable`, and `unavailable` when that failed. */
export const hearPeer = async (services: Services, keys: readonly RecordKey[]): Promise<void> =>
  takeIn(services, await services.peer.read(keys))

/** Applies what the peer holds. Throws when that could not be done now: an older state must not be shown in its stead. */
async function takeIn(services: Services, states: readonly (RecordState | undefined)[]): Promise<void> {
  const outcomes = await applyStates(
    services,
    states.filter((state) => state !== undefined),
  )
  if (outcomes.every(({ kind }) => kind === 'applied' || kind === 'known' || kind === 'merged')) return
  throw new CatamaranError('unavailable', 'What your session has seen at the other site cannot be shown here yet.', {
    retryAfterMs: 2000,
  })
}

/** Live records in the order of `keys`, up to 100. */
export async function readRecords(
  services: Services,
  keys: readonly RecordKey[],
  { session }: ReadOptions = {},
): Promise<(StoredRecord | undefined)[]> {
  const records = await services.records.getMany(keys)
  const behind = await Promise.all(records.map((record) => mayBeBehind(services, record, session)))
  if (!behind.includes(true)) return records.map(live)
  await takeIn(services, await services.peer.read(keys.filter((_, index) => behind[index])))
  return (await services.records.getMany(keys)).map(live)
}

/**
 * Fetches from the peer the stretch of a list that this site may be behind on. Returns the last id up to which both sites
 * have been looked at; undefined when that is all. Throws `peer-unavailable` when only the peer may know.
 */
async function readListThrough(
  services: Services,
  collection: CollectionKey,
  page: PageRequest,
  session: Vector | undefined,
): Promise<string | undefined> {
  if (!(await mayBeBehind(services, undefined, session))) return undefined
  const { items, next } = await services.peer.list(collection, page)
  await takeIn(services, items)
  return next
}

/** Whether the session has seen a write of the peer, or one from before this site went back to a backup, that this site may not hold yet. */
async function mayBeBehind(
  services: Services,
  record: StoredRecord | undefined,
  session: Vector | undefined,
): Promise<boolean> {
  const { [originOf(services.site, services.incarnation)]: _, ...others }: Vector = session ?? {}
  const missed = entriesOf(others).filter(([origin, stamp]) => (record?.vector[origin] ?? '') < stamp)
  if (missed.length === 0) return false
  const untilMs = await replicatedUntilMs(services)
  return missed.some(([, stamp]) => stampMs(stamp) >= untilMs)
}

export type CollectionKey = Pick<RecordKey, 'tenant' | 'collection'>

export interface ListOptions {
  readonly includeDeleted?: boolean | undefined
  readonly session?: Vector | undefined
}

/**
 * One page of a collection in ascending order of id, merged from its shards. `next` is the last id.
 * Each shard is asked for a fraction of the page first, and for more only when it runs out.
 */
export async function listRecords(
  services: Services,
  collection: CollectionKey,
  { after, limit }: PageRequest,
  options: ListOptions = {},
): Promise<Page<StoredRecord>> {
  const until = await readListThrough(services, collection, { after, limit }, options.session)
  const shards = await Promise.all(
    Array.from({ length: recordShardCount }, (_, shard) => openShard(services, { ...collection, shard }, after, limit)),
  )
  const items: StoredRecord[] = []
  while (items.length < limit) {
    const first = firstShard(shards)
    if (!first) return { items }
    const record = first.buffer.shift()
    if (until !== undefined && record && compareUtf8(record.key.id, until) > 0) return { items, next: until }
    if (record && (options.includeDeleted || !record.deleted)) items.push(record)
    if (first.buffer.length === 0) await refill(services, first)
  }
  const last = items.at(-1)
  return last && firstShard(shards) ? { items, next: last.key.id } : { items }
}

interface ShardReader {
  readonly partition: Partition
  buffer: StoredRecord[]
  next: string | undefined
  readonly pageSize: number
}

async function openShard(
  services: Services,
  partition: Partition,
  after: string | undefined,
  limit: number,
): Promise<ShardReader> {
  const pageSize = Math.min(limit + 1, Math.ceil((2 * limit) / recordShardCount) + 4)
  const reader: ShardReader = { partition, buffer: [], next: after, pageSize }
  const page = await services.records.query(partition, { after, limit: pageSize })
  reader.buffer = [...page.items]
  reader.next = page.next
  if (reader.buffer.length === 0) await refill(services, reader)
  return reader
}

async function refill(services: Services, reader: ShardReader): Promise<void> {
  while (reader.buffer.length === 0 && reader.next !== undefined) {
    const page = await services.records.query(reader.partition, { after: reader.next, limit: reader.pageSize })
    reader.buffer = [...page.items]
    reader.next = page.next
  }
}

/** The shard whose next record has the smallest id, by UTF-8 bytes as the stores order them. */
function firstShard(shards: readonly ShardReader[]): ShardReader | undefined {
  let first: ShardReader | undefined
  for (const shard of shards) {
    const [candidate, best] = [shard.buffer[0], first?.buffer[0]]
    if (candidate && (!best || compareUtf8(candidate.key.id, best.key.id) < 0)) first = shard
  }
  return first
}

const compareUtf8 = (a: string, b: string): number => Buffer.compare(Buffer.from(a), Buffer.from(b))
