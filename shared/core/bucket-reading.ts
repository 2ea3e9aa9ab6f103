import { CatamaranError } from '../domain/errors.ts'
import { bucketOf } from '../domain/hash.ts'
import { bucketCount } from '../domain/record.ts'
import type { BucketQuestion, BucketsAnswer } from '../ports/peer.ts'
import type { BucketEntry } from '../ports/record-store.ts'
import { digestOfBucket, leavesPerPage, pageOfBucket } from '../replication/digest.ts'
import { assertMayCompare } from './pause.ts'
import type { Services } from './services.ts'

export interface BucketContent {
  readonly bucket: number
  readonly entries: readonly BucketEntry[]
}

const scanItemsMax = 1000
/** What an answer holds at most, apart from the rest of its last bucket: about a megabyte. */
const answerEntriesMax = 5000

/** The last bucket of the digest tree's page that a bucket lies in: one query reaches no further. */
export const lastOfPage = (bucket: number): number =>
  Math.min(bucketCount, (pageOfBucket(bucket) + 1) * leavesPerPage) - 1

/**
 * Buckets `first` to `last` of one page of the tree as the base table holds them now, the empty ones too, in order. Stops
 * before the bucket that comes after `entriesMax` entries; the first is always among them, and each one is whole.
 */
export async function readBuckets(
  services: Services,
  { first, last }: { readonly first: number; readonly last: number },
  entriesMax: number,
): Promise<BucketContent[]> {
  const contents = Array.from({ length: last - first + 1 }, (_, offset) => ({
    bucket: first + offset,
    entries: [] as BucketEntry[],
  }))
  let [count, current] = [0, 0]
  let after: string | undefined
  do {
    const page = await services.records.scanBuckets({ first, last }, { after, limit: scanItemsMax })
    for (const entry of page.items) {
      const place = bucketOf(entry.key) - first
      if (count >= entriesMax && place > current) return contents.slice(0, place)
      contents[place]?.entries.push(entry)
      current = place
      count++
    }
    after = page.next
  } while (after !== undefined)
  return contents
}

/**
 * This site's side of a complete comparison: reads the buckets again, whatever the digest tree says of them. Throws
 * `replication-paused`.
 */
export async function answerBuckets(services: Services, questions: readonly BucketQuestion[]): Promise<BucketsAnswer> {
  await assertMayCompare(services)
  const [first, last] = [questions[0]?.bucket, questions.at(-1)?.bucket]
  if (first === undefined || last === undefined || !areInOnePage(questions)) {
    throw new CatamaranError('invalid-request', 'The buckets must ascend and lie in one page of the digest tree.')
  }
  const contents = await readBuckets(services, { first, last }, answerEntriesMax)
  const asked = questions.filter(({ bucket }) => bucket < first + contents.length)
  const held = asked.map(({ bucket, digest }) => ({
    bucket,
    digest,
    entries: contents[bucket - first]?.entries ?? [],
  }))
  return {
    read: asked.length,
    records: held.reduce((sum, { entries }) => sum + entries.length, 0),
    differing: held
      .filter(({ digest, entries }) => digestOfBucket(entries) !== digest)
      .map(({ bucket, entries }) => ({ bucket, entries: entries.map(({ key, vector }) => ({ key, vector })) })),
  }
}

const areInOnePage = (questions: readonly BucketQuestion[]): boolean =>
  questions.every(({ bucket }, index) => {
    const before = questions[index - 1]?.bucket
    return before === undefined || (bucket > before && pageOfBucket(bucket) === pageOfBucket(before))
  })
