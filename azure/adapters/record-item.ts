import { keyOfPartition, recordIndex } from '../../shared/domain/record-index.ts'
import type { ContentFacts, Overruled, RecordState, StoredRecord, Via } from '../../shared/domain/record.ts'
import { idOfSortable, sortableId } from '../../shared/domain/sortable-id.ts'
import type { Stamp } from '../../shared/domain/stamp.ts'
import { parseApplied, parseBody, parseFields, storedText } from '../../shared/domain/stored-text.ts'
import type { BucketEntry, LocalFacts } from '../../shared/ports/record-store.ts'
import type { Vector } from '../../shared/replication/vector.ts'

/** A document of the records container, as it is written. Read, it has Cosmos DB's own members besides. */
export interface Item {
  /** The record's id in the form that Cosmos DB takes and sorts right (see sortableId). */
  readonly id: string
  readonly pk: string
  readonly vector: Vector
  readonly stamp: string
  readonly deleted: boolean
  readonly body?: string
  readonly applied?: string
  readonly overruled?: Overruled
  readonly fields?: string
  readonly createdMs: number
  readonly via: string
  readonly arrivalMs: number
  readonly content?: ContentFacts
  readonly bucketPage: string
  readonly bucketKey: string
  readonly feedKey: string
  readonly arrivalKey: string
  readonly _etag?: string
}

/**
 * A state as a document. Its `_etag` is what compare-and-swap goes by; `bucketKey`, `feedKey` and `arrivalKey` are what the two
 * composite indexes are built on. Throws `too-large` and `invalid-request` as storedText does.
 */
export function toItem(state: RecordState, { via, arrivalMs, content }: LocalFacts): Item {
  const { body, applied, fields } = storedText(state)
  const { partition, ...index } = recordIndex(state.key, arrivalMs)
  return {
    id: sortableId(state.key.id),
    pk: partition,
    vector: state.vector,
    stamp: state.stamp,
    deleted: state.deleted,
    ...(body === undefined ? {} : { body }),
    ...(applied === undefined ? {} : { applied }),
    ...(state.overruled === undefined ? {} : { overruled: state.overruled }),
    ...(fields === undefined ? {} : { fields }),
    createdMs: state.createdMs,
    via,
    arrivalMs,
    ...(content === undefined ? {} : { content }),
    ...index,
  }
}

/** The state in a document of the records container, as read or as the change feed carries it. */
export const fromItem = (item: Item): StoredRecord => ({
  ...bucketEntryOf(item),
  stamp: item.stamp as Stamp,
  body: parseBody(item.body),
  createdMs: item.createdMs,
  ...parseApplied(item.applied),
  ...(item.overruled === undefined ? {} : { overruled: item.overruled }),
  ...parseFields(item.fields),
  via: item.via as Via,
  arrivalMs: item.arrivalMs,
  ...(item.content === undefined ? {} : { content: item.content }),
  token: item._etag ?? '',
})

/** The part of a state that a bucket scan reads. */
export const bucketEntryOf = ({
  pk,
  id,
  vector,
  deleted,
}: Pick<Item, 'pk' | 'id' | 'vector' | 'deleted'>): BucketEntry => ({
  key: keyOfPartition(pk, idOfSortable(id)),
  vector,
  deleted,
})
