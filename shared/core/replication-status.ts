import { bucketCount } from '../domain/record.ts'
import { type Site, peerOf } from '../domain/site.ts'
import type { JsonObject } from '../domain/json.ts'
import type { QueueDepth } from '../ports/job-queue.ts'
import { type PeerLag, type Way } from '../ports/peer.ts'
import {
  type Backlog,
  type Counted,
  countLetters,
  countMarks,
  countMissing,
  countQuarantined,
  type Quarantined,
} from './backlogs.ts'
import { breakerSummary } from './breaker-view.ts'
import { dirtyPartition, undeliveredPartition } from './dirty-buckets.ts'
import { type Pause, pauseOf } from './pause.ts'
import { type FeedAge, feedAge, type LastOffer, lastOffer, outgoingLag } from './replication-lag.ts'
import { readMark } from './replication-marks.ts'
import { type Warning, warningsOf } from './replication-warnings.ts'
import { scrubBuckets } from './scrub.ts'
import type { Services } from './services.ts'

/** What an operator wants to see first: does it flow, each way, and what stands in the way. Times in ms since 1970. */
export interface ReplicationStatus {
  readonly site: Site
  readonly peer: Site
  readonly atMs: number
  readonly outgoing: Outgoing
  readonly incoming: Incoming
  readonly queue: QueueDepth
  /** Events of the drop area that wait to be taken in; null where the store tells of none. */
  readonly dropEvents: QueueDepth | null
  readonly dirty: Backlog
  readonly deadLetters: Counted
  readonly quarantined: Quarantined
  readonly missingObjects: Counted & { readonly bytes: number }
  /** The last report of reconcile, and when one was last clean. */
  readonly lastReconcile: JsonObject | null
  readonly lastCleanMs: number | null
  readonly scrub: { readonly nextBucket: number; readonly buckets: number; readonly endsMs: number }
}

interface Outgoing {
  readonly paused: Pause | null
  readonly lag: PeerLag
  readonly lastOffer: LastOffer | null
  readonly feed: FeedAge
  readonly undelivered: Backlog
  /** { downSinceMs, cause } */
  readonly peerDown: JsonObject | null
}

/** The way in is what the peer says of its way out; null where it does not answer, or is of an older version. */
interface Incoming {
  readonly paused: Pause | null
  readonly peerReachable: boolean
  readonly peerPaused: readonly Way[]
  readonly lag: PeerLag | null
  readonly lastOffer: LastOffer | null
  readonly feedAgeMs: number | null
  /** How far the peer's clock is ahead of this one, the way there and back included. */
  readonly clockAheadMs: number | null
  /** What the breaker here holds back of the peer: { frozen, scopes, since }. */
  readonly breaker: JsonObject
  /** Every write the peer made before this moment is held here. */
  readonly replicatedUntilMs: number | null
}

export type WarnedStatus = ReplicationStatus & { readonly warnings: readonly Warning[] }

/** Costs the same however bad things are: what is counted is counted up to a bound. */
export async function replicationStatus(services: Services): Promise<WarnedStatus> {
  const [
    outgoing,
    incoming,
    queue,
    dropEvents,
    dirty,
    deadLetters,
    quarantined,
    missingObjects,
    lastReconcile,
    lastClean,
    scrub,
  ] = await Promise.all([
    outgoingStatus(services),
    incomingStatus(services),
    services.jobs.depth(),
    services.dropEvents?.depth(),
    countMarks(services, dirtyPartition),
    countLetters(services),
    countQuarantined(services),
    countMissing(services),
    readMark(services, 'last-reconcile'),
    readMark(services, 'last-clean'),
    readMark(services, 'scrub'),
  ])
  const nextBucket = Number(scrub?.['next'] ?? 0)
  const runsLeft = (bucketCount - nextBucket) / scrubBuckets
  const status: ReplicationStatus = {
    site: services.site,
    peer: peerOf(services.site),
    atMs: services.clock.now(),
    outgoing,
    incoming,
    queue,
    dropEvents: dropEvents ?? null,
    dirty,
    deadLetters,
    quarantined,
    missingObjects,
    lastReconcile: lastReconcile ?? null,
    lastCleanMs: numberOf(lastClean, 'atMs'),
    scrub: { nextBucket, buckets: bucketCount, endsMs: services.clock.now() + runsLeft * runMs },
  }
  return { ...status, warnings: warningsOf(status) }
}

/** Reconcile runs once a minute. */
const runMs = 60_000

const numberOf = (mark: JsonObject | undefined, name: string): number | null => {
  const value = mark?.[name]
  return typeof value === 'number' ? value : null
}

async function outgoingStatus(services: Services): Promise<Outgoing> {
  const [paused, lag, offer, feed, undelivered, peerDown] = await Promise.all([
    pauseOf(services, 'outgoing'),
    outgoingLag(services),
    lastOffer(services),
    feedAge(services),
    countMarks(services, undeliveredPartition),
    readMark(services, 'peer-down'),
  ])
  return { paused: paused ?? null, lag, lastOffer: offer, feed, undelivered, peerDown: peerDown ?? null }
}

async function incomingStatus(services: Services): Promise<Incoming> {
  const [paused, breaker, until, peer] = await Promise.all([
    pauseOf(services, 'incoming'),
    breakerSummary(services),
    readMark(services, 'replicated-until'),
    services.peer.status().catch(() => undefined),
  ])
  return {
    paused: paused ?? null,
    peerReachable: peer !== undefined,
    peerPaused: peer?.paused ?? [],
    lag: peer?.lag ?? null,
    lastOffer: peer?.lastOffer ?? null,
    feedAgeMs: peer?.feedAgeMs ?? null,
    clockAheadMs: peer ? peer.nowMs - services.clock.now() : null,
    breaker,
    replicatedUntilMs: numberOf(until, 'ms'),
  }
}
