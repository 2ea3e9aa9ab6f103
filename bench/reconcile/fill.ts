import { bucketOf } from '../../shared/domain/hash.ts'
import { bucketCount, type RecordKey, type RecordState, type StoredRecord } from '../../shared/domain/record.ts'
import type { Site } from '../../shared/domain/site.ts'
import { formatStamp } from '../../shared/domain/stamp.ts'
import { vectorText } from '../../shared/replication/vector.ts'

const firstMs = Date.UTC(2025, 0, 1)
/** Within a day of the bench's clock: a breaker takes many edits of what has rested for longer as an attack. */
const arrivedMs = Date.UTC(2025, 11, 31, 18)

export const keyAt = (index: number): RecordKey => ({
  tenant: `tenant-${index % 50}`,
  collection: 'orders',
  id: `order-${String(index).padStart(8, '0')}`,
})

export const bodyAt = (index: number, version: number) => ({
  customer: `customer ${(index * 7919) % 100_000}`,
  cents: (index * 104_729) % 1_000_000,
  paid: index % 3 === 0,
  version,
})

/** The record of this number, written at one of the sites some time before the bench began. */
export function stateAt(index: number): RecordState {
  const site: Site = index % 2 === 0 ? 'aws' : 'azure'
  const nonce = ((index * 2_654_435_761) % 2 ** 32).toString(16).padStart(8, '0')
  const stamp = formatStamp({ ms: firstMs + index * 17, counter: 0, nonce, site })
  const createdMs = firstMs + index * 17
  return { key: keyAt(index), vector: { [site]: stamp }, stamp, deleted: false, body: bodyAt(index, 0), createdMs }
}

/** Many records as a site of this name holds them. */
export const storedStates = (site: Site, count: number): StoredRecord[] =>
  Array.from({ length: count }, (_, index) => {
    const state = stateAt(index)
    const via = state.vector[site] === undefined ? 'peer' : 'client'
    return { ...state, via, arrivalMs: arrivedMs, token: vectorText(state.vector) }
  })

/** How many of the first `count` records lie in each bucket. */
export function bucketSizes(count: number): Uint32Array {
  const sizes = new Uint32Array(bucketCount)
  for (let index = 0; index < count; index++) {
    const bucket = bucketOf(keyAt(index))
    sizes[bucket] = (sizes[bucket] ?? 0) + 1
  }
  return sizes
}
