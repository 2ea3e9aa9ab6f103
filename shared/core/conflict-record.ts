import { derivedId } from '../domain/hash.ts'
import { canonicalJson, type Json, type JsonObject } from '../domain/json.ts'
import { keyText, type RecordKey, type RecordState } from '../domain/record.ts'
import { stampMs, stampSite, type Stamp } from '../domain/stamp.ts'
import type { Loser } from '../replication/lost-fields.ts'

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
    vector: { [stampSite(stamp)]: stamp },
    stamp,
    deleted: false,
    body: { collection: key.collection, recordId: key.id, stamp, ...lost },
    createdMs: stampMs(stamp),
  }
}
