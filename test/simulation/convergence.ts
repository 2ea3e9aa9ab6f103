import { sites } from '../../shared/domain/site.ts'
import { notConverged } from './invariants.ts'
import { isFrozen } from './operator.ts'
import type { World } from './world.ts'

const minuteMs = 60_000
/**
 * What is left of an operator's pause is a quarter of an hour at most. A reconcile that begins after it moves whatever is marked,
 * and one runs at each site every minute: twice over, should the first meet what is still on its way. Then as much again.
 */
const convergedMinutesMax = 30

/**
 * 1. Once the faults are over the sites come to hold equal records soon, not only in the end. Looked at while they settle:
 * work that is still to be done writes records at any time, so that being equal once is enough.
 */
export function convergence(world: World): { look(): void } {
  const { scheduler, ledger } = world
  const dueMs = scheduler.now() + aheadMs(world) + convergedMinutesMax * minuteMs
  let isOver = mayTakeHours(world)
  const look = (): void => {
    if (isOver) return
    const [fault] = notConverged(world)
    isOver = fault === undefined || isHeldBack(world)
    if (isOver || scheduler.now() < dueMs) return
    isOver = true
    ledger.violations.push(`1: records still differ after ${convergedMinutesMax} min: ${fault}`)
  }
  return { look }
}

/** A change that no feed told of is found within a cycle of the scrub; a site that lost its data is filled first. */
const mayTakeHours = ({ profile: { loseFeedEvents, rebuild, longOutage } }: World): boolean =>
  loseFeedEvents > 0 || rebuild !== 'none' || longOutage

/** By how much the fastest clock ran ahead: until then what it stamped may stand in the other site's quarantine. */
const aheadMs = ({ sites: all }: World): number =>
  Math.max(...sites.map((site) => Math.max(0, all[site].clockHighMs() - all[site].now())))

const isHeldBack = (world: World): boolean => sites.some((site) => isFrozen(world, site))
