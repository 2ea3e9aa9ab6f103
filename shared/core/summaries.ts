import { keyDigitCount } from '../domain/hash.ts'
import type { SummaryAnswer, SummaryRequest } from '../ports/peer.ts'
import type { BucketEntry } from '../ports/record-store.ts'
import { digestsOfParts, inPart, partsOf } from '../replication/bucket-parts.ts'
import { bucketAt, digestOfBucket, digestOfChildren } from '../replication/digest.ts'
import { packDigests } from '../replication/packed-digests.ts'
import { readBucket, readLeaves, readPages, refreshTree } from './digest-tree.ts'
import { forEachOf } from './each.ts'
import { feedAge } from './replication-lag.ts'
import { assertMayCompare } from './pause.ts'
import { scrubbedSinceMs } from './scrub-cycle.ts'
import type { Services } from './services.ts'

/** The asker waits no longer than ten seconds for an answer. */
const answerRefreshMsMax = 2000
const readConcurrencyMax = 8

/** With no more than this many records in a part, they are told one by one: cheaper than another question. */
const entriesToldMax = 4

/**
 * What this site says of its digests, in the order of the questions; packed for an asker that sent a salt.
 * Throws `replication-paused`.
 */
export async function answerSummaries(
  services: Services,
  requests: readonly SummaryRequest[],
  salt?: string,
): Promise<SummaryAnswer[]> {
  await assertMayCompare(services)
  const asksRoot = requests.some((request) => request.path.length === 0)
  // Before the tree is brought up to date with what the feed had marked by then.
  const fedUntilMs = asksRoot ? (await feedAge(services)).untilMs : 0
  const isBusy = asksRoot && !(await refreshTree(services, answerRefreshMsMax)).complete
  const answers: SummaryAnswer[] = new Array<SummaryAnswer>(requests.length)
  await forEachOf(byBucket(requests), readConcurrencyMax, async (group) => {
    const [page, leaf] = group[0]?.request.path ?? []
    const entries = page === undefined || leaf === undefined ? [] : await readBucket(services, bucketAt(page, leaf))
    for (const { request, index } of group) {
      if (leaf !== undefined) answers[index] = answerBucket(entries, request, salt)
      else if (page !== undefined) answers[index] = compare(await readLeaves(services, page), request.digest, salt)
      else answers[index] = isBusy ? { kind: 'busy' } : await answerRoot(services, fedUntilMs, request, salt)
    }
  })
  return answers
}

interface Numbered {
  readonly request: SummaryRequest
  readonly index: number
}

/** Questions about parts of one bucket together, so that it is read once. */
function byBucket(requests: readonly SummaryRequest[]): Numbered[][] {
  const groups = new Map<string, Numbered[]>()
  for (const [index, request] of requests.entries()) {
    const bucket = request.path.slice(0, 2).join('/')
    const group = groups.get(bucket) ?? []
    group.push({ request, index })
    groups.set(bucket, group)
  }
  return [...groups.values()]
}

/** How far the scrub and the feed have come is asked first: what the digests know by then is in the pages read after it. */
async function answerRoot(
  services: Services,
  fedUntilMs: number,
  { digest: theirs }: SummaryRequest,
  salt: string | undefined,
): Promise<SummaryAnswer> {
  const sinceMs = await scrubbedSinceMs(services)
  const answer = compare(await readPages(services), theirs, salt)
  const scrubbed = sinceMs > 0 ? { scrubbedSinceMs: sinceMs } : {}
  return { ...answer, ...scrubbed, fedUntilMs }
}

function answerBucket(
  bucket: readonly BucketEntry[],
  { path, digest }: SummaryRequest,
  salt: string | undefined,
): SummaryAnswer {
  const digits = path.slice(2)
  const entries = inPart(bucket, digits)
  if (digestOfBucket(entries) === digest) return { kind: 'same' }
  if (salt !== undefined && entries.length > entriesToldMax && digits.length < keyDigitCount) {
    return { kind: 'packed', digests: packDigests(salt, digestsOfParts(partsOf(entries, digits.length))) }
  }
  return { kind: 'entries', entries: entries.map(({ key, vector }) => ({ key, vector })) }
}

function compare(
  digests: readonly string[],
  theirs: string,
  salt: string | undefined,
): Extract<SummaryAnswer, { kind: 'same' | 'packed' | 'digests' }> {
  if (digestOfChildren(digests) === theirs) return { kind: 'same' }
  return salt === undefined ? { kind: 'digests', digests } : { kind: 'packed', digests: packDigests(salt, digests) }
}
