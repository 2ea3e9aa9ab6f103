import { derivedId } from '../domain/hash.ts'
import { keyText, type RecordKey, type RecordState } from '../domain/record.ts'
import { stampMs, stampSite, type Stamp } from '../domain/stamp.ts'

export const conflictsCollection = '_conflicts'

/** Under which key the write of this stamp is kept if it lost. */
export const conflictKey = (key: RecordKey, stamp: Stamp): RecordKey => ({
  tenant: key.tenant,
  collection: conflictsCollection,
  id: derivedId(keyText(key), stamp),
})

/**
 * The record that keeps the losing side of a conflict. Everything in it comes from the losing write alone, its vector
 * included, so that both sites make the very same record without a word between them.
 */
export function conflictRecord(loser: RecordState): RecordState {
  const { key, stamp, deleted, body, createdMs } = loser
  return {
    key: conflictKey(key, stamp),
    vector: { [stampSite(stamp)]: stamp },
    stamp,
    deleted: false,
    body: { collection: key.collection, recordId: key.id, stamp, deleted, body, createdMs },
    createdMs: stampMs(stamp),
  }
}
