import type { Vector } from '../replication/vector.ts'
import type { JsonObject } from './json.ts'
import type { Origin } from './site.ts'
import type { Stamp } from './stamp.ts'

/**
 * Names one record. `tenant` and `collection` are short names, `id` is up to 256 bytes of printable text.
 * Collections whose name begins with `_` belong to the system: clients cannot write them through the records API.
 */
export interface RecordKey {
  readonly tenant: string
  readonly collection: string
  readonly id: string
}

/** An idempotency key that this record has already honoured: `{ key: hash, print: request fingerprint, stamp }`. */
export interface AppliedKey {
  readonly key: string
  readonly print: string
  readonly stamp: Stamp
}

/**
 * What a record that merges by field knows of its fields; it follows from the writes in the state's past alone. A place is a
 * JSON Pointer (RFC 6901); '' is the body as a whole.
 */
export interface FieldFacts {
  /** Of each origin, the newest write that a write of the other site has seen: nothing concurrent to it can turn up any more. */
  readonly seen: Vector
  /** Which write last changed a place, for writes newer than `seen`. */
  readonly edits: Readonly<Record<string, Stamp>>
  /** The body under a tombstone, for an edit at the other site that is later than the delete. */
  readonly buried?: JsonObject
}

export type Overruled = Readonly<Partial<Record<Origin, string>>>

/**
 * One state of a record: what travels between the sites.
 * `stamp` is always the newest of `vector`; `body` is null exactly when `deleted` (a tombstone).
 */
export interface RecordState {
  readonly key: RecordKey
  readonly vector: Vector
  readonly stamp: Stamp
  readonly deleted: boolean
  readonly body: JsonObject | null
  readonly createdMs: number
  readonly applied?: readonly AppliedKey[]
  /**
   * Of the writes in `vector`, those that the write that this state is had not seen: they met in a merge, and those lost. By
   * origin, a print of what each wrote; whoever still holds it must keep it before this state takes its place.
   */
  readonly overruled?: Overruled
  /** Present once a write was made under the policy `merge-fields`; without it the record merges as a whole. */
  readonly fields?: FieldFacts
}

/** How a state came to be at this site; a state copied unchanged from the peer is not offered back. */
export type Via = 'client' | 'peer' | 'merge'

/** How a content came to a site, and when by that site's clock. */
export interface ContentFacts {
  readonly via: Via
  readonly sinceMs: number
}

/** A state as one site keeps it. The extra members never leave the site. */
export interface StoredRecord extends RecordState {
  readonly via: Via
  /** When this state arrived here, on this site's clock: the order of the site's change list. */
  readonly arrivalMs: number
  /** Of the content, where this state only repeats what stood here before: that makes it nobody else's, and no younger. */
  readonly content?: ContentFacts
  /** The store's own version of the item, for compare-and-swap. */
  readonly token: string
}

export const recordShardCount = 16
export const bucketCount = 2 ** 14

/** A slash cannot occur in a tenant or a collection, so the text is unambiguous. */
export const keyText = ({ tenant, collection, id }: RecordKey): string => `${tenant}/${collection}/${id}`
