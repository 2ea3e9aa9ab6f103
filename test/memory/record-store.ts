import { bucketBounds, bucketPageText, feedText, partitionText, recordIndex } from '../../shared/domain/record-index.ts'
import { keyText, type RecordKey, type StoredRecord } from '../../shared/domain/record.ts'
import { storedText } from '../../shared/domain/stored-text.ts'
import { compareUtf8 } from '../../shared/domain/utf8.ts'
import { vectorText } from '../../shared/replication/vector.ts'
import { eachWrite } from '../../shared/adapters/write-batch.ts'
import type { Page, PageRequest } from '../../shared/ports/page.ts'
import type { BucketEntry, RecordStore } from '../../shared/ports/record-store.ts'
import { MemoryIndex } from './memory-index.ts'

export interface MemoryRecordStore extends RecordStore {
  /** Every stored state, tombstones included, in the order of keyText. */
  all(): StoredRecord[]
  /** Replaces everything by these states, as restoring a backup would; `onChange` is not called. */
  load(states: readonly StoredRecord[]): void
}

/** A record store without I/O or chance. `onChange` is its change feed: called with each state stored, in order. */
export function memoryRecordStore(
  options: { readonly onChange?: (state: StoredRecord) => void } = {},
): MemoryRecordStore {
  // Values are text, so that nobody can reach into the store through an object it handed out.
  const items = new Map<string, string>()
  const partitions = new MemoryIndex()
  const buckets = new MemoryIndex()
  const feeds = new MemoryIndex()

  const read = (text: string): StoredRecord | undefined => {
    const item = items.get(text)
    return item === undefined ? undefined : (JSON.parse(item) as StoredRecord)
  }
  const write = (state: StoredRecord): void => {
    const text = keyText(state.key)
    unlink(read(text))
    const { partition, bucketPage, bucketKey, feedKey, arrivalKey } = recordIndex(state.key, state.arrivalMs)
    items.set(text, JSON.stringify(state))
    partitions.add(partition, state.key.id, text)
    buckets.add(bucketPage, bucketKey, text)
    feeds.add(feedKey, arrivalKey, text)
  }
  const unlink = (old: StoredRecord | undefined): void => {
    if (!old) return
    const { partition, bucketPage, bucketKey, feedKey, arrivalKey } = recordIndex(old.key, old.arrivalMs)
    partitions.remove(partition, old.key.id)
    buckets.remove(bucketPage, bucketKey)
    feeds.remove(feedKey, arrivalKey)
  }
  const page = <Item>(index: MemoryIndex, group: string, request: PageRequest, map: (state: StoredRecord) => Item) => {
    const { items: texts, next } = index.page(group, request)
    const found = texts.flatMap((text) => read(text) ?? []).map(map)
    return { items: found, ...(next === undefined ? {} : { next }) } satisfies Page<Item>
  }

  const put: RecordStore['put'] = async (state, condition, facts) => {
    const text = storedText(state)
    const current = read(keyText(state.key))
    const holds = condition.kind === 'absent' ? !current : current?.token === condition.token
    if (!holds) return { kind: 'changed' }
    const { key, vector, stamp, deleted, createdMs, applied } = state
    const kept = applied && applied.length > 0 ? { applied } : {}
    const body = text.body === undefined ? null : JSON.parse(text.body)
    const token = vectorText(vector)
    const stored: StoredRecord = { key, vector, stamp, deleted, body, createdMs, ...kept, ...facts, token }
    write(stored)
    options.onChange?.(structuredClone(stored))
    return { kind: 'stored', token }
  }
  return {
    get: async (key) => read(keyText(key)),
    getMany: async (keys: readonly RecordKey[]) => keys.map((key) => read(keyText(key))),
    put,
    putMany: (writes) =>
      eachWrite(
        writes,
        (write) => (storedText(write.state), write),
        (items) => Promise.all(items.map(({ item: { state, condition, facts } }) => put(state, condition, facts))),
      ),
    query: async ({ tenant, collection, shard }, request) =>
      page(partitions, partitionText(tenant, collection, shard), request, (state) => state),
    scanBuckets: async ({ first, last }, { after, limit }) => {
      const { above, below } = bucketBounds(first, last)
      const found = page(buckets, bucketPageText(first), { after: after ?? above, limit }, (state) => state)
      const inside = found.items.filter((state) => recordIndex(state.key, 0).bucketKey < below)
      const items = inside.map(({ key, vector, deleted }): BucketEntry => ({ key, vector, deleted }))
      return found.next === undefined || inside.length < found.items.length ? { items } : { items, next: found.next }
    },
    arrivals: async (tenant, shard, request) => page(feeds, feedText(tenant, shard), request, (state) => state),
    all: () => [...items.keys()].sort(compareUtf8).flatMap((text) => read(text) ?? []),
    load: (states) => {
      items.clear()
      for (const index of [partitions, buckets, feeds]) index.clear()
      for (const state of states) write(state)
    },
  }
}
