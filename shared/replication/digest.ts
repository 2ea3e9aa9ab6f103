import { hash } from 'node:crypto'
import { keyText } from '../domain/record.ts'
import type { BucketEntry } from '../ports/record-store.ts'
import { vectorText } from './vector.ts'

/** A two-level tree over all buckets: 128 pages of 128 leaves. An empty text is the digest of nothing. */
export const digestPageCount = 128
export const leavesPerPage = 128

export const pageOfBucket = (bucket: number): number => Math.floor(bucket / leavesPerPage)
export const leafOfBucket = (bucket: number): number => bucket % leavesPerPage
export const bucketAt = (page: number, leaf: number): number => page * leavesPerPage + leaf

export type DigestedEntry = Pick<BucketEntry, 'key' | 'vector'>

/**
 * The digest of a set of records: which they are, and what each has seen. The exclusive or of one hash a record, so that
 * it is the same whatever order they were read in, and however the set is divided: parts combine to the whole.
 */
export function digestOfBucket(entries: readonly DigestedEntry[]): string {
  if (entries.length === 0) return ''
  const sum = Buffer.alloc(digestBytes)
  for (const entry of entries) {
    const one = hashOf(`${keyText(entry.key)}\n${vectorText(entry.vector)}`)
    for (let at = 0; at < digestBytes; at++) sum[at] = (sum[at] ?? 0) ^ (one[at] ?? 0)
  }
  return sum.toString('base64url')
}

export const digestOfChildren = (digests: readonly string[]): string =>
  digests.every((digest) => digest === '')
    ? ''
    : hashOf(digests.join(',')).subarray(0, digestBytes).toString('base64url')

/** 72 bits: two different buckets look alike once in 10^21, and the vectors change with every write. */
const digestBytes = 9

const hashOf = (text: string): Buffer => hash('sha256', text, 'buffer')
