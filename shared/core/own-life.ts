import type { RecordKey, StoredRecord } from '../domain/record.ts'
import { originOf } from '../domain/site.ts'
import { stampOrigin } from '../domain/stamp.ts'
import { hearPeer, readRecord } from './record-reads.ts'
import type { Services } from './services.ts'

/**
 * Whether this site wrote the record as it is now, and has lost nothing since. What came back from the peer, or bears an
 * earlier life's stamp, tells of a store that may have burnt: what lacks there need not have been removed by anybody.
 */
export const isOfThisLife = ({ site, incarnation }: Services, { via, stamp }: StoredRecord): boolean =>
  via !== 'peer' && stampOrigin(stamp) === originOf(site, incarnation)

/**
 * Takes in what the peer knows of the records `keys` if this site lost, or may have lost, what it wrote beside them as
 * `witness`: to be done before one of them is made as if it had never been. Throws `peer-unavailable`.
 */
export async function hearOfEarlierLife(
  services: Services,
  witness: RecordKey,
  keys: readonly RecordKey[],
): Promise<void> {
  const record = await readRecord(services, witness)
  if (record && !isOfThisLife(services, record)) await hearPeer(services, keys)
}

/**
 * Whether the peer knew more than this site of a record that this site has not written in this life; what it knew is taken
 * in. To be asked before anything is concluded from what lacks here. Throws `peer-unavailable`.
 */
export async function hasPeerNews(services: Services, key: RecordKey): Promise<boolean> {
  const before = await readRecord(services, key)
  if (!before || isOfThisLife(services, before)) return false
  await hearPeer(services, [key])
  return (await readRecord(services, key))?.stamp !== before.stamp
}
