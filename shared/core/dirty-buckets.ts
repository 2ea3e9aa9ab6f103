import { bucketOf, derivedId } from '../domain/hash.ts'
import { keyText, type RecordState, type StoredRecord } from '../domain/record.ts'
import type { SiteItem } from '../ports/site-store.ts'
import { forEachOf } from './each.ts'
import type { Services } from './services.ts'

export const dirtyPartition = 'dirty'
export const undeliveredPartition = 'undelivered'

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
  await mark(services, dirtyPartition, changes)
}

/** Marks the buckets of what the peer did not take: reconciliation looks at these first, and without asking the digests. */
export const markUndelivered = (services: Services, states: readonly RecordState[]): Promise<void> =>
  mark(services, undeliveredPartition, states)

async function mark(services: Services, partitionName: string, states: readonly RecordState[]): Promise<void> {
  const buckets = [...new Set(states.map((state) => bucketOf(state.key)))].sort((a, b) => a - b)
  if (buckets.length === 0) return
  // The stamp alone would not do: the conflicts that one write lost in all have its stamp.
  const name = derivedId(...states.flatMap(({ key, stamp }) => [keyText(key), stamp]))
  const id = `${markTime(services.clock.now())}/${name}`
  await services.siteStore.put({ partition: partitionName, id, value: { buckets } }, { kind: 'any' })
}

/** The oldest batches that the peer did not take, up to `limit`, marked before a moment. */
export async function readUndelivered(
  services: Services,
  { beforeMs, limit }: { readonly beforeMs: number; readonly limit: number },
): Promise<DirtyMarks> {
  return readBefore(services, undeliveredPartition, { beforeMs, limit })
}

export const clearUndelivered = (services: Services, ids: readonly string[]): Promise<void> =>
  clear(services, undeliveredPartition, ids)

const marksOf = (items: readonly SiteItem[]): Pick<DirtyMarks, 'buckets' | 'ids'> => ({
  buckets: [...new Set(items.flatMap((item) => item.value['buckets'] as number[]))],
  ids: items.map((item) => item.id),
})

/** An index may lag behind its table; and a change this young is most likely still on its way to the peer. */
const settleMs = 3000

/** The oldest marks that have settled, up to `limit` batches. */
export const readDirty = (services: Services, limit: number): Promise<DirtyMarks> =>
  readBefore(services, dirtyPartition, { beforeMs: services.clock.now() - settleMs, limit })

async function readBefore(
  services: Services,
  partitionName: string,
  { beforeMs, limit }: { readonly beforeMs: number; readonly limit: number },
): Promise<DirtyMarks> {
  const page = await services.siteStore.list(partitionName, { limit })
  const settled = page.items.filter((item) => item.id < markTime(beforeMs))
  const more = page.next !== undefined && settled.length === page.items.length
  return { ...marksOf(settled), more }
}

const markTime = (ms: number): string => String(Math.max(0, ms)).padStart(15, '0')

export const clearDirty = (services: Services, ids: readonly string[]): Promise<void> =>
  clear(services, dirtyPartition, ids)

const clear = (services: Services, partitionName: string, ids: readonly string[]): Promise<void> =>
  forEachOf(ids, clearConcurrencyMax, (id) => services.siteStore.remove(partitionName, id))

const clearConcurrencyMax = 8
