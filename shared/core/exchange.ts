import { offerStatesMax } from '../domain/limits.ts'
import { keyText, type RecordKey } from '../domain/record.ts'
import type { SummaryAnswer } from '../ports/peer.ts'
import type { BucketEntry } from '../ports/record-store.ts'
import { bucketAt, digestOfBucket, digestOfChildren } from '../replication/digest.ts'
import { compareVectors, type Vector } from '../replication/vector.ts'
import { applyStates } from './apply.ts'
import { readBucket, readLeaves, readPages } from './digest-tree.ts'
import { offerChanges } from './feed.ts'
import { stateOf } from './record-history.ts'
import type { Services } from './services.ts'

/** A bucket's place in the digest tree. */
export type BucketPath = readonly [page: number, leaf: number]

/** What an exchange moved. */
export interface Moved {
  readonly pulled: number
  readonly pushed: number
  /** States of the peer that could not be applied here. */
  readonly refused: number
}

export const nothingMoved: Moved = { pulled: 0, pushed: 0, refused: 0 }

export const sumOf = (a: Moved, b: Moved): Moved => ({
  pulled: a.pulled + b.pulled,
  pushed: a.pushed + b.pushed,
  refused: a.refused + b.refused,
})

const bucketsPerRequest = 32

/** Descends from the root into the pages that differ. Nothing differs: one question, one answer. Undefined while the peer is busy. */
export async function differingBuckets(services: Services): Promise<BucketPath[] | undefined> {
  const pages = await readPages(services)
  const [root] = await services.peer.summaries([{ path: [], digest: digestOfChildren(pages) }])
  if (root?.kind === 'busy') return undefined
  const differing = differences(pages, root)
  if (differing.length === 0) return []
  const leaves = await Promise.all(differing.map((page) => readLeaves(services, page)))
  const answers = await services.peer.summaries(
    differing.map((page, index) => ({ path: [page], digest: digestOfChildren(leaves[index] ?? []) })),
  )
  return differing.flatMap((page, index) =>
    differences(leaves[index] ?? [], answers[index]).map((leaf): BucketPath => [page, leaf]),
  )
}

function differences(ours: readonly string[], answer: SummaryAnswer | undefined): number[] {
  if (answer?.kind !== 'digests') return []
  return answer.digests.flatMap((digest, index) => (digest === ours[index] ? [] : [index]))
}

/** Makes these buckets alike at both sites: compares keys and vectors, and moves the states that one side lacks. */
export async function exchangeBuckets(services: Services, buckets: readonly BucketPath[]): Promise<Moved> {
  let moved = nothingMoved
  for (let start = 0; start < buckets.length; start += bucketsPerRequest) {
    moved = sumOf(moved, await exchangeShare(services, buckets.slice(start, start + bucketsPerRequest)))
  }
  return moved
}

async function exchangeShare(services: Services, buckets: readonly BucketPath[]): Promise<Moved> {
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

type Entry = Pick<BucketEntry, 'key' | 'vector'>

/** Concurrent states travel both ways: each side finds the conflict by itself. */
function whatToMove(ours: readonly Entry[], theirs: readonly Entry[]): { pull: RecordKey[]; push: RecordKey[] } {
  const theirsByKey = new Map(theirs.map((entry) => [keyText(entry.key), entry.vector]))
  const oursByKey = new Map(ours.map((entry) => [keyText(entry.key), entry.vector]))
  const seenMore = (a: Vector, b: Vector | undefined): boolean =>
    b === undefined || ['after', 'concurrent'].includes(compareVectors(a, b))
  return {
    push: ours.filter((entry) => seenMore(entry.vector, theirsByKey.get(keyText(entry.key)))).map(({ key }) => key),
    pull: theirs.filter((entry) => seenMore(entry.vector, oursByKey.get(keyText(entry.key)))).map(({ key }) => key),
  }
}

async function pullRecords(services: Services, keys: readonly RecordKey[]): Promise<Omit<Moved, 'pushed'>> {
  let [pulled, refused] = [0, 0]
  for (const batch of chunksOf(keys)) {
    const states = await services.peer.read(batch)
    const outcomes = await applyStates(
      services,
      states.filter((state) => state !== undefined),
    )
    pulled += outcomes.filter(({ kind }) => kind === 'applied' || kind === 'merged').length
    refused += outcomes.filter(({ kind }) => kind === 'failed' || kind === 'quarantined' || kind === 'frozen').length
  }
  return { pulled, refused }
}

async function pushRecords(services: Services, keys: readonly RecordKey[]): Promise<number> {
  let taken = 0
  for (const batch of chunksOf(keys)) {
    const records = await services.records.getMany(batch)
    taken += await offerChanges(services, records.filter((record) => record !== undefined).map(stateOf))
  }
  return taken
}

export function* chunksOf(keys: readonly RecordKey[]): Generator<readonly RecordKey[]> {
  for (let start = 0; start < keys.length; start += offerStatesMax) yield keys.slice(start, start + offerStatesMax)
}
