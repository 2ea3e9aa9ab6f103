import { derivedId } from '../domain/hash.ts'
import { canonicalJson, type Json, type JsonObject } from '../domain/json.ts'
import { historyMs } from '../domain/limits.ts'
import { keyText, type RecordKey, type RecordState, type StoredRecord } from '../domain/record.ts'
import { formatStamp, parseStamp, stampMs, stampOrigin, type Stamp } from '../domain/stamp.ts'
import type { Loser } from '../replication/lost-fields.ts'
import { compareVectors } from '../replication/vector.ts'
import type { Services } from './services.ts'

export const conflictsCollection = '_conflicts'

/** What the ids of all conflicts of one record begin with. */
export const conflictPrefix = (key: RecordKey): string => `${derivedId(keyText(key))}-`

/** Under which key the write of this stamp is kept if it lost; of a write that lost in part, `part` tells in what. */
export const conflictKey = (key: RecordKey, stamp: Stamp, ...part: readonly string[]): RecordKey => ({
  tenant: key.tenant,
  collection: conflictsCollection,
  id: `${conflictPrefix(key)}${derivedId(stamp, ...part)}`,
})

/**
 * The record that keeps the losing side of a conflict. Everything in it comes from the losing write alone, its vector
 * included, so that both sites make the very same record without a word between them.
 */
export function conflictRecord(loser: Loser): RecordState {
  const { key, stamp, deleted, body, createdMs } = loser
  const fields = loser.places && loser.places.map((place): JsonObject => ({ ...place }))
  const part = fields ? [canonicalJson(fields)] : []
  const lost: JsonObject = { deleted, body, createdMs, ...(fields ? { fields: fields satisfies Json } : {}) }
  return {
    key: conflictKey(key, stamp, ...part),
    vector: { [stampOrigin(stamp)]: stamp },
    stamp,
    deleted: false,
    body: { collection: key.collection, recordId: key.id, stamp, ...lost },
    createdMs: stampMs(stamp),
  }
}

/** When a site need not list a conflict any longer that nobody has settled, by its own clock. */
export const conflictEndsMs = ({ arrivalMs }: StoredRecord): number => arrivalMs + historyMs

/**
 * The tombstone that ends a conflict. Everything in it comes from the conflict itself, its stamp included, so that each site
 * makes the very same by itself and nothing has to travel. A client that settles the conflict at the same time deletes too:
 * whichever of the two comes first, nothing is lost and nothing comes back.
 */
export function endedConflict({ key, vector, stamp, createdMs }: RecordState): RecordState {
  const parts = parseStamp(stamp)
  const end = formatStamp({ ...parts, ms: parts.ms + historyMs })
  return { key, vector: { ...vector, [stampOrigin(stamp)]: end }, stamp: end, deleted: true, body: null, createdMs }
}

/** Whether `next` is no more than what this site would make of `stored` by itself; its stamp tells that the time has come. */
export const isEndOf = (stored: RecordState, next: RecordState): boolean =>
  stored.key.collection === conflictsCollection &&
  next.deleted &&
  compareVectors(endedConflict(stored).vector, next.vector) === 'equal'

/** Tells the monitor of a conflict that this site had not heard of, settled elsewhere or not. */
export function countConflict({ telemetry }: Services, { key }: RecordState): void {
  if (key.collection === conflictsCollection) telemetry.metric('conflicts', 1)
}
