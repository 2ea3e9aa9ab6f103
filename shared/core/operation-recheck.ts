import { derivedId } from '../domain/hash.ts'
import { stampMs } from '../domain/stamp.ts'
import { newestStamp } from '../replication/vector.ts'
import { lastOfPage, readBuckets, type BucketContent } from './bucket-reading.ts'
import { moveRecords } from './move-records.ts'
import { paced, type Outcome, type Step } from './operation-step.ts'
import { compareWithPeer, describe, differenceText, type Difference } from './record-differences.ts'
import type { Services } from './services.ts'

const bucketsMax = 64
const entriesMax = 5000
/** A change this young may be on its way, and an index may lag behind its table. */
const youngMs = 15_000
const looksMax = 4
const betweenLooksMs = 5_000

/**
 * Looks again at the buckets that differed, twice: what has arrived by now was on its way, what moves between the two looks
 * still is. Only a difference that stays the same is one. A repair moves it.
 */
export async function recheckPhase(step: Step): Promise<Outcome> {
  const { services, operation } = step
  const { position, suspects } = operation
  const { at, looks = 0, seen } = position
  const buckets = suspectsFrom(suspects, at)
  if (buckets.length === 0) return 'ended'
  const { compared, differences } = await look(step, buckets)
  if (seen) await judge(step, seen, differences)
  else if (differences.length > 0) {
    const isSettled = looks >= looksMax || !differences.some((each) => isYoung(services, each))
    const next = isSettled ? { at, looks, seen: differences.map(printOf) } : { at, looks: looks + 1 }
    const wait = { ms: betweenLooksMs, for: 'Records that differ are looked at again: they may be on their way.' }
    return { position: next, fraction: at / suspects.length, wait }
  }
  const next = at + compared
  return next >= suspects.length ? 'ended' : { position: { at: next }, fraction: next / suspects.length }
}

/** Short, so that thousands can be kept from one look to the next. */
const printOf = (difference: Difference): string => derivedId(differenceText(difference)).slice(0, 10)

async function judge(step: Step, seen: readonly string[], differences: readonly Difference[]): Promise<void> {
  const { services, operation, tally } = step
  const known = new Set(seen)
  const lasting = differences.filter((each) => known.has(printOf(each)))
  tally.count('recordsChanging', differences.length - lasting.length)
  for (const difference of lasting) tally.found(describe(services.site, difference))
  if (operation.kind === 'repair') await moveRecords(step, lasting)
}

interface Look {
  /** How many of the buckets: as far as the peer came. */
  readonly compared: number
  readonly differences: readonly Difference[]
}

async function look(step: Step, buckets: readonly number[]): Promise<Look> {
  const contents = await readSome(step.services, buckets)
  const { compared, differing } = await paced(
    step,
    () => ({}),
    () => compareWithPeer(step.services, contents),
  )
  return {
    compared: compared.length,
    differences: differing.flatMap(({ differences }) => differences),
  }
}

/** The next suspects, of one page of the digest tree. */
function suspectsFrom(suspects: readonly number[], at: number): readonly number[] {
  const some = suspects.slice(at, at + bucketsMax)
  const last = lastOfPage(some[0] ?? 0)
  return some.filter((bucket) => bucket <= last)
}

async function readSome(services: Services, buckets: readonly number[]): Promise<BucketContent[]> {
  const [first = 0, last = 0] = [buckets[0], buckets.at(-1)]
  const wanted = new Set(buckets)
  return (await readBuckets(services, { first, last }, entriesMax)).filter(({ bucket }) => wanted.has(bucket))
}

function isYoung({ clock }: Services, { ours, theirs }: Difference): boolean {
  const newest = [ours, theirs].map((vector) => vector && newestStamp(vector))
  return newest.some((stamp) => stamp !== undefined && stampMs(stamp) > clock.now() - youngMs)
}
