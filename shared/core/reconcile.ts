import { bucketCount, keyText, type RecordKey } from '../domain/record.ts'
import { offerStatesMax } from '../domain/limits.ts'
import type { BucketEntry } from '../ports/record-store.ts'
import type { SummaryAnswer } from '../ports/peer.ts'
import { bucketAt, digestOfBucket, digestOfChildren, leafOfBucket, pageOfBucket } from '../replication/digest.ts'
import { compareVectors, type Vector } from '../replication/vector.ts'
import { applyStates, releaseQuarantine } from './apply.ts'
import { digestBuckets, readBucket, readLeaves, readPages, refreshTree } from './digest-tree.ts'
import { clearUndelivered, readUndelivered } from './dirty-buckets.ts'
import { handleChanges, offerChanges } from './feed.ts'
import { peerAnswered, peerFailed } from './peer-health.ts'
import { stateOf } from './record-history.ts'
import { readMark, writeMark } from './replication-marks.ts'
import type { Services } from './services.ts'

export interface ReconcileReport {
  readonly atMs: number
  readonly tookMs: number
  /** Buckets that the feed could not deliver, compared with the peer first of all. */
  readonly delivered: number
  readonly bucketsRead: number
  /** Buckets whose digest the scrub found wrong: changes that the feed never told of. */
  readonly scrubFound: number
  readonly bucketsDiffering: number
  readonly pulled: number
  readonly pushed: number
  readonly clean: boolean
  readonly error?: string
}

/** A full scrub takes this many runs: at one a minute, 17 hours and 4 minutes, inside the feed's 24 hours. */
const scrubRuns = 1024
const scrubBuckets = bucketCount / scrubRuns
const bucketsPerRequest = 32

/**
 * Finds and mends what the feed missed, at a cost that follows the number of differences: reads the dirty buckets and
 * the scrub's share, compares digest trees with the peer from the root down, and inside differing buckets exchanges
 * keys and vectors. Safe to run at both sites, at the same time, and to be killed anywhere.
 */
export async function reconcile(services: Services): Promise<ReconcileReport> {
  const startMs = services.clock.now()
  const found = { delivered: 0, bucketsRead: 0, scrubFound: 0, bucketsDiffering: 0, pulled: 0, pushed: 0 }
  let error: string | undefined
  try {
    await releaseQuarantine(services)
    const pending = await deliverPending(services)
    found.delivered = pending.delivered
    found.bucketsRead = await refreshTree(services, refreshMsMax)
    found.scrubFound = await scrub(services)
    const compared = await compareWithPeer(services)
    found.bucketsDiffering = compared.bucketsDiffering
    found.pulled = pending.pulled + compared.pulled
    found.pushed = pending.pushed + compared.pushed
    await peerAnswered(services)
    if (pending.refused + compared.refused === 0)
      await writeMark(services, 'replicated-until', { ms: startMs - sessionMarginMs })
  } catch (fault) {
    error = fault instanceof Error ? fault.message : String(fault)
    await peerFailed(services, fault)
  }
  const nowMs = services.clock.now()
  const clean = error === undefined && found.bucketsDiffering === 0
  const report = { atMs: startMs, tookMs: nowMs - startMs, ...found, clean, ...(error === undefined ? {} : { error }) }
  await writeMark(services, 'last-reconcile', report)
  return report
}

/**
 * Two clocks that are each up to five minutes off differ by ten, and feeds and indexes need a moment too: what the peer
 * wrote less than this before the comparison may be missing here although nothing differed.
 */
const sessionMarginMs = 900_000

/** A bulk load leaves thousands of buckets to read again; the rest of them wait for the next run. */
const refreshMsMax = 15_000
const pendingBatchesMax = 50

/** What the feed could not deliver while the peer was away: no need to look for it. Leaves what fails again to the next run. */
async function deliverPending(services: Services): Promise<Moved & { readonly delivered: number }> {
  const beganMs = services.clock.now()
  const sum = { delivered: 0, pulled: 0, pushed: 0, refused: 0 }
  for (let more = true; more; ) {
    const pending = await readUndelivered(services, { beforeMs: beganMs, limit: pendingBatchesMax })
    for (const share of sharesOf(pending.buckets)) add(sum, await exchange(services, share))
    await clearUndelivered(services, pending.ids)
    sum.delivered += pending.buckets.length
    more = pending.more
  }
  return sum
}

function add(sum: { pulled: number; pushed: number; refused: number }, moved: Moved): void {
  sum.pulled += moved.pulled
  sum.pushed += moved.pushed
  sum.refused += moved.refused
}

function* sharesOf(buckets: readonly number[]): Generator<[number, number][]> {
  for (let start = 0; start < buckets.length; start += bucketsPerRequest) {
    const share = buckets.slice(start, start + bucketsPerRequest)
    yield share.map((bucket) => [pageOfBucket(bucket), leafOfBucket(bucket)])
  }
}

/**
 * Re-reads the next share of all buckets, whatever the feed said about them. What it finds changed, the feed may never have
 * told of: what follows from those records is begun as well.
 */
async function scrub(services: Services): Promise<number> {
  const start = Number((await readMark(services, 'scrub'))?.['next'] ?? 0)
  const buckets = Array.from({ length: scrubBuckets }, (_, offset) => (start + offset) % bucketCount)
  const changed = await digestBuckets(services, buckets)
  for (const bucket of changed) {
    for (const keys of chunks((await readBucket(services, bucket)).map(({ key }) => key))) {
      const records = await services.records.getMany(keys)
      await handleChanges(
        services,
        records.filter((record) => record !== undefined),
      )
    }
  }
  await writeMark(services, 'scrub', { next: (start + scrubBuckets) % bucketCount })
  return changed.length
}

interface Moved {
  readonly pulled: number
  readonly pushed: number
  /** States of the peer that could not be applied here. */
  readonly refused: number
}

async function compareWithPeer(services: Services): Promise<Moved & { readonly bucketsDiffering: number }> {
  const buckets = await differingBuckets(services)
  const sum = { pulled: 0, pushed: 0, refused: 0 }
  for (let start = 0; start < buckets.length; start += bucketsPerRequest) {
    add(sum, await exchange(services, buckets.slice(start, start + bucketsPerRequest)))
  }
  return { bucketsDiffering: buckets.length, ...sum }
}

/** Descends from the root into the pages that differ. Nothing differs: one question, one answer. */
async function differingBuckets(services: Services): Promise<[page: number, leaf: number][]> {
  const pages = await readPages(services)
  const [root] = await services.peer.summaries([{ path: [], digest: digestOfChildren(pages) }])
  const differing = differences(pages, root)
  if (differing.length === 0) return []
  const leaves = await Promise.all(differing.map((page) => readLeaves(services, page)))
  const answers = await services.peer.summaries(
    differing.map((page, index) => ({ path: [page], digest: digestOfChildren(leaves[index] ?? []) })),
  )
  return differing.flatMap((page, index) =>
    differences(leaves[index] ?? [], answers[index]).map((leaf): [number, number] => [page, leaf]),
  )
}

function differences(ours: readonly string[], answer: SummaryAnswer | undefined): number[] {
  if (answer?.kind !== 'digests') return []
  return answer.digests.flatMap((digest, index) => (digest === ours[index] ? [] : [index]))
}

async function exchange(services: Services, buckets: readonly [number, number][]): Promise<Moved> {
  const ours = await Promise.all(buckets.map(([page, leaf]) => readBucket(services, bucketAt(page, leaf))))
  const answers = await services.peer.summaries(
    buckets.map((path, index) => ({ path, digest: digestOfBucket(ours[index] ?? []) })),
  )
  const pull: RecordKey[] = []
  const push: RecordKey[] = []
  for (const [index, answer] of answers.entries()) {
    if (answer.kind !== 'entries') continue
    const wanted = whatToMove(ours[index] ?? [], answer.entries)
    pull.push(...wanted.pull)
    push.push(...wanted.push)
  }
  return { ...(await pullRecords(services, pull)), pushed: await pushRecords(services, push) }
}

/** Concurrent states travel both ways: each side finds the conflict by itself. */
export function whatToMove(
  ours: readonly BucketEntry[],
  theirs: readonly { readonly key: RecordKey; readonly vector: Vector }[],
): { pull: RecordKey[]; push: RecordKey[] } {
  const theirsByKey = new Map(theirs.map((entry) => [keyText(entry.key), entry]))
  const oursByKey = new Map(ours.map((entry) => [keyText(entry.key), entry]))
  const seenMore = (a: Vector, b: Vector | undefined): boolean =>
    b === undefined || ['after', 'concurrent'].includes(compareVectors(a, b))
  return {
    push: ours
      .filter((entry) => seenMore(entry.vector, theirsByKey.get(keyText(entry.key))?.vector))
      .map(({ key }) => key),
    pull: theirs
      .filter((entry) => seenMore(entry.vector, oursByKey.get(keyText(entry.key))?.vector))
      .map(({ key }) => key),
  }
}

async function pullRecords(services: Services, keys: readonly RecordKey[]): Promise<Pick<Moved, 'pulled' | 'refused'>> {
  let [pulled, refused] = [0, 0]
  for (const batch of chunks(keys)) {
    const states = await services.peer.read(batch)
    for (const outcome of await applyStates(
      services,
      states.filter((state) => state !== undefined),
    )) {
      if (outcome.kind === 'applied' || outcome.kind === 'merged') pulled++
      if (outcome.kind === 'failed' || outcome.kind === 'quarantined' || outcome.kind === 'frozen') refused++
    }
  }
  return { pulled, refused }
}

async function pushRecords(services: Services, keys: readonly RecordKey[]): Promise<number> {
  let taken = 0
  for (const batch of chunks(keys)) {
    const records = await services.records.getMany(batch)
    taken += await offerChanges(services, records.filter((record) => record !== undefined).map(stateOf))
  }
  return taken
}

function* chunks(keys: readonly RecordKey[]): Generator<readonly RecordKey[]> {
  for (let start = 0; start < keys.length; start += offerStatesMax) yield keys.slice(start, start + offerStatesMax)
}
