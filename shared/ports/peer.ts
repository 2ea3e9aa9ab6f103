import type { JsonObject } from '../domain/json.ts'
import type { RecordKey, RecordState } from '../domain/record.ts'
import type { Page, PageRequest } from './page.ts'
import type { Vector } from '../replication/vector.ts'

/** The two directions of replication, as one site sees them. */
export const ways = ['outgoing', 'incoming'] as const
export type Way = (typeof ways)[number]

/** What the peer did with one offered state. */
export type OfferOutcome =
  | { readonly kind: 'applied' | 'known' | 'merged' | 'quarantined' | 'frozen' }
  | { readonly kind: 'failed'; readonly code: string; readonly detail: string }

export interface ReadGrant {
  readonly key: string
  readonly url: string
  readonly bytes: number
  readonly mediaType: string
  readonly metadata: Readonly<Record<string, string>>
  readonly expiresAtMs: number
}

/** What the store should say of the bytes to whoever reads them by a grant. Printable ASCII. */
export interface GrantOptions {
  readonly mediaType?: string | undefined
  /** A Content-Disposition, up to 4,096 characters. */
  readonly disposition?: string | undefined
  /**
   * The store need not be asked about the objects first: they may be absent, and what the grants tell of them beyond key,
   * URL and expiry means nothing. A peer of an older version asks all the same.
   */
  readonly unseen?: boolean | undefined
}

/**
 * A question about the digest tree: no `path` asks for the root, [page] for a page's leaves, [page, leaf] for a bucket, and
 * further numbers, 0 to 15 each, for the part of the bucket whose keys' hashes go on with these digits.
 */
export interface SummaryRequest {
  readonly path: readonly number[]
  /** The asker's own digest there; when equal, the answer is `same`. */
  readonly digest: string
}

/** About the root, on the clock of the site that answers. */
export interface KnownUntil {
  /** The digests know of all that was stored there before this moment, even if the feed lost it. */
  readonly scrubbedSinceMs?: number
  /** And of all that was stored there before this one, unless the feed lost it. A peer of an earlier version does not tell. */
  readonly fedUntilMs?: number
}

export type SummaryAnswer =
  | ({ readonly kind: 'same' } & KnownUntil)
  /** To a question about the root: this site's digests are not up to date yet, so that comparing them would tell nothing. */
  | { readonly kind: 'busy' }
  /** The digests of what lies below, packed with the asker's salt. Only to an asker that sent one. */
  | ({ readonly kind: 'packed'; readonly digests: string } & KnownUntil)
  | ({ readonly kind: 'digests'; readonly digests: readonly string[] } & KnownUntil)
  /** Everything that lies there. */
  | { readonly kind: 'entries'; readonly entries: readonly { readonly key: RecordKey; readonly vector: Vector }[] }

/** How long states took from a write to the other site's acknowledgement, of those that arrived in a recent window. */
export interface PeerLag {
  readonly windowMs: number
  readonly count: number
  /** Null when none did. */
  readonly p50Ms: number | null
  readonly p99Ms: number | null
}

/** A bucket with the digest of what the asker's base table holds of it, just read. */
export interface BucketQuestion {
  readonly bucket: number
  readonly digest: string
}

export interface BucketsAnswer {
  /** How many of the buckets were compared, from the first on; the rest would have made the answer too long. */
  readonly read: number
  /** How many records the peer holds in them, tombstones included. */
  readonly records: number
  readonly differing: readonly {
    readonly bucket: number
    readonly entries: readonly { readonly key: RecordKey; readonly vector: Vector }[]
  }[]
}

/** An object that a media record names. */
export interface ObjectTarget {
  readonly tenant: string
  readonly asset: string
  readonly key: string
}

/** Merges records by field, as their states ask for. */
export const mergeFieldsFeature = 'merge-fields'
export const peerFeatures = [mergeFieldsFeature] as const

export interface PeerStatus {
  readonly site: string
  readonly nowMs: number
  readonly protocol: number
  /** What this version can do that an older one could not. */
  readonly features?: readonly string[]
  /** The peer's last successful offer to this site, as its own marks tell. */
  readonly lastOffer?: { readonly atMs: number; readonly lagMs: number } | null
  /** Its way out, which is this site's way in. Absent from a peer of an older version, as is `feedAgeMs`. */
  readonly lag?: PeerLag
  readonly feedAgeMs?: number
  /** The ways that an operator has stopped there. Absent from a peer of an older version. */
  readonly paused?: readonly Way[]
  /** What the peer's breaker holds back of this site's deletes; absent when it has none. */
  readonly breaker?: JsonObject | null
}

/**
 * The other site, over its peer API. No verb erases.
 * Every call throws `peer-unavailable` when the peer cannot be reached or does not answer in time, and `replication-paused`
 * when an operator has stopped there what the call is for.
 */
export interface Peer {
  /** Outcomes in the order of `states`. Up to 100 states, 1 MiB. Idempotent. */
  offer(states: readonly RecordState[]): Promise<readonly OfferOutcome[]>
  /** The peer's states for these keys, undefined where it has none. Up to 100 keys. */
  read(keys: readonly RecordKey[]): Promise<readonly (RecordState | undefined)[]>
  /** The peer's states of one collection in ascending order of id, tombstones included. */
  list(collection: Pick<RecordKey, 'tenant' | 'collection'>, page: PageRequest): Promise<Page<RecordState>>
  /** Short-lived URLs from which the objects' bytes can be read; undefined where the peer lacks the object. */
  grantRead(objectKeys: readonly string[], as?: GrantOptions): Promise<readonly (ReadGrant | undefined)[]>
  /**
   * Answers in the order of the questions, up to 128. With a salt of up to 32 characters the answers are packed; a peer of
   * an older version knows no salt and no path longer than two, and answers with whole digests and buckets.
   */
  summaries(requests: readonly SummaryRequest[], salt?: string): Promise<readonly SummaryAnswer[]>
  /**
   * Compares buckets with what the peer's base table holds of them now, whatever its digest tree says. Up to 128 buckets of
   * one page of the tree, ascending.
   */
  compareBuckets(questions: readonly BucketQuestion[]): Promise<BucketsAnswer>
  /**
   * Asks the peer to look whether it holds these objects whole, and to copy from here what it lacks or finds damaged. How
   * many of them its own records name, and so will be looked at. Up to 100.
   */
  fetchObjects(targets: readonly ObjectTarget[]): Promise<number>
  status(): Promise<PeerStatus>
}
