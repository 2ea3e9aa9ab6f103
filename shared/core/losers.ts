import { recordShardCount, type RecordKey, type RecordState, type StoredRecord } from '../domain/record.ts'
import { siteOf, type Site } from '../domain/site.ts'
import { stampSite } from '../domain/stamp.ts'
import type { Page } from '../ports/page.ts'
import { hasSeen } from '../replication/field-edits.ts'
import { lossesIn } from '../replication/merge.ts'
import { conflictKey, conflictPrefix, conflictsCollection } from './conflict-record.ts'
import { stateOf } from './record-history.ts'
import type { Services } from './services.ts'

const readKeysMax = 100

/**
 * The conflict records of this site's own writes that lost, for the states that overruled them. A feed that coalesces changes
 * shows the merged state alone, and the peer would hear of the loser from reconciliation only: so it rides in the same
 * message.
 */
export async function losersOf(services: Services, changes: readonly StoredRecord[]): Promise<RecordState[]> {
  const keys = changes.flatMap((change) => {
    if (change.via !== 'merge') return []
    // What two lives of one site wrote has met here alone, whichever site this is.
    const known = [services.site, stampSite(change.stamp)]
    const lost = lossesIn(change).flatMap((origin) => (known.includes(siteOf(origin)) ? change.vector[origin] : []))
    return lost.flatMap((stamp) => (stamp ? [conflictKey(change.key, stamp)] : []))
  })
  const losers: RecordState[] = []
  for (let start = 0; start < keys.length; start += readKeysMax) {
    const kept = await services.records.getMany(keys.slice(start, start + readKeysMax))
    losers.push(...kept.filter((record) => record !== undefined).map(stateOf))
  }
  for (const change of changes) {
    if (change.via === 'merge' && change.fields) losers.push(...(await lostPartsOf(services, change, services.site)))
  }
  return losers
}

/** What lost of the writes of `site` that the other site is not known to have seen, of a record that merges by field. */
export async function lostPartsOf(
  services: Services,
  { key, fields }: RecordState,
  site: Site,
): Promise<RecordState[]> {
  const kept = await conflictsAbout(services, key)
  return kept
    .filter(({ stamp, deleted }) => !deleted && stampSite(stamp) === site && !hasSeen(fields?.seen ?? {}, stamp))
    .map(stateOf)
}

/** Every conflict of one record, in whatever shard it lies. */
async function conflictsAbout(services: Services, key: RecordKey): Promise<readonly StoredRecord[]> {
  const prefix = conflictPrefix(key)
  const inShard = async (shard: number): Promise<StoredRecord[]> => {
    const found: StoredRecord[] = []
    let after: string | undefined = prefix
    while (after?.startsWith(prefix)) {
      const partition = { tenant: key.tenant, collection: conflictsCollection, shard }
      const page: Page<StoredRecord> = await services.records.query(partition, { after, limit: readKeysMax })
      found.push(...page.items.filter(({ key: { id } }) => id.startsWith(prefix)))
      after = page.next
    }
    return found
  }
  const shards = await Promise.all(Array.from({ length: recordShardCount }, (_, shard) => inShard(shard)))
  return shards.flat()
}
