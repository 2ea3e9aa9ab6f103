import type { AttributeValue } from '@aws-sdk/client-dynamodb'
import { keyOfPartition, recordIndex } from '../../shared/domain/record-index.ts'
import type { RecordState, StoredRecord, Via } from '../../shared/domain/record.ts'
import type { Origin } from '../../shared/domain/site.ts'
import type { Stamp } from '../../shared/domain/stamp.ts'
import { parseApplied, parseBody, parseFields, storedText } from '../../shared/domain/stored-text.ts'
import type { BucketEntry, LocalFacts } from '../../shared/ports/record-store.ts'
import { type Vector, vectorText } from '../../shared/replication/vector.ts'

export type Item = Record<string, AttributeValue>

/**
 * A state as an item of the records table. `rev` names the state for compare-and-swap; `bucketKey`, `feedKey` and `arrivalKey`
 * are what the two indexes are built on. Throws `too-large` and `invalid-request` as storedText does.
 */
export function toItem(state: RecordState, { via, arrivalMs, content }: LocalFacts): Item {
  const text = storedText(state)
  const { partition, bucketPage, bucketKey, feedKey, arrivalKey } = recordIndex(state.key, arrivalMs)
  return {
    pk: { S: partition },
    sk: { S: state.key.id },
    rev: { S: vectorText(state.vector) },
    vector: { M: textsIn(state.vector) },
    stamp: { S: state.stamp },
    deleted: { BOOL: state.deleted },
    ...(text.body === undefined ? {} : { body: { S: text.body } }),
    ...(text.applied === undefined ? {} : { applied: { S: text.applied } }),
    ...(state.overruled === undefined ? {} : { overruled: { M: textsIn(state.overruled) } }),
    ...(text.fields === undefined ? {} : { fields: { S: text.fields } }),
    createdMs: { N: String(state.createdMs) },
    via: { S: via },
    arrivalMs: { N: String(arrivalMs) },
    ...(content === undefined
      ? {}
      : { contentVia: { S: content.via }, contentSinceMs: { N: String(content.sinceMs) } }),
    bucketPage: { S: bucketPage },
    bucketKey: { S: bucketKey },
    feedKey: { S: feedKey },
    arrivalKey: { S: arrivalKey },
  }
}

/** The state in an item of the records table, or in the image of one that a stream carries. */
export const fromItem = (item: Item): StoredRecord => ({
  ...bucketEntryOf(item),
  stamp: textOf(item.stamp) as Stamp,
  body: parseBody(item.body?.S),
  createdMs: Number(item.createdMs?.N),
  ...parseApplied(item.applied?.S),
  ...(item.overruled?.M === undefined ? {} : { overruled: textsOf(item.overruled.M) }),
  ...parseFields(item.fields?.S),
  via: textOf(item.via) as Via,
  arrivalMs: Number(item.arrivalMs?.N),
  ...(item.contentVia === undefined
    ? {}
    : { content: { via: textOf(item.contentVia) as Via, sinceMs: Number(item.contentSinceMs?.N) } }),
  token: textOf(item.rev),
})

/** The part of a state that the bucket index holds. */
export const bucketEntryOf = (item: Item): BucketEntry => ({
  key: keyOfPartition(textOf(item.pk), textOf(item.sk)),
  vector: textsOf(item.vector?.M ?? {}) as Vector,
  deleted: item.deleted?.BOOL === true,
})

const textsIn = (texts: Readonly<Partial<Record<Origin, string>>>): Item =>
  Object.fromEntries(Object.entries(texts).flatMap(([origin, text]) => (text ? [[origin, { S: text }]] : [])))

const textsOf = (texts: Item): Record<string, string> =>
  Object.fromEntries(Object.entries(texts).map(([origin, text]) => [origin, textOf(text)]))

export const textOf = (value: AttributeValue | undefined): string => value?.S ?? ''
