import type { Site } from '../../shared/domain/site.ts'
import type { Streams } from './chance.ts'
import type { Ledger } from './ledger.ts'
import type { Link } from './link.ts'
import type { Mark } from './marks.ts'
import type { TwoVersions } from './older.ts'
import type { Profile } from './profile.ts'
import type { Scheduler } from './scheduler.ts'
import type { SimSite } from './site.ts'

/** Two clouds, the network between them, their clients and their bad luck: all that one run is made of. */
export interface World {
  readonly seed: number
  readonly profile: Profile
  readonly scheduler: Scheduler
  readonly streams: Streams
  readonly ledger: Ledger
  readonly link: Link
  readonly sites: Record<Site, SimSite>
  /** Where one site runs the code of an earlier commit. */
  readonly versions?: TwoVersions | undefined
  readonly mark: (mark: Mark) => void
  readonly faultsOn: () => boolean
}
