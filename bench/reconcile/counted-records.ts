import type { RecordKey } from '../../shared/domain/record.ts'
import type { RecordStore } from '../../shared/ports/record-store.ts'

/** What was asked of a record store. */
export interface Reads {
  /** Keys and vectors read from the bucket index. */
  entries: number
  /** Whole records read. */
  records: number
  /** Keys that were written. */
  readonly changed: RecordKey[]
}

/** A record store that counts what is read from it, and tells what was written, as its change feed would. */
export function countedRecords(store: RecordStore): { readonly records: RecordStore; readonly reads: Reads } {
  const reads: Reads = { entries: 0, records: 0, changed: [] }
  const records: RecordStore = {
    ...store,
    get: (key) => {
      reads.records += 1
      return store.get(key)
    },
    getMany: (keys) => {
      reads.records += keys.length
      return store.getMany(keys)
    },
    put: async (state, condition, facts) => {
      const outcome = await store.put(state, condition, facts)
      if (outcome.kind === 'stored') reads.changed.push(state.key)
      return outcome
    },
    putMany: async (writes) => {
      const outcomes = await store.putMany(writes)
      for (const [index, outcome] of outcomes.entries()) {
        const write = writes[index]
        if (write && outcome.kind === 'stored') reads.changed.push(write.state.key)
      }
      return outcomes
    },
    scanBuckets: async (buckets, page) => {
      const found = await store.scanBuckets(buckets, page)
      reads.entries += found.items.length
      return found
    },
  }
  return { records, reads }
}
