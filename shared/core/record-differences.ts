import { CatamaranError } from '../domain/errors.ts'
import { keyText, type RecordKey } from '../domain/record.ts'
import { peerOf, type Site } from '../domain/site.ts'
import type { BucketEntry } from '../ports/record-store.ts'
import { digestOfBucket } from '../replication/digest.ts'
import { compareVectors, newestStamp, type Vector, vectorText } from '../replication/vector.ts'
import type { BucketContent } from './bucket-reading.ts'
import type { Finding } from './operation.ts'
import type { Services } from './services.ts'

/** A record of which the sites hold different states; undefined where it is absent. */
export interface Difference {
  readonly key: RecordKey
  readonly ours: Vector | undefined
  readonly theirs: Vector | undefined
}

export interface Comparison {
  /** The buckets that were compared: the peer may stop before the last one asked for. */
  readonly compared: readonly BucketContent[]
  readonly peerRecords: number
  readonly differing: readonly { readonly bucket: number; readonly differences: readonly Difference[] }[]
}

/** Compares what was read here with what the peer reads now. */
export async function compareWithPeer(services: Services, contents: readonly BucketContent[]): Promise<Comparison> {
  const answer = await services.peer.compareBuckets(
    contents.map(({ bucket, entries }) => ({ bucket, digest: digestOfBucket(entries) })),
  )
  const compared = contents.slice(0, answer.read)
  if (compared.length === 0) throw new CatamaranError('unavailable', 'The other site compared nothing.')
  const ours = new Map(compared.map(({ bucket, entries }) => [bucket, entries]))
  const differing = answer.differing.map(({ bucket, entries }) => ({
    bucket,
    differences: differencesOf(ours.get(bucket) ?? [], entries),
  }))
  return { compared, peerRecords: answer.records, differing }
}

function differencesOf(
  ours: readonly BucketEntry[],
  theirs: readonly { readonly key: RecordKey; readonly vector: Vector }[],
): Difference[] {
  const byKey = new Map<string, { key: RecordKey; ours?: Vector; theirs?: Vector }>()
  for (const { key, vector } of ours) byKey.set(keyText(key), { key, ours: vector })
  for (const { key, vector } of theirs) byKey.set(keyText(key), { ...byKey.get(keyText(key)), key, theirs: vector })
  return [...byKey.values()].flatMap((each) =>
    each.ours && each.theirs && compareVectors(each.ours, each.theirs) === 'equal'
      ? []
      : [{ key: each.key, ours: each.ours, theirs: each.theirs }],
  )
}

/** Equal for a difference that is still the same. */
export const differenceText = ({ key, ours, theirs }: Difference): string =>
  `${keyText(key)} ${ours ? vectorText(ours) : ''} ${theirs ? vectorText(theirs) : ''}`

/** Which way its state has to travel; both for a conflict, which each site then finds by itself. */
export const isToPull = ({ ours, theirs }: Difference): boolean =>
  theirs !== undefined && (ours === undefined || ['before', 'concurrent'].includes(compareVectors(ours, theirs)))
export const isToPush = ({ ours, theirs }: Difference): boolean =>
  ours !== undefined && (theirs === undefined || ['after', 'concurrent'].includes(compareVectors(ours, theirs)))

/** In plain words, as `site` sees it. */
export function describe(site: Site, difference: Difference): Finding {
  const { key, ours, theirs } = difference
  const what = keyText(key)
  const peer = peerOf(site)
  const versionOf = (vector: Vector): string => newestStamp(vector) ?? 'none'
  if (!theirs) return { kind: 'record-missing', what, detail: `It is at ${site}, but not at ${peer}.` }
  if (!ours) return { kind: 'record-missing', what, detail: `It is at ${peer}, but not at ${site}.` }
  if (isToPull(difference) && isToPush(difference)) {
    const detail = `Each site holds a version that the other has not seen: ${versionOf(ours)} at ${site}, ${versionOf(theirs)} at ${peer}.`
    return { kind: 'record-conflict', what, detail }
  }
  const [behind, ahead] = isToPull(difference) ? [site, peer] : [peer, site]
  const [older, newer] = isToPull(difference) ? [ours, theirs] : [theirs, ours]
  const detail = `${behind} has the older version ${versionOf(older)}, ${ahead} the newer ${versionOf(newer)}.`
  return { kind: 'record-older', what, detail }
}
