import {
  bucketBounds,
  bucketPageText,
  feedText,
  partitionText,
  recordIndex,
  type RecordIndex,
} from '../../shared/domain/record-index.ts'
import type { JsonObject } from '../../shared/domain/json.ts'
import { type FieldFacts, keyText, type RecordKey, type StoredRecord } from '../../shared/domain/record.ts'
import { storedText } from '../../shared/domain/stored-text.ts'
import { compareUtf8 } from '../../shared/domain/utf8.ts'
import { vectorText } from '../../shared/replication/vector.ts'
import { eachWrite } from '../../shared/adapters/write-batch.ts'
import type { Page, PageRequest } from '../../shared/ports/page.ts'
import type { BucketEntry, RecordStore } from '../../shared/ports/record-store.ts'
import { freeze, frozenCopy, frozenShallow } from './frozen.ts'
import { MemoryIndex } from './memory-index.ts'

export interface MemoryRecordStore extends RecordStore {
  /** Every stored state, tombstones included, in the order of keyText. */
  all(): StoredRecord[]
  /** Replaces everything by these states, as restoring a backup would; `onChange` is not called. */
  load(states: readonly StoredRecord[]): void
  /** Puts a state that another store of this kind handed out, whatever is there now; `onChange` is not called. */
  take(state: StoredRecord): void
}

interface Kept {
  readonly state: StoredRecord
  readonly index: RecordIndex
}

/** A record store without I/O or chance. `onChange` is its change feed: called with each state stored, in order. */
export function memoryRecordStore(
  options: { readonly onChange?: (state: StoredRecord) => void } = {},
): MemoryRecordStore {
  // Values are frozen, so that nobody can reach into the store through an object it handed out.
  const items = new Map<string, Kept>()
  const partitions = new MemoryIndex()
  const buckets = new MemoryIndex()
  const feeds = new MemoryIndex()

  const read = (text: string): StoredRecord | undefined => items.get(text)?.state
  const bucketKeyOf = (key: RecordKey): string => items.get(keyText(key))?.index.bucketKey ?? ''
  const write = (state: StoredRecord): void => {
    const text = keyText(state.key)
    unlink(items.get(text))
    const index = recordIndex(state.key, state.arrivalMs)
    items.set(text, { state, index })
    partitions.add(index.partition, state.key.id, text)
    buckets.add(index.bucketPage, index.bucketKey, text)
    feeds.add(index.feedKey, index.arrivalKey, text)
  }
  const unlink = (old: Kept | undefined): void => {
    if (!old) return
    const { state, index } = old
    partitions.remove(index.partition, state.key.id)
    buckets.remove(index.bucketPage, index.bucketKey)
    feeds.remove(index.feedKey, index.arrivalKey)
  }
  const page = (index: MemoryIndex, group: string, request: PageRequest) => {
    const { items: texts, next } = index.page(group, request)
    const found = texts.flatMap((text) => read(text) ?? [])
    return { items: found, ...(next === undefined ? {} : { next }) } satisfies Page<StoredRecord>
  }

  const put: RecordStore['put'] = async (state, condition, facts) => {
    const text = storedText(state)
    const current = read(keyText(state.key))
    const holds = condition.kind === 'absent' ? !current : current?.token === condition.token
    if (!holds) return { kind: 'changed' }
    const { key, vector, stamp, deleted, createdMs, applied, overruled } = state
    const honoured = applied && applied.length > 0 ? { applied: Object.freeze(applied.map(frozenShallow)) } : {}
    const fields = text.fields === undefined ? undefined : (JSON.parse(text.fields) as FieldFacts)
    const kept = { ...honoured, ...(overruled ? { overruled } : {}), ...(fields ? { fields: freeze(fields) } : {}) }
    const body = text.body === undefined ? null : freeze(JSON.parse(text.body) as JsonObject)
    const token = vectorText(vector)
    const named = { key: frozenShallow(key), vector: frozenShallow(vector) }
    const stored = Object.freeze({ ...named, stamp, deleted, body, createdMs, ...kept, ...facts, token })
    write(stored)
    options.onChange?.(stored)
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
      page(partitions, partitionText(tenant, collection, shard), request),
    scanBuckets: async ({ first, last }, { after, limit }) => {
      const { above, below } = bucketBounds(first, last)
      const found = page(buckets, bucketPageText(first), { after: after ?? above, limit })
      const inside = found.items.filter(({ key }) => bucketKeyOf(key) < below)
      const items = inside.map(({ key, vector, deleted }): BucketEntry => ({ key, vector, deleted }))
      return found.next === undefined || inside.length < found.items.length ? { items } : { items, next: found.next }
    },
    arrivals: async (tenant, shard, request) => page(feeds, feedText(tenant, shard), request),
    all: () => [...items.keys()].sort(compareUtf8).flatMap((text) => read(text) ?? []),
    take: write,
    load: (states) => {
      items.clear()
      for (const index of [partitions, buckets, feeds]) index.clear()
      for (const state of states) write(frozenCopy(state))
    },
  }
}
