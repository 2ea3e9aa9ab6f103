import { derivedId } from '../../shared/domain/hash.ts'
import { keyText, type RecordState } from '../../shared/domain/record.ts'
import type { Site } from '../../shared/domain/site.ts'
import type { OfferOutcome } from '../../shared/ports/peer.ts'
import { vectorText } from '../../shared/replication/vector.ts'
import type { Invocation } from './invocation.ts'
import type { World } from './world.ts'

/** 7. The feed offers no state that this site has from the peer alone. */
export function watchOffer({ link, ledger }: World, { site, name }: Invocation, states: readonly RecordState[]): void {
  link.offered[site] += states.length
  if (name !== 'feed') return
  for (const { key, vector } of states) {
    const arrivals = ledger.arrivals.get(`${site} ${keyText(key)} ${vectorText(vector)}`)
    if (arrivals === 'peer') ledger.violations.push(`7: ${site} offered ${keyText(key)} back to where it came from`)
  }
}

/** What the peer says it keeps for later, it keeps. */
export function watchOutcomes(
  { ledger, sites }: World,
  to: Site,
  states: readonly RecordState[],
  outcomes: readonly OfferOutcome[],
): void {
  const { siteStore, latestOf } = sites[to]
  for (const [index, outcome] of outcomes.entries()) {
    const state = states[index]
    if (outcome.kind !== 'quarantined' || !state) continue
    const id = `${state.stamp}/${derivedId(keyText(state.key))}`
    void siteStore.get('quarantine', id).then((item) => {
      const isApplied = Object.values(latestOf(state.key)?.vector ?? {}).includes(state.stamp)
      const hasSeenMore = (latestOf(state.key)?.stamp ?? '') >= state.stamp
      if (!item && !isApplied && !hasSeenMore) ledger.violations.push(`2: ${to} quarantined ${id} and did not keep it`)
    })
  }
}
