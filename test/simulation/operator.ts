import type { Services } from '../../shared/core/services.ts'
import { hasCode } from '../../shared/domain/errors.ts'
import type { StoredRecord } from '../../shared/domain/record.ts'
import { keyText } from '../../shared/domain/record.ts'
import { type Site, sites } from '../../shared/domain/site.ts'
import { type Way, ways } from '../../shared/ports/peer.ts'
import type { Code } from './code.ts'
import { makeInvocation } from './invocation.ts'
import type { World } from './world.ts'

/** What was begun before a pause may end this long after it. */
const graceMs = 60_000
const againMs = 20_000
const pauseMsMax = 900_000
const lookMs = 300_000
const outageLookMs = 3_600_000

/** Since when each way of each site is paused for sure, in virtual milliseconds. */
const inForce = new WeakMap<World, Map<string, number>>()

const nameOf = (site: Site, way: Way): string => `${site} ${way}`

/** An operator stops one way of one site now and then, and lets it flow again. A site that lost its data forgets its pauses. */
export function startOperator(world: World): void {
  const { scheduler, profile, streams, faultsOn } = world
  inForce.set(world, new Map())
  if (profile.pausesMs === 0 || profile.rebuild !== 'none' || profile.longOutage) return
  const next = (): void => {
    if (!faultsOn()) return
    pauseFor(world, streams.operator.of(sites), streams.operator.of(ways))
    scheduler.at(scheduler.now() + 1 + streams.operator.pick(2 * profile.pausesMs), 'operator', next)
  }
  scheduler.at(streams.operator.pick(profile.pausesMs), 'operator', next)
}

function pauseFor(world: World, site: Site, way: Way): void {
  const { scheduler, streams, mark } = world
  const pauses = inForce.get(world)
  if (!pauses || pauses.has(nameOf(site, way))) return
  pauses.set(nameOf(site, way), Infinity)
  const untilMs = scheduler.now() + streams.operator.between(2 * againMs, pauseMsMax)
  const resume = (): void => {
    pauses.set(nameOf(site, way), Infinity)
    persist(
      world,
      site,
      (services, { resumeReplication }) => resumeReplication(services, way, 'operator'),
      () => {
        pauses.delete(nameOf(site, way))
        mark('resumed')
      },
    )
  }
  const pause = (services: Services, { pauseReplication }: Code) =>
    pauseReplication(services, way, { reason: 'simulated', by: 'operator' })
  persist(world, site, pause, () => {
    pauses.set(nameOf(site, way), scheduler.now())
    mark(way === 'outgoing' ? 'outgoing paused' : 'incoming paused')
    scheduler.at(Math.max(untilMs, scheduler.now() + 2 * againMs), 'operator resumes', resume)
  })
}

/** Whether a breaker holds back at this site what the peer deletes. */
export const isFrozen = ({ sites: all }: World, site: Site): boolean =>
  all[site].siteStore.within('breaker').some(({ value }) => value['frozen'] !== undefined)

/**
 * Many clients delete more within an hour than a breaker lets through. Somebody sees the alarm, finds that it is the clients'
 * own work, and lets it through: without that the sites never become alike.
 */
export function startReleasing(world: World): void {
  const { scheduler, profile, mark } = world
  const release = async (services: Services, { releaseBreaker }: Code): Promise<void> => {
    try {
      await releaseBreaker(services, { by: 'operator', reason: 'the clients are busy' })
    } catch (error) {
      // The answer to the first time was lost.
      if (!hasCode(error, 'conflict')) throw error
    }
  }
  const look = (): void => {
    for (const site of sites) {
      if (isFrozen(world, site)) persist(world, site, release, () => mark('breaker released'))
    }
    scheduler.at(scheduler.now() + (profile.longOutage ? outageLookMs : lookMs), 'operator looks', look)
  }
  scheduler.at(lookMs, 'operator looks', look)
}

/** Asks again until it is answered, as people do. */
function persist(
  world: World,
  name: Site,
  act: (services: Services, code: Code) => Promise<unknown>,
  onDone: () => void,
): void {
  const { scheduler, sites: all } = world
  let isDone = false
  const ask = async (services: Services, code: Code): Promise<void> => {
    try {
      await act(services, code)
    } catch {
      return
    }
    if (isDone) return
    isDone = true
    onDone()
  }
  const attempt = (): void => {
    if (isDone) return
    if (all[name].isUp) void ask(all[name].servicesOf(makeInvocation(world, name, 'operator')), all[name].code())
    scheduler.at(scheduler.now() + againMs, 'operator asks again', attempt)
  }
  attempt()
}

const isForbidden = (world: World, site: Site, way: Way): boolean =>
  world.scheduler.now() - (inForce.get(world)?.get(nameOf(site, way)) ?? Infinity) > graceMs

/** A site whose way in is paused stores nothing of its peer. */
export function checkTakenIn(world: World, site: Site, { key, via }: StoredRecord): void {
  if (via === 'client' || !isForbidden(world, site, 'incoming')) return
  world.ledger.violations.push(`18: ${site} took in ${keyText(key)} although an operator had paused that`)
}

/** A site whose way out is paused offers nothing. */
export function checkOffered(world: World, site: Site): void {
  if (!isForbidden(world, site, 'outgoing')) return
  world.ledger.violations.push(`18: ${site} offered states although an operator had paused that`)
}
