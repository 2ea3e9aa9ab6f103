import { hasCode } from '../domain/errors.ts'
import { bucketAt, leafOfBucket, pageOfBucket } from '../replication/digest.ts'
import { tendBreaker } from './breaker-restore.ts'
import { digestBuckets, refreshTree } from './digest-tree.ts'
import { clearUndelivered, readUndelivered } from './dirty-buckets.ts'
import { differingBuckets, newSalt } from './descend.ts'
import { exchangeBuckets, type Moved, nothingMoved, sumOf } from './exchange.ts'
import { withoutHeld } from './held-buckets.ts'
import { isPaused } from './pause.ts'
import { peerFailed, peerIsBack } from './peer-health.ts'
import { releaseQuarantine } from './quarantine-release.ts'
import { writeMark } from './replication-marks.ts'
import { scrub } from './scrub.ts'
import type { Services } from './services.ts'

export interface ReconcileReport {
  readonly atMs: number
  readonly tookMs: number
  /** Buckets that the feed could not deliver, compared with the peer first of all. */
  readonly delivered: number
  readonly bucketsRead: number
  /** Buckets whose digest the scrub found wrong: changes that the feed never told of. */
  readonly scrubFound: number
  /** False while one of the sites has too much to read again, as after a bulk load: the next run goes on. */
  readonly compared: boolean
  readonly bucketsDiffering: number
  readonly pulled: number
  readonly pushed: number
  /** Nothing was compared, since an operator has stopped a way at one of the sites. */
  readonly paused: boolean
  /** Compared, and nothing differed: the roots of both digest trees are equal. */
  readonly clean: boolean
  readonly error?: string
}

/** After a bulk load thousands of buckets are to be read again; those that are left wait for the next run. */
const refreshMsMax = 5000
const pendingBatchesMax = 50

/**
 * Two clocks that are each up to five minutes off differ by ten, and feeds and indexes need a moment too: what the peer
 * wrote less than this before the comparison, or before what its feed has brought, may be missing here although nothing
 * differed. A feed that stands still marks nothing: without asking how far it has come, it would look as one with nothing to tell.
 */
const sessionMarginMs = 900_000

type Findings = Omit<ReconcileReport, 'atMs' | 'tookMs' | 'error'>

/**
 * Finds and mends what the feed missed, at a cost that follows the number of differences: delivers what could not be
 * delivered, reads the dirty buckets and the scrub's share, compares digest trees with the peer from the root down, and
 * inside differing buckets exchanges keys and vectors. Safe to run at both sites, at the same time, and to be killed anywhere.
 */
export async function reconcile(services: Services): Promise<ReconcileReport> {
  const atMs = services.clock.now()
  let found = nothingFound
  let error: string | undefined
  try {
    await findAndMend(services, atMs, (more) => {
      found = { ...found, ...more }
    })
  } catch (fault) {
    if (hasCode(fault, 'replication-paused')) found = { ...found, paused: true }
    else {
      error = fault instanceof Error ? fault.message : String(fault)
      await peerFailed(services, fault)
    }
  }
  const tookMs = services.clock.now() - atMs
  const report = { atMs, tookMs, ...found, ...(error === undefined ? {} : { error }) }
  await writeMark(services, 'last-reconcile', report)
  if (report.clean) await writeMark(services, 'last-clean', { atMs })
  return report
}

const nothingFound: Findings = {
  delivered: 0,
  bucketsRead: 0,
  scrubFound: 0,
  compared: false,
  bucketsDiffering: 0,
  pulled: 0,
  pushed: 0,
  paused: false,
  clean: false,
}

/** What needs no peer is done while it is away, too. */
async function findAndMend(
  services: Services,
  beganMs: number,
  tell: (found: Partial<Findings>) => void,
): Promise<void> {
  const [isOutgoingPaused, isIncomingPaused] = [
    await isPaused(services, 'outgoing'),
    await isPaused(services, 'incoming'),
  ]
  const paused = isOutgoingPaused || isIncomingPaused
  tell({ paused })
  if (!isIncomingPaused) await releaseQuarantine(services)
  await tendBreaker(services)
  const salt = newSalt(services)
  const [delivering] = await Promise.allSettled([
    isOutgoingPaused ? nothingDelivered : deliverPending(services, beganMs, salt),
  ])
  const tree = await refreshTree(services, refreshMsMax)
  tell({ bucketsRead: tree.read })
  tell({ scrubFound: await scrub(services) })
  if (delivering.status === 'rejected') throw delivering.reason
  const { delivered, moved } = delivering.value
  const comparison = tree.complete && !paused ? await differingBuckets(services, salt) : undefined
  const { isSame: clean = false, buckets = [], sureMs = 0, fedUntilMs = beganMs } = comparison ?? {}
  const open = await withoutHeld(services, buckets)
  const exchanged = await exchangeBuckets(services, open, salt)
  // Records alike and digests not: a change here that the feed never told of, unless it tells of it in a moment.
  if (movedNothing(exchanged))
    await digestBuckets(
      services,
      open.map(([page, leaf]) => bucketAt(page, leaf)),
    )
  const { pulled, pushed, refused } = sumOf(moved, exchanged)
  if (!paused) await peerIsBack(services)
  // Roots that differ though nothing below them does: what differs hides behind a packed digest, until the next run.
  const isKnown = clean || (buckets.length > 0 && open.length === buckets.length)
  if (isKnown && refused === 0) {
    const ms = Math.max(0, Math.min(beganMs, fedUntilMs) - sessionMarginMs)
    await writeMark(services, 'replicated-until', { ms, atMs: services.clock.now(), sureMs })
  }
  const compared = comparison !== undefined
  tell({ delivered, compared, bucketsDiffering: buckets.length, pulled, pushed, clean })
}

const movedNothing = ({ pulled, pushed, refused }: Moved): boolean => pulled + pushed + refused === 0

const nothingDelivered = { delivered: 0, moved: nothingMoved } as const

/** What the feed could not deliver while the peer was away: no need to look for it. What fails again is for the next run. */
async function deliverPending(
  services: Services,
  beforeMs: number,
  salt: string,
): Promise<{ delivered: number; moved: Moved }> {
  let delivered = 0
  let moved = nothingMoved
  for (let more = true; more; ) {
    const pending = await readUndelivered(services, { beforeMs, limit: pendingBatchesMax })
    const buckets = pending.buckets.map((bucket) => [pageOfBucket(bucket), leafOfBucket(bucket)] as const)
    moved = sumOf(moved, await exchangeBuckets(services, buckets, salt))
    await clearUndelivered(services, pending.ids)
    delivered += buckets.length
    more = pending.more
  }
  return { delivered, moved }
}
