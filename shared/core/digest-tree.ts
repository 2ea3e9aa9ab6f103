import { bucketOf } from '../domain/hash.ts'
import { CatamaranError } from '../domain/errors.ts'
import type { JsonObject } from '../domain/json.ts'
import type { BucketEntry } from '../ports/record-store.ts'
import {
  bucketAt,
  digestOfBucket,
  digestOfChildren,
  digestPageCount,
  leafOfBucket,
  leavesPerPage,
  pageOfBucket,
} from '../replication/digest.ts'
import { backoffMs } from '../replication/backoff.ts'
import { clearDirty, readDirty } from './dirty-buckets.ts'
import { forEachOf } from './each.ts'
import type { Services } from './services.ts'

const partition = 'digests'
const rootId = 'root'
const pageId = (page: number): string => `page-${page}`

/** Batches of marks worked off in one go: with 100 changes a batch, some thousand buckets. */
const dirtyBatchesMax = 50
/** The first go takes one batch, each that comes after it so many times as many. */
const dirtyBatchesGrowth = 4
const pageConcurrencyMax = 8
const readConcurrencyMax = 4
const scanItemsMax = 1000
/** A page of the tree with more gaps than this between its dirty buckets is read in one walk: one query where there would be dozens. */
const stretchesMax = 16
const swapTriesMax = 10
const emptyPages = new Array<string>(digestPageCount).fill('')
const emptyLeaves = new Array<string>(leavesPerPage).fill('')

/** The digests of the tree's pages. */
export async function readPages(services: Services): Promise<readonly string[]> {
  const item = await services.siteStore.get(partition, rootId)
  return (item?.value['pages'] as string[] | undefined) ?? emptyPages
}

/** The digests of one page's buckets. */
export async function readLeaves(services: Services, page: number): Promise<readonly string[]> {
  const item = await services.siteStore.get(partition, pageId(page))
  return (item?.value['leaves'] as string[] | undefined) ?? emptyLeaves
}

export async function readBucket(services: Services, bucket: number): Promise<BucketEntry[]> {
  const entries: BucketEntry[] = []
  for await (const entry of entriesOf(services, { first: bucket, last: bucket })) entries.push(entry)
  return entries
}

interface Stretch {
  readonly first: number
  readonly last: number
}

type OnRead = (bucket: number, entries: readonly BucketEntry[]) => void

/** Every bucket of a stretch inside one page of the tree, the empty ones too, in order and in one walk. */
async function* bucketsOf(
  services: Services,
  { first, last }: Stretch,
): AsyncGenerator<readonly [bucket: number, entries: readonly BucketEntry[]]> {
  let entries: BucketEntry[] = []
  let current = first
  for await (const entry of entriesOf(services, { first, last })) {
    for (const bucket = bucketOf(entry.key); current < bucket; current++, entries = []) yield [current, entries]
    entries.push(entry)
  }
  for (; current <= last; current++, entries = []) yield [current, entries]
}

/** The entries of a stretch of buckets inside one page of the tree, in order of bucket. */
async function* entriesOf(services: Services, buckets: Stretch): AsyncGenerator<BucketEntry> {
  let after: string | undefined
  do {
    const page = await services.records.scanBuckets(buckets, { after, limit: scanItemsMax })
    yield* page.items
    after = page.next
  } while (after !== undefined)
}

/**
 * Brings the tree up to date with the feed's marks, oldest first, for about `budgetMs`; what is left stays marked. Says how
 * many buckets were read, and whether that was all. A store that cannot take much fails the larger goes: what the smaller
 * ones did before stays done, so that every run comes nearer to the end.
 */
export async function refreshTree(
  services: Services,
  budgetMs: number,
): Promise<{ readonly read: number; readonly complete: boolean }> {
  const untilMs = services.clock.monotonicMs() + budgetMs
  let read = 0
  for (let batches = 1; services.clock.monotonicMs() < untilMs; batches *= dirtyBatchesGrowth) {
    const dirty = await readDirty(services, Math.min(batches, dirtyBatchesMax))
    await digestBuckets(services, dirty.buckets)
    await clearDirty(services, dirty.ids)
    read += dirty.buckets.length
    if (!dirty.more) return { read, complete: true }
  }
  return { read, complete: false }
}

/**
 * Reads buckets from the base table and puts their digests into the tree. Returns those that were not as the tree said. `onRead`
 * hears what each bucket holds, and once more when another run was faster and it is read again.
 */
export async function digestBuckets(
  services: Services,
  buckets: readonly number[],
  onRead?: OnRead,
): Promise<number[]> {
  const byPage = new Map<number, number[]>()
  for (const bucket of buckets) {
    const page = pageOfBucket(bucket)
    byPage.set(page, [...(byPage.get(page) ?? []), bucket])
  }
  const changed: number[] = []
  await forEachOf([...byPage], pageConcurrencyMax, async ([page, members]) => {
    changed.push(...(await digestPage(services, page, members, onRead)))
  })
  if (byPage.size > 0) await digestRoot(services, [...byPage.keys()])
  return changed
}

/**
 * The token is read before the buckets are: whoever is slower finds it changed and reads them again, so that an older
 * reading never overwrites a newer one.
 */
async function digestPage(
  services: Services,
  page: number,
  buckets: readonly number[],
  onRead?: OnRead,
): Promise<number[]> {
  return withSwap(services, pageId(page), async (value) => {
    const leaves = [...((value?.['leaves'] as string[] | undefined) ?? emptyLeaves)]
    const changed: number[] = []
    await readDigests(services, page, buckets, (bucket, entries) => {
      onRead?.(bucket, entries)
      const digest = digestOfBucket(entries)
      if (leaves[leafOfBucket(bucket)] !== digest) changed.push(bucket)
      leaves[leafOfBucket(bucket)] = digest
    })
    return { value: changed.length > 0 ? { leaves } : undefined, result: changed }
  })
}

/** Neighbours are read in one walk, and all that is between the first and the last when they are many and scattered. */
async function readDigests(services: Services, page: number, buckets: readonly number[], take: OnRead): Promise<void> {
  const wanted = [...new Set(buckets)].sort((a, b) => a - b)
  const stretches = stretchesOf(wanted)
  const [first = bucketAt(page, 0), last = first] = [wanted.at(0), wanted.at(-1)]
  const walks = stretches.length > stretchesMax ? [{ first, last }] : stretches
  await forEachOf(walks, readConcurrencyMax, async (walk) => {
    const isWanted = new Set(wanted.filter((bucket) => bucket >= walk.first && bucket <= walk.last))
    for await (const [bucket, entries] of bucketsOf(services, walk)) {
      if (isWanted.has(bucket)) take(bucket, entries)
    }
  })
}

/** Runs of neighbours in a list of buckets that ascends. */
function stretchesOf(buckets: readonly number[]): Stretch[] {
  const stretches: { first: number; last: number }[] = []
  for (const bucket of buckets) {
    const open = stretches.at(-1)
    if (open && bucket === open.last + 1) open.last = bucket
    else stretches.push({ first: bucket, last: bucket })
  }
  return stretches
}

async function digestRoot(services: Services, pages: readonly number[]): Promise<void> {
  await withSwap(services, rootId, async (value) => {
    const digests = [...((value?.['pages'] as string[] | undefined) ?? emptyPages)]
    for (const page of pages) digests[page] = digestOfChildren(await readLeaves(services, page))
    return { value: { pages: digests }, result: undefined }
  })
}

async function withSwap<Result>(
  services: Services,
  id: string,
  change: (value: JsonObject | undefined) => Promise<{ value: JsonObject | undefined; result: Result }>,
): Promise<Result> {
  for (let attempt = 0; attempt < swapTriesMax; attempt++) {
    const item = await services.siteStore.get(partition, id)
    const { value, result } = await change(item?.value)
    if (!value) return result
    const condition = item ? ({ kind: 'unchanged', token: item.token } as const) : ({ kind: 'absent' } as const)
    if (await services.siteStore.put({ partition, id, value }, condition)) return result
    await services.clock.sleep(backoffMs(attempt, services.random.fraction(), { baseMs: 20, capMs: 1000 }))
  }
  throw new CatamaranError('unavailable', 'The digest tree is being changed by others at once.')
}
