import type { WarnedStatus } from './replication-status.ts'

type Figure = (status: WarnedStatus) => number | null

const flag = (isSet: boolean): number => (isSet ? 1 : 0)
const ageOf = (atMs: number, sinceMs: number | null): number => (sinceMs === null ? 0 : Math.max(0, atMs - sinceMs))

/** Every figure of the status by the name and in the unit under which both clouds' monitors know it. */
const figures = {
  replicationLagP50Ms: ({ outgoing }) => outgoing.lag.p50Ms,
  replicationLagP99Ms: ({ outgoing }) => outgoing.lag.p99Ms,
  replicationLagCount: ({ outgoing }) => outgoing.lag.count,
  incomingLagP50Ms: ({ incoming }) => incoming.lag?.p50Ms ?? null,
  incomingLagP99Ms: ({ incoming }) => incoming.lag?.p99Ms ?? null,
  feedAgeMs: ({ outgoing }) => outgoing.feed.ageMs,
  undeliveredBatches: ({ outgoing }) => outgoing.undelivered.count,
  undeliveredBuckets: ({ outgoing }) => outgoing.undelivered.buckets,
  undeliveredAgeMs: ({ atMs, outgoing }) => ageOf(atMs, outgoing.undelivered.oldestMs),
  dirtyBatches: ({ dirty }) => dirty.count,
  dirtyBuckets: ({ dirty }) => dirty.buckets,
  dirtyAgeMs: ({ atMs, dirty }) => ageOf(atMs, dirty.oldestMs),
  queueWaiting: ({ queue }) => queue.waiting,
  queueDeadLetters: ({ queue }) => queue.deadLetters,
  dropEventsWaiting: ({ dropEvents }) => dropEvents?.waiting ?? null,
  dropEventsDeadLetters: ({ dropEvents }) => dropEvents?.deadLetters ?? null,
  deadLettersWaiting: ({ deadLetters }) => deadLetters.count,
  deadLettersAgeMs: ({ atMs, deadLetters }) => ageOf(atMs, deadLetters.oldestMs),
  quarantinedStates: ({ quarantined }) => quarantined.count,
  quarantinedAheadMs: ({ quarantined }) => quarantined.aheadMs,
  missingObjects: ({ missingObjects }) => missingObjects.count,
  missingObjectsAgeMs: ({ atMs, missingObjects }) => ageOf(atMs, missingObjects.oldestMs),
  missingObjectsBytes: ({ missingObjects }) => missingObjects.bytes,
  reconcileAgeMs: ({ atMs, lastReconcile }) => (lastReconcile ? ageOf(atMs, Number(lastReconcile['atMs'])) : null),
  cleanAgeMs: ({ atMs, lastCleanMs }) => ageOf(atMs, lastCleanMs),
  scrubBucketsLeft: ({ scrub }) => scrub.buckets - scrub.nextBucket,
  peerReachable: ({ incoming }) => flag(incoming.peerReachable),
  peerClockAheadMs: ({ incoming }) => incoming.clockAheadMs,
  pausedOutgoing: ({ outgoing }) => flag(outgoing.paused !== null),
  pausedIncoming: ({ incoming }) => flag(incoming.paused !== null),
  breakerFrozen: ({ incoming }) => flag(incoming.breaker['frozen'] === true),
  replicationWarnings: ({ warnings }) => warnings.length,
} satisfies Record<string, Figure>

/** A figure that is not known at the moment is left out, rather than shown as zero. */
export const replicationMetrics = (status: WarnedStatus): (readonly [name: string, value: number])[] =>
  Object.entries<Figure>(figures).flatMap(([name, figure]) => {
    const value = figure(status)
    return value === null ? [] : [[name, value] as const]
  })
