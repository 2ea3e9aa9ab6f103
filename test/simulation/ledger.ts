import { conflictsCollection } from '../../shared/core/conflict-record.ts'
import { keyText, type RecordKey, type StoredRecord, type Via } from '../../shared/domain/record.ts'
import type { Site } from '../../shared/domain/site.ts'
import { stampMs, stampOrigin, type Stamp } from '../../shared/domain/stamp.ts'
import { compareVectors, vectorText, type Vector } from '../../shared/replication/vector.ts'
import { makeBrought, type Brought } from './brought.ts'
import type { Heard } from './subscriber.ts'
import { makeTraffic, type Traffic } from './traffic.ts'
import { WriteLog } from './write-log.ts'

/** What the clients were told, kept outside of both clouds. */
export interface Acknowledged {
  readonly key: RecordKey
  readonly stamp: Stamp
  readonly both: boolean
}

/** A write that a client's request stored, and the state it took the place of. */
export interface ClientWrite {
  readonly state: StoredRecord
  readonly before: StoredRecord | undefined
}

export interface Ledger {
  acknowledged: Acknowledged[]
  /** Every write that a client's request stored and that did not burn with its site, acknowledged or not. */
  readonly writes: WriteLog
  /** Those that did; one may still be on its way to the other site. */
  readonly burnt: Map<Stamp, ClientWrite>
  /** Losing writes whose conflict records burnt with a site. */
  readonly burntLosers: Set<string>
  /** How a state came to a site: `<site> <key> <vector>`. Told by a client or a merge if ever it was. */
  readonly arrivals: Map<string, Via>
  /** `<site> <stamp>` of every write whose own words a site has ever held, as a head or as a conflict. */
  readonly holders: Set<string>
  /** Called when the other site has taken in what overruled a write whose words are at this one alone. */
  readonly onWordsAlone: Partial<Record<Site, () => void>>
  /** Bytes that were published, by object key. */
  readonly objects: Map<string, string>
  /** Keys of bytes that were nowhere any more when a site had lost its own. */
  readonly burntObjects: Set<string>
  readonly brought: Brought
  /** `<site> <key>` of every asset that is deleted there, and since when in virtual milliseconds. */
  readonly trashedMs: Map<string, number>
  /** `<site> <key>` of every record whose last change came into the site's list at a place that may have been passed by then. */
  readonly listedLate: Set<string>
  /** What each client has seen of each record. */
  readonly sessions: Map<string, Vector>[]
  readonly traffic: Traffic
  readonly heard: Heard
  /** What must never happen and did, in words. */
  readonly violations: string[]
  /** Looks at each state a site stores, as it does. `nowMs` is undefined while the site's clock is not to be trusted. */
  stored(site: Site, state: StoredRecord, before: StoredRecord | undefined, nowMs: number | undefined): void
}

const aheadMsMax = 60_000

export function makeLedger(): Ledger {
  const ledger: Ledger = {
    acknowledged: [],
    writes: new WriteLog(),
    burnt: new Map(),
    burntLosers: new Set(),
    arrivals: new Map(),
    holders: new Set(),
    onWordsAlone: {},
    objects: new Map(),
    burntObjects: new Set(),
    brought: makeBrought(),
    trashedMs: new Map(),
    listedLate: new Set(),
    sessions: [],
    traffic: makeTraffic(),
    heard: { messages: new Map() },
    violations: [],
    stored: (site, state, before, nowMs) => {
      const id = `${site} ${keyText(state.key)}`
      if (before && compareVectors(state.vector, before.vector) !== 'after') {
        ledger.violations.push(`5: ${id} went from ${JSON.stringify(before.vector)} to ${JSON.stringify(state.vector)}`)
      }
      if (before && state.stamp < before.stamp) ledger.violations.push(`5: ${id} went back to ${state.stamp}`)
      const arrival = `${id} ${vectorText(state.vector)}`
      if (ledger.arrivals.get(arrival) !== 'client') ledger.arrivals.set(arrival, state.via)
      ledger.holders.add(`${site} ${keptStamp(state) ?? state.stamp}`)
      if (state.via === 'client') ledger.writes.set(state.stamp, { state, before })
      else if (nowMs !== undefined && state.stamp !== before?.stamp && stampMs(state.stamp) > nowMs + aheadMsMax) {
        ledger.violations.push(`5: ${id} was taken in ${stampMs(state.stamp) - nowMs} ms ahead of its time`)
      }
      // A write that burnt with its site was on its way to the other one, by itself or under a later one.
      for (const [stamp, write] of ledger.burnt) {
        if (keyText(write.state.key) !== keyText(state.key) || !hasSeen(state.vector, stamp)) continue
        ledger.writes.set(stamp, write)
        ledger.burnt.delete(stamp)
      }
    },
  }
  return ledger
}

export const hasSeen = (vector: Vector | undefined, stamp: Stamp): boolean =>
  (vector?.[stampOrigin(stamp)] ?? '') >= stamp

/** The stamp of the write that a conflict record keeps. */
export function keptStamp({ key, body }: StoredRecord): string | undefined {
  const stamp = key.collection === conflictsCollection ? body?.['stamp'] : undefined
  return typeof stamp === 'string' ? stamp : undefined
}
