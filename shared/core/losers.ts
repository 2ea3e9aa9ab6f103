import type { RecordState, StoredRecord } from '../domain/record.ts'
import { stampSite } from '../domain/stamp.ts'
import { isLossIn } from '../replication/merge.ts'
import { conflictKey } from './conflict-record.ts'
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
    const own = change.vector[services.site]
    const isOwnLoss = change.via === 'merge' && stampSite(change.stamp) !== services.site && isLossIn(change)
    return own && isOwnLoss ? [conflictKey(change.key, own)] : []
  })
  const losers: RecordState[] = []
  for (let start = 0; start < keys.length; start += readKeysMax) {
    const kept = await services.records.getMany(keys.slice(start, start + readKeysMax))
    losers.push(...kept.filter((record) => record !== undefined).map(stateOf))
  }
  return losers
}
