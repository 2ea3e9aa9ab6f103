import { keyText, type RecordKey, type StoredRecord } from '../../shared/domain/record.ts'
import type { Site } from '../../shared/domain/site.ts'
import type { Stamp } from '../../shared/domain/stamp.ts'
import { compareVectors } from '../../shared/replication/vector.ts'

/** What the clients were told, kept outside of both clouds. */
export interface Acknowledged {
  readonly key: RecordKey
  readonly stamp: Stamp
  readonly both: boolean
}

export interface Ledger {
  readonly acknowledged: Acknowledged[]
  /** Every state that a client's request stored at a site, acknowledged or not, with the vector it was written with. */
  readonly writes: Map<Stamp, StoredRecord>
  /** Bytes that were published, by object key. */
  readonly objects: Map<string, string>
  /** What must never happen and did, in words. */
  readonly violations: string[]
  /** Looks at each state a site stores, as it does. */
  stored(site: Site, state: StoredRecord): void
}

export function makeLedger(): Ledger {
  const latest = new Map<string, StoredRecord>()
  const ledger: Ledger = {
    acknowledged: [],
    writes: new Map(),
    objects: new Map(),
    violations: [],
    stored: (site, state) => {
      const id = `${site} ${keyText(state.key)}`
      const before = latest.get(id)
      latest.set(id, state)
      if (before && compareVectors(state.vector, before.vector) !== 'after') {
        ledger.violations.push(`5: ${id} went from ${JSON.stringify(before.vector)} to ${JSON.stringify(state.vector)}`)
      }
      if (before && state.stamp < before.stamp) ledger.violations.push(`5: ${id} went back to ${state.stamp}`)
      if (state.via === 'client') ledger.writes.set(state.stamp, state)
    },
  }
  return ledger
}
