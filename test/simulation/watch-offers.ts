import { conflictsCollection } from '../../shared/core/conflict-record.ts'
import { derivedId } from '../../shared/domain/hash.ts'
import { keyText, type RecordState } from '../../shared/domain/record.ts'
import { sites as all, type Site } from '../../shared/domain/site.ts'
import type { OfferOutcome } from '../../shared/ports/peer.ts'
import { stampOrigin } from '../../shared/domain/stamp.ts'
import { compareVectors, vectorText } from '../../shared/replication/vector.ts'
import { isKept } from './content.ts'
import type { Invocation } from './invocation.ts'
import type { World } from './world.ts'

/** 7. The feed offers no state that this site has from the peer alone. */
export function watchOffer({ link, ledger }: World, { site, name }: Invocation, states: readonly RecordState[]): void {
  // A conflict record that goes with the state that overruled it is no message of its own.
  const isRiding = ({ key, body }: RecordState): boolean =>
    key.collection === conflictsCollection &&
    states.some((state) => state.key.id === body?.['recordId'] && state.key.collection === body['collection'])
  const heads = states.filter((state) => !isRiding(state))
  link.offered[site] += heads.length
  ledger.traffic.offered(site, states)
  if (name !== 'feed') return
  for (const { key, vector } of heads) {
    const arrivals = ledger.arrivals.get(`${site} ${keyText(key)} ${vectorText(vector)}`)
    if (arrivals === 'peer') ledger.violations.push(`7: ${site} offered ${keyText(key)} back to where it came from`)
  }
}

/** The peer holds what it says it holds, and keeps what it says it keeps for later. */
export function watchOutcomes(
  world: World,
  to: Site,
  states: readonly RecordState[],
  outcomes: readonly OfferOutcome[],
): void {
  const { ledger, sites } = world
  const { siteStore, latestOf } = sites[to]
  for (const [index, { kind }] of outcomes.entries()) {
    const state = states[index]
    if (!state) continue
    const held = latestOf(state.key)
    const isHeld = held !== undefined && ['equal', 'after'].includes(compareVectors(held.vector, state.vector))
    const isSaidToBeHeld = ['applied', 'known', 'merged'].includes(kind)
    if (isSaidToBeHeld && !isHeld) {
      ledger.violations.push(`2: ${to} said that ${keyText(state.key)} is ${kind}, and does not hold it`)
    }
    if (isSaidToBeHeld && isHeld && !isKept(world, whereToLook(world, to, state), state)) {
      ledger.violations.push(`4: ${to} said that ${keyText(state.key)} ${state.stamp} is ${kind}, and nobody keeps it`)
    }
    if (kind !== 'quarantined' || isHeld) continue
    const id = `${state.stamp}/${derivedId(keyText(state.key))}`
    void siteStore.get('quarantine', id).then((item) => {
      const hasSeenMore = (latestOf(state.key)?.stamp ?? '') >= state.stamp
      if (!item && !hasSeenMore) ledger.violations.push(`2: ${to} quarantined ${id} and did not keep it`)
    })
  }
}

/**
 * Only a later write of the same site may have come in the place of one that lost there: then it is kept there alone, until
 * reconciliation has passed it on.
 */
function whereToLook({ sites, profile }: World, to: Site, { key, stamp }: RecordState): readonly Site[] {
  const isNewest = sites[to].latestOf(key)?.vector[stampOrigin(stamp)] === stamp
  return isNewest && profile.rebuild === 'none' ? [to] : all
}
