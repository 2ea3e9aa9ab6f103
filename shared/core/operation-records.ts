import { bucketCount } from '../domain/record.ts'
import { lastOfPage, readBuckets, type BucketContent } from './bucket-reading.ts'
import { compareBodies } from './compare-bodies.ts'
import { moveRecords } from './move-records.ts'
import type { Operation } from './operation.ts'
import { paced, type Outcome, type Step } from './operation-step.ts'
import { compareWithPeer } from './record-differences.ts'
import type { Services } from './services.ts'

const stretchEntriesMax = 2000

/** A stretch of buckets as this site holds them: up to the end of a page of the digest tree, or some thousand records. */
export const readStretch = (
  services: Services,
  first: number,
  entriesMax = stretchEntriesMax,
): Promise<BucketContent[]> => readBuckets(services, { first, last: lastOfPage(first) }, entriesMax)

/** The place behind a stretch. */
export function after(contents: readonly BucketContent[]): Outcome {
  const next = (contents.at(-1)?.bucket ?? bucketCount) + 1
  return next >= bucketCount ? 'ended' : { position: { at: next }, fraction: next / bucketCount }
}

/** A dry run of a comparison says how much there is to compare; it asks the peer nothing. */
export const onlyCounts = ({ kind, dryRun }: Operation): boolean => kind === 'verify' && dryRun

/**
 * Compares all buckets with the peer, both sides reading them from their base tables. A backfill moves at once what one side
 * lacks; else the buckets that differ are noted, to be looked at again when what is on its way has arrived.
 */
export async function recordsPhase(step: Step): Promise<Outcome> {
  const { services, operation, tally } = step
  const contents = await readStretch(services, operation.position.at)
  const recordsOf = (buckets: readonly BucketContent[]): number =>
    buckets.reduce((sum, { entries }) => sum + entries.length, 0)
  if (onlyCounts(operation)) {
    tally.count('records', recordsOf(contents))
    return after(contents)
  }
  const isWalk = operation.kind !== 'backfill'
  const { compared, peerRecords, differing } = await paced(
    step,
    // A backfill pays for what it moves.
    (found) => (isWalk ? { records: Math.max(recordsOf(found.compared), found.peerRecords) } : {}),
    () => compareWithPeer(services, contents),
  )
  tally.count('records', recordsOf(compared))
  tally.count('peerRecords', peerRecords)
  if (isWalk) tally.suspect(differing.map(({ bucket }) => bucket))
  else {
    await moveRecords(
      step,
      differing.flatMap(({ differences }) => differences),
    )
  }
  if (operation.deep) await compareBodies(step, compared)
  return after(compared)
}
