import { bucketOf } from '../../shared/domain/hash.ts'
import type { RecordKey } from '../../shared/domain/record.ts'

const perBucket = 60

/** Keys that crowd into two buckets of different pages, as all buckets are crowded in a large set. */
export function crowdedKeys(): readonly RecordKey[] {
  const found = new Map<number, RecordKey[]>([
    [77, []],
    [9_001, []],
  ])
  for (let n = 0; [...found.values()].some(({ length }) => length < perBucket); n++) {
    const key = { tenant: 'acme', collection: 'notes', id: `n${n}` }
    const bucket = found.get(bucketOf(key))
    if (bucket && bucket.length < perBucket) bucket.push(key)
  }
  return [...found.values()].flat()
}
