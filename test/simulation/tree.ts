import { bucketOf } from '../../shared/domain/hash.ts'
import type { StoredRecord } from '../../shared/domain/record.ts'
import { digestOfBucket, digestOfChildren, leafOfBucket, pageOfBucket } from '../../shared/replication/digest.ts'
import type { SimSite } from './site.ts'

/** What is wrong with a site's digest tree, compared with the records it is about. */
export function treeFaults({ site, latest, siteStore }: SimSite): string[] {
  const items = new Map(siteStore.within('digests').map((item) => [item.id, item]))
  const leavesOf = (page: number): readonly string[] => (items.get(`page-${page}`)?.value['leaves'] ?? []) as string[]
  const pages = (items.get('root')?.value['pages'] ?? []) as string[]
  const buckets = new Map<number, StoredRecord[]>()
  for (const [id, record] of latest) {
    const bucket = bucketNamed(id, record)
    buckets.set(bucket, [...(buckets.get(bucket) ?? []), record])
  }
  return [...buckets].flatMap(([bucket, records]) => {
    const page = pageOfBucket(bucket)
    const isLeafTrue = (leavesOf(page)[leafOfBucket(bucket)] ?? '') === digestOfBucket(records)
    const isPageTrue = (pages[page] ?? '') === digestOf(leavesOf(page))
    return isLeafTrue && isPageTrue ? [] : [`1: the digest tree of ${site} is wrong about bucket ${bucket}`]
  })
}

const digests = new WeakMap<readonly string[], string>()

/** What stores hand out never changes, so its digest is taken once. */
function digestOf(leaves: readonly string[]): string {
  const digest = digests.get(leaves) ?? digestOfChildren(leaves)
  digests.set(leaves, digest)
  return digest
}

const bucketsById = new Map<string, number>()
const bucketsKnownMax = 10_000

/** Ids are the same in many runs. */
function bucketNamed(id: string, { key }: StoredRecord): number {
  const bucket = bucketsById.get(id) ?? bucketOf(key)
  if (bucketsById.size < bucketsKnownMax) bucketsById.set(id, bucket)
  return bucket
}
