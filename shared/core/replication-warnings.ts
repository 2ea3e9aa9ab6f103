import type { ReplicationStatus } from './replication-status.ts'

/** Something an operator should look at, in plain words. The code is stable. */
export interface Warning {
  readonly code: WarningCode
  readonly detail: string
}

export type WarningCode =
  | 'feed-age'
  | 'feed-silent'
  | 'paused-outgoing'
  | 'paused-incoming'
  | 'peer-paused'
  | 'breaker-frozen'
  | 'peer-down'
  | 'undelivered'
  | 'dead-letters'
  | 'queue-dead-letters'
  | 'drop-dead-letters'
  | 'quarantined'
  | 'missing-objects'
  | 'reconcile-late'
  | 'reconcile-failing'
  | 'reconcile-not-clean'
  | 'clocks-apart'

const [secondMs, minuteMs, hourMs] = [1000, 60_000, 3_600_000]

/** A quarter of the 24 hours after which a stream forgets. */
export const feedAgeWarnMs = 6 * hourMs
const undeliveredWarnMs = 5 * minuteMs
const missingWarnMs = hourMs
/** Reconcile runs once a minute, and a run may take a few. */
const reconcileLateMs = 10 * minuteMs
const notCleanWarnMs = hourMs
/** Half of what quarantines a stamp. */
const clocksApartWarnMs = 30 * secondMs

type Check = (status: ReplicationStatus) => Partial<Record<WarningCode, string | false | null | undefined>>

export const warningsOf = (status: ReplicationStatus): Warning[] =>
  checks.flatMap((check) =>
    Object.entries(check(status)).flatMap(([code, detail]) => (detail ? [{ code: code as WarningCode, detail }] : [])),
  )

const feed: Check = ({
  site,
  outgoing: {
    feed: { ageMs, isSilent },
  },
}) => ({
  'feed-age':
    ageMs > feedAgeWarnMs &&
    `The change feed of ${site} is ${span(ageMs)} behind. DynamoDB Streams forget after 24 hours; what they forget, only the scrub finds.`,
  'feed-silent':
    isSilent &&
    `The change feed of ${site} was given a change and has not brought it: its function may not be running.`,
})

const paused: Check = ({ site, peer, atMs, outgoing, incoming }) => ({
  'paused-outgoing':
    outgoing.paused &&
    `${site} offers nothing to ${peer} since ${span(atMs - outgoing.paused.atMs)}: ${outgoing.paused.reason}`,
  'paused-incoming':
    incoming.paused &&
    `${site} takes nothing of ${peer} since ${span(atMs - incoming.paused.atMs)}: ${incoming.paused.reason}`,
  'breaker-frozen':
    incoming.breaker['frozen'] === true &&
    `The breaker holds back what ${peer} deletes or overwrites here: see /v1/replication/breaker, then release or reject.`,
  'peer-paused': incoming.peerPaused.length > 0 && `At ${peer}, ${incoming.peerPaused.join(' and ')} is paused.`,
})

const reach: Check = ({ peer, atMs, outgoing, incoming }) => {
  const { peerDown, undelivered } = outgoing
  const downMs = atMs - Number(peerDown?.['downSinceMs'] ?? atMs)
  const cause = typeof peerDown?.['cause'] === 'string' ? `: ${peerDown['cause']}` : '.'
  const aheadMs = incoming.clockAheadMs ?? 0
  const waitedMs = atMs - (undelivered.oldestMs ?? atMs)
  return {
    'peer-down': !incoming.peerReachable
      ? `${peer} does not answer${peerDown ? ` since ${span(downMs)}${cause}` : '.'}`
      : peerDown && `Calls to ${peer} have failed for ${span(downMs)}${cause}`,
    undelivered: waitedMs > undeliveredWarnMs && `Changes wait for ${peer} since ${span(waitedMs)}.`,
    'clocks-apart':
      Math.abs(aheadMs) > clocksApartWarnMs &&
      `The clock of ${peer} is ${span(Math.abs(aheadMs))} ${aheadMs > 0 ? 'ahead of' : 'behind'} this one; stamps a minute ahead are quarantined.`,
  }
}

const leftovers: Check = ({ deadLetters, queue, dropEvents, quarantined, missingObjects, atMs }) => {
  const missingMs = atMs - (missingObjects.oldestMs ?? atMs)
  return {
    'dead-letters': deadLetters.count > 0 && `${counted(deadLetters)} dead letters wait for someone to look at them.`,
    'queue-dead-letters':
      queue.deadLetters > 0 &&
      `${queue.deadLetters} messages lie in the queue's dead letters: their function died on them.`,
    'drop-dead-letters':
      dropEvents !== null &&
      dropEvents.deadLetters > 0 &&
      `${dropEvents.deadLetters} events of the drop area lie in the dead letters of their queue; the scan of drops finds the files.`,
    quarantined:
      quarantined.count > 0 &&
      `${counted(quarantined)} states are quarantined, for their stamps are up to ${span(quarantined.aheadMs)} ahead.`,
    'missing-objects':
      missingMs > missingWarnMs &&
      `${counted(missingObjects)} objects are missing here, the oldest for ${span(missingMs)}.`,
  }
}

const reconcile: Check = ({ atMs, lastReconcile, lastCleanMs, outgoing, incoming }) => {
  const lastMs = Number(lastReconcile?.['atMs'] ?? 0)
  const error = lastReconcile?.['error']
  const isPaused = outgoing.paused !== null || incoming.paused !== null || incoming.peerPaused.length > 0
  return {
    'reconcile-late':
      atMs - lastMs > reconcileLateMs &&
      (lastMs === 0 ? 'Reconcile has never run here.' : `Reconcile last ran ${span(atMs - lastMs)} ago.`),
    'reconcile-failing': typeof error === 'string' && `The last reconcile failed: ${error}`,
    'reconcile-not-clean':
      !isPaused &&
      lastMs > 0 &&
      atMs - (lastCleanMs ?? 0) > notCleanWarnMs &&
      `No comparison of the sites was clean ${lastCleanMs === null ? 'yet' : `for ${span(atMs - lastCleanMs)}`}.`,
  }
}

const checks: readonly Check[] = [feed, paused, reach, leftovers, reconcile]

const counted = ({ count, more }: { readonly count: number; readonly more: boolean }): string =>
  more ? `More than ${count}` : String(count)

/** In the largest unit that says enough. */
function span(ms: number): string {
  if (ms < 2 * minuteMs) return `${Math.round(ms / secondMs)} s`
  if (ms < 2 * hourMs) return `${Math.round(ms / minuteMs)} min`
  return ms < 48 * hourMs ? `${Math.round(ms / hourMs)} h` : `${Math.round(ms / (24 * hourMs))} days`
}
