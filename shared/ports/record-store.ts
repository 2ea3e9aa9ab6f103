import type { CatamaranError } from '../domain/errors.ts'
import type { ContentFacts, RecordKey, RecordState, StoredRecord, Via } from '../domain/record.ts'
import type { Vector } from '../replication/vector.ts'
import type { Page, PageRequest } from './page.ts'

/** What must hold for a write to happen. `token` is the one that a read of this store returned. */
export type WriteCondition = { readonly kind: 'absent' } | { readonly kind: 'unchanged'; readonly token: string }

export interface LocalFacts {
  readonly via: Via
  readonly arrivalMs: number
  readonly content?: ContentFacts
}

export type PutOutcome =
  | { readonly kind: 'stored'; readonly token: string }
  /** The condition did not hold; nothing was written. */
  | { readonly kind: 'changed' }

export interface RecordWrite {
  readonly state: RecordState
  readonly condition: WriteCondition
  readonly facts: LocalFacts
}

export type PutManyOutcome =
  | PutOutcome
  /** This one can't be stored, whatever the condition: `too-large` or `invalid-request`. */
  | { readonly kind: 'refused'; readonly error: CatamaranError }

export interface Partition {
  readonly tenant: string
  readonly collection: string
  /** 0 to recordShardCount - 1 */
  readonly shard: number
}

export interface BucketEntry {
  readonly key: RecordKey
  readonly vector: Vector
  readonly deleted: boolean
}

/**
 * Where a site keeps its replicated records, tombstones included.
 * The cost of every call follows what it returns, not how much is stored.
 * Throws `too-large` over the store's item limit, `throttled`, `unavailable`.
 */
export interface RecordStore {
  /** Strongly consistent at this site. Tombstones are returned like any other state. */
  get(key: RecordKey): Promise<StoredRecord | undefined>
  /** In the order of `keys`; reads may be batched, each is strongly consistent. Up to 100 keys. */
  getMany(keys: readonly RecordKey[]): Promise<(StoredRecord | undefined)[]>
  /** Compare-and-swap of a whole state. Safe to send again: the second try answers `changed`. */
  put(state: RecordState, condition: WriteCondition, facts: LocalFacts): Promise<PutOutcome>
  /**
   * Up to 100 compare-and-swaps of different records in few round trips; outcomes in the order of `writes`, each write by
   * itself. Throws when the store fails as a whole: some writes may then have happened.
   */
  putMany(writes: readonly RecordWrite[]): Promise<PutManyOutcome[]>
  /** The states of one partition in ascending order of id (by UTF-8 bytes), tombstones included. `after` is an id. */
  query(partition: Partition, page: PageRequest): Promise<Page<StoredRecord>>
  /**
   * Everything in the reconcile buckets (see bucketOf) from `first` to `last`, in order of bucket. Both lie in one page of
   * the digest tree: first / 128 and last / 128 have the same whole part. `after` is the cursor the last page gave. May lag
   * by seconds.
   */
  scanBuckets(buckets: { readonly first: number; readonly last: number }, page: PageRequest): Promise<Page<BucketEntry>>
  /**
   * The latest states of a tenant's records in order of arrival at this site, from `page.after` (exclusive), a cursor
   * this call returned or that arrivalCursor(ms) made. May lag by seconds.
   */
  arrivals(tenant: string, shard: number, page: PageRequest): Promise<Page<StoredRecord>>
}

/** A cursor for `arrivals` that stands just before everything that arrived at or after `ms`. */
export const arrivalCursor = (ms: number): string => String(ms).padStart(15, '0')

/** An arrival index is spread over this many shards of a tenant, chosen by shardOf(key) modulo it. */
export const arrivalShardCount = 4
