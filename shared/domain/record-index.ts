import { bucketOfDigest, keyDigest, shardOfDigest } from './hash.ts'
import type { RecordKey } from './record.ts'

/** Where every store keeps a record, in the same words, so that keys can be compared across sites. */
export interface RecordIndex {
  /** `<tenant>/<collection>/<shard>` */
  readonly partition: string
  /** The page of the digest tree, three digits. */
  readonly bucketPage: string
  /** Sorts by reconcile bucket, and is unique: it is also the cursor that stands just after this record. */
  readonly bucketKey: string
  /** `<tenant>/<arrival shard>` */
  readonly feedKey: string
  /** Sorts by arrival and is unique: it is also the cursor that stands just after this record. */
  readonly arrivalKey: string
}

/** Must equal arrivalShardCount of the record store's port; kept here so that the domain imports no port. */
const feedShardCount = 4

export function recordIndex(key: RecordKey, arrivalMs: number): RecordIndex {
  const digest = keyDigest(key)
  const bucket = bucketOfDigest(digest)
  const shard = shardOfDigest(digest)
  return {
    partition: partitionText(key.tenant, key.collection, shard),
    bucketPage: bucketPageText(bucket),
    bucketKey: `${bucketText(bucket)}/${digest.slice(0, 16)}`,
    feedKey: feedText(key.tenant, shard % feedShardCount),
    arrivalKey: arrivalKeyOf(digest, arrivalMs),
  }
}

export const partitionText = (tenant: string, collection: string, shard: number): string =>
  `${tenant}/${collection}/${shard}`

const bucketsPerPage = 128

export const bucketPageText = (bucket: number): string => String(Math.floor(bucket / bucketsPerPage)).padStart(3, '0')

export const bucketText = (bucket: number): string => String(bucket).padStart(5, '0')

/** Every bucketKey of the buckets from `first` to `last` lies between these two. */
export const bucketBounds = (first: number, last: number): { readonly above: string; readonly below: string } => ({
  above: `${bucketText(first)}/`,
  // The character after the slash.
  below: `${bucketText(last)}0`,
})

export const feedText = (tenant: string, shard: number): string => `${tenant}/${shard}`

const arrivalKeyOf = (digest: string, arrivalMs: number): string =>
  `${String(arrivalMs).padStart(15, '0')}/${digest.slice(0, 12)}`

/** The key of a record from where it is kept. */
export function keyOfPartition(partition: string, id: string): RecordKey {
  const [tenant = '', collection = ''] = partition.split('/')
  return { tenant, collection, id }
}
