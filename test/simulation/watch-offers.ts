import { derivedId } from '../../shared/domain/hash.ts'
import { keyText, type RecordState } from '../../shared/domain/record.ts'
import type { Site } from '../../shared/domain/site.ts'
import type { OfferOutcome } from '../../shared/ports/peer.ts'
import { compareVectors, vectorText } from '../../shared/replication/vector.ts'
import type { Invocation } from './invocation.ts'
import type { World } from './world.ts'

/** 7. The feed offers no state that this site has from the peer alone. */
export function watchOffer({ link, ledger }: World, { site, name }: Invocation, states: readonly RecordState[]): void {
  link.offered[site] += states.length
  ledger.traffic.offered(site, states)
  if (name !== 'feed') return
  for (const { key, vector } of states) {
    const arrivals = ledger.arrivals.get(`${site} ${keyText(key)} ${vectorText(vector)}`)
    if (arrivals === 'peer') ledger.violations.push(`7: ${site} offered ${keyText(key)} back to where it came from`)
  }
}

/** The peer holds what it says it holds, and keeps what it says it keeps for later. */
export function watchOutcomes(
  { ledger, sites }: World,
  to: Site,
  states: readonly RecordState[],
  outcomes: readonly OfferOutcome[],
): void {
  const { siteStore, latestOf } = sites[to]
  for (const [index, { kind }] of outcomes.entries()) {
    const state = states[index]
    if (!state) continue
    const held = latestOf(state.key)
    const isHeld = held !== undefined && ['equal', 'after'].includes(compareVectors(held.vector, state.vector))
    if (['applied', 'known', 'merged'].includes(kind) && !isHeld) {
      ledger.violations.push(`2: ${to} said that ${keyText(state.key)} is ${kind}, and does not hold it`)
    }
    if (kind !== 'quarantined' || isHeld) continue
    const id = `${state.stamp}/${derivedId(keyText(state.key))}`
    void siteStore.get('quarantine', id).then((item) => {
      const hasSeenMore = (latestOf(state.key)?.stamp ?? '') >= state.stamp
      if (!item && !hasSeenMore) ledger.violations.push(`2: ${to} quarantined ${id} and did not keep it`)
    })
  }
}
