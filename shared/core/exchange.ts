import { bucketOf } from '../domain/hash.ts'
import { keyText, type RecordKey } from '../domain/record.ts'
import { inPart } from '../replication/bucket-parts.ts'
import { bucketAt, type DigestedEntry } from '../replication/digest.ts'
import { compareVectors, type Vector } from '../replication/vector.ts'
import { applyStates } from './apply.ts'
import { chunksOf } from './chunks.ts'
import { askParts, type BucketPath, type OpenPart, partsBelow } from './descend.ts'
import { readBucket } from './digest-tree.ts'
import { offerChanges } from './feed.ts'
import { setHeldAside } from './held-buckets.ts'
import { isPaused } from './pause.ts'
import { stateOf } from './record-history.ts'
import type { Services } from './services.ts'

/** What an exchange moved. */
export interface Moved {
  readonly pulled: number
  readonly pushed: number
  /** States of the peer that could not be applied here, and differences that could not be narrowed down to records. */
  readonly refused: number
}

export const nothingMoved: Moved = { pulled: 0, pushed: 0, refused: 0 }

export const sumOf = (a: Moved, b: Moved): Moved => ({
  pulled: a.pulled + b.pulled,
  pushed: a.pushed + b.pushed,
  refused: a.refused + b.refused,
})

const shareBucketsMax = 128
const readsAtOnce = 16
/** However large buckets have become, this is how many keys and vectors are in memory at once, or one bucket's. */
const shareEntriesMax = 20_000
/** More differing parts than an honest peer ever answers with; what is beyond waits for the next run. */
const openPartsMax = 16_384

/** Makes these buckets alike at both sites: narrows down what differs, and moves the states that one side lacks. */
export async function exchangeBuckets(
  services: Services,
  buckets: readonly BucketPath[],
  salt: string,
): Promise<Moved> {
  let moved = nothingMoved
  for await (const share of sharesOf(services, buckets)) {
    moved = sumOf(moved, await exchangeShare(services, share, salt))
  }
  return moved
}

async function* sharesOf(services: Services, buckets: readonly BucketPath[]): AsyncGenerator<OpenPart[]> {
  let share: OpenPart[] = []
  let entries = 0
  for (let start = 0; start < buckets.length; start += readsAtOnce) {
    const read = await Promise.all(
      buckets.slice(start, start + readsAtOnce).map(async (path) => ({
        path,
        entries: await readBucket(services, bucketAt(...path)),
      })),
    )
    share.push(...read)
    entries += read.reduce((sum, bucket) => sum + bucket.entries.length, 0)
    if (share.length < shareBucketsMax && entries < shareEntriesMax) continue
    yield share
    share = []
    entries = 0
  }
  if (share.length > 0) yield share
}

async function exchangeShare(services: Services, share: readonly OpenPart[], salt: string): Promise<Moved> {
  const pull: RecordKey[] = []
  const push: RecordKey[] = []
  let unresolved = 0
  for (let open = share; open.length > 0; ) {
    const answers = await askParts(services, open, salt)
    const below: OpenPart[] = []
    for (const [index, part] of open.entries()) {
      const answer = answers[index]
      if (answer?.kind === 'entries') {
        const wanted = whatToMove(part.entries, ofPart(part, answer.entries))
        pull.push(...wanted.pull)
        push.push(...wanted.push)
      } else if (answer && answer.kind !== 'same') {
        const found = partsBelow(part, answer, salt)
        below.push(...found.open)
        push.push(...found.lacking.map(({ key }) => key))
        if (found.open.length + found.lacking.length === 0) unresolved++
      }
    }
    unresolved += Math.max(0, below.length - openPartsMax)
    open = below.slice(0, openPartsMax)
  }
  const { pulled, refused } = await pullRecords(services, pull)
  return { pulled, refused: refused + unresolved, pushed: await pushRecords(services, push) }
}

/** Nothing that does not belong where it was asked for. */
const ofPart = ({ path: [page = 0, leaf = 0, ...digits] }: OpenPart, entries: readonly DigestedEntry[]) =>
  inPart(entries, digits).filter(({ key }) => bucketOf(key) === bucketAt(page, leaf))

/** Concurrent states travel both ways: each side finds the conflict by itself. */
function whatToMove(
  ours: readonly DigestedEntry[],
  theirs: readonly DigestedEntry[],
): { pull: RecordKey[]; push: RecordKey[] } {
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
  if (await isPaused(services, 'incoming')) return { pulled, refused: keys.length }
  for (const batch of chunksOf(keys)) {
    const states = await services.peer.read(batch)
    const present = states.filter((state) => state !== undefined)
    const outcomes = await applyStates(services, present)
    await setHeldAside(services, present, outcomes)
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
