import { bucketOf, derivedId } from '../domain/hash.ts'
import type { StoredRecord } from '../domain/record.ts'
import type { Services } from './services.ts'

const partition = 'dirty'

export interface DirtyMarks {
  readonly buckets: readonly number[]
  /** Pass them to `clearDirty` once the buckets have been read. */
  readonly ids: readonly string[]
  readonly more: boolean
}

/**
 * Marks the buckets of a batch as changed since their digest was taken: one item a batch, named by what is in it, so
 * that a delivery that repeats marks nothing twice. Stored before anything else is done with the batch: from then on
 * reconciliation finds these changes even if everything after it fails.
 */
export async function markDirty(services: Services, changes: readonly StoredRecord[]): Promise<void> {
  const buckets = [...new Set(changes.map((change) => bucketOf(change.key)))].sort((a, b) => a - b)
  if (buckets.length === 0) return
  const name = derivedId(...changes.map((change) => change.stamp))
  const id = `${markTime(services.clock.now())}/${name}`
  await services.siteStore.put({ partition, id, value: { buckets } }, { kind: 'any' })
}

/** An index may lag behind its table; and a change this young is most likely still on its way to the peer. */
const settleMs = 3000

/** The oldest marks that have settled, up to `limit` batches. */
export async function readDirty(services: Services, limit: number): Promise<DirtyMarks> {
  const page = await services.siteStore.list(partition, { limit })
  const settled = page.items.filter((item) => item.id < markTime(services.clock.now() - settleMs))
  const buckets = [...new Set(settled.flatMap((item) => item.value['buckets'] as number[]))]
  const more = page.next !== undefined && settled.length === page.items.length
  return { buckets, ids: settled.map((item) => item.id), more }
}

const markTime = (ms: number): string => String(Math.max(0, ms)).padStart(15, '0')

export async function clearDirty(services: Services, ids: readonly string[]): Promise<void> {
  for (const id of ids) await services.siteStore.remove(partition, id)
}
