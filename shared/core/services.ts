import type { Site } from '../domain/site.ts'
import type { Clock, Random } from '../ports/clock.ts'
import type { Delivery } from '../ports/delivery.ts'
import type { JobQueue, WatchedQueue } from '../ports/job-queue.ts'
import type { ObjectStore } from '../ports/object-store.ts'
import type { Peer } from '../ports/peer.ts'
import type { RecordStore } from '../ports/record-store.ts'
import type { SiteStore } from '../ports/site-store.ts'
import type { Telemetry } from '../ports/telemetry.ts'
import type { Span } from './trace.ts'

/** Everything a use case may touch: one site's ports. Use cases are functions that take this first. */
export interface Services {
  readonly site: Site
  /** How often this site has gone back to a backup; none is 0. */
  readonly incarnation?: number
  readonly records: RecordStore
  readonly siteStore: SiteStore
  readonly objects: ObjectStore
  readonly jobs: JobQueue
  /** What the store tells of the drop area; absent where it tells nothing. */
  readonly dropEvents?: WatchedQueue
  readonly peer: Peer
  readonly delivery: Delivery
  readonly clock: Clock
  readonly random: Random
  readonly telemetry: Telemetry
  /** The span that this work belongs to, when it is in a trace. */
  readonly span?: Span
}
