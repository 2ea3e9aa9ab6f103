import { createHash } from 'node:crypto'
import { keyText } from '../domain/record.ts'
import type { BucketEntry } from '../ports/record-store.ts'
import { vectorText } from './vector.ts'

/** A two-level tree over all buckets: 128 pages of 128 leaves. An empty text is the digest of nothing. */
export const digestPageCount = 128
export const leavesPerPage = 128

export const pageOfBucket = (bucket: number): number => Math.floor(bucket / leavesPerPage)
export const leafOfBucket = (bucket: number): number => bucket % leavesPerPage
export const bucketAt = (page: number, leaf: number): number => page * leavesPerPage + leaf

/** The digest of a bucket's contents, the same whatever order they were read in: which records, and what each has seen. */
export function digestOfBucket(entries: readonly Pick<BucketEntry, 'key' | 'vector'>[]): string {
  if (entries.length === 0) return ''
  const lines = entries.map((entry) => `${keyText(entry.key)}\n${vectorText(entry.vector)}\n`).sort()
  return digestOf(lines.join('\n'))
}

export const digestOfChildren = (digests: readonly string[]): string =>
  digests.every((digest) => digest === '') ? '' : digestOf(digests.join(','))

/** 72 bits: two different buckets look alike once in 10^21, and the vectors change with every write. */
const digestOf = (text: string): string => createHash('sha256').update(text).digest('base64url').slice(0, 12)
