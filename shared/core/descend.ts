import { CatamaranError } from '../domain/errors.ts'
import { keyDigitCount } from '../domain/hash.ts'
import type { KnownUntil, SummaryAnswer, SummaryRequest } from '../ports/peer.ts'
import { digestsOfParts, partsOf } from '../replication/bucket-parts.ts'
import { digestOfBucket, digestOfChildren, type DigestedEntry } from '../replication/digest.ts'
import { type PackedDifference, packedDifferences } from '../replication/packed-digests.ts'
import { readLeaves, readPages } from './digest-tree.ts'
import type { Services } from './services.ts'

/** A bucket's place in the digest tree. */
export type BucketPath = readonly [page: number, leaf: number]

/** A bucket, or a part of one, that differs as far as is known. */
export interface OpenPart {
  readonly path: readonly number[]
  /** What this site holds there. */
  readonly entries: readonly DigestedEntry[]
}

export interface Comparison {
  /** The whole digests of both roots are equal. */
  readonly isSame: boolean
  readonly buckets: readonly BucketPath[]
  /** All that was stored at the peer before this moment, on its clock, was compared: told of by its feed or not. */
  readonly sureMs: number
  /** And before this one, unless its feed lost it; undefined when the peer does not tell. */
  readonly fedUntilMs: number | undefined
}

/** As many as a peer of any version takes in one call. */
const questionsMax = 128

/** A salt for one run: packed digests that are equal by chance in one run differ in the next. */
export const newSalt = (services: Services): string => Buffer.from(services.random.bytes(6)).toString('base64url')

/** Descends from the root into the pages that differ. Nothing differs: one question, one answer. Undefined while the peer is busy. */
export async function differingBuckets(services: Services, salt: string): Promise<Comparison | undefined> {
  const pages = await readPages(services)
  const [root] = await ask(services, [{ path: [], digest: digestOfChildren(pages) }], salt)
  if (root?.kind === 'busy') return undefined
  const known: KnownUntil = root === undefined || root.kind === 'entries' ? {} : root
  const { scrubbedSinceMs: sureMs = 0, fedUntilMs } = known
  if (root?.kind === 'same') return { isSame: true, buckets: [], sureMs, fedUntilMs }
  const differing = differences(pages, root, salt).map(({ index }) => index)
  const leaves = await Promise.all(differing.map((page) => readLeaves(services, page)))
  const questions = differing.map((page, index) => ({ path: [page], digest: digestOfChildren(leaves[index] ?? []) }))
  const answers = await ask(services, questions, salt)
  const buckets = differing.flatMap((page, index) =>
    differences(leaves[index] ?? [], answers[index], salt).map((leaf): BucketPath => [page, leaf.index]),
  )
  return { isSame: false, buckets, sureMs, fedUntilMs }
}

/** Asks about the parts, in as many calls as it takes. The answers are as many as the parts, in their order. */
export async function askParts(
  services: Services,
  parts: readonly OpenPart[],
  salt: string,
): Promise<readonly SummaryAnswer[]> {
  const answers: SummaryAnswer[] = []
  for (let start = 0; start < parts.length; start += questionsMax) {
    const questions = parts.slice(start, start + questionsMax)
    const requests = questions.map(({ path, entries }) => ({ path, digest: digestOfBucket(entries) }))
    answers.push(...(await ask(services, requests, salt)))
  }
  return answers
}

/** The parts below one that the peer answered about: those to be asked about, and ours in those where it has nothing. */
export function partsBelow(
  { path, entries }: OpenPart,
  answer: SummaryAnswer,
  salt: string,
): { readonly open: readonly OpenPart[]; readonly lacking: readonly DigestedEntry[] } {
  const place = path.length - 2
  if (place >= keyDigitCount) throw unreadable()
  const parts = partsOf(entries, place)
  const differing = differences(digestsOfParts(parts), answer, salt)
  const lacking = differing.flatMap(({ index, isEmpty }) => (isEmpty ? (parts[index] ?? []) : []))
  const open = differing.flatMap(({ index, isEmpty }) =>
    isEmpty ? [] : [{ path: [...path, index], entries: parts[index] ?? [] }],
  )
  return { open, lacking }
}

async function ask(
  services: Services,
  requests: readonly SummaryRequest[],
  salt: string,
): Promise<readonly SummaryAnswer[]> {
  if (requests.length === 0) return []
  const answers = await services.peer.summaries(requests, salt)
  if (answers.length !== requests.length) throw unreadable()
  return answers
}

/** A peer of an older version knows no salt and answers with whole digests. */
function differences(ours: readonly string[], answer: SummaryAnswer | undefined, salt: string): PackedDifference[] {
  if (answer?.kind === 'same') return []
  if (answer?.kind === 'digests' && answer.digests.length === ours.length) {
    const theirs = answer.digests
    return ours.flatMap((digest, index) => (digest === theirs[index] ? [] : [{ index, isEmpty: theirs[index] === '' }]))
  }
  const differing = answer?.kind === 'packed' ? packedDifferences(salt, ours, answer.digests) : undefined
  if (!differing) throw unreadable()
  return differing
}

/** Nothing it says may then be taken for "nothing differs". */
const unreadable = (): CatamaranError =>
  new CatamaranError('conflict', 'The peer answered a question about digests with something else.')
