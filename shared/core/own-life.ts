import type { StoredRecord } from '../domain/record.ts'
import { originOf } from '../domain/site.ts'
import { stampOrigin } from '../domain/stamp.ts'
import type { Services } from './services.ts'

/**
 * Whether this site wrote the record as it is now, and has lost nothing since. What came back from the peer, or bears an
 * earlier life's stamp, tells of a store that may have burnt: what lacks there need not have been removed by anybody.
 */
export const isOfThisLife = ({ site, incarnation }: Services, { via, stamp }: StoredRecord): boolean =>
  via !== 'peer' && stampOrigin(stamp) === originOf(site, incarnation)
