import { sites } from '../../shared/domain/site.ts'
import { services, type SimSite } from './site.ts'
import { restoreSnapshot, takeSnapshot, wipe } from './rebuild.ts'
import type { World } from './world.ts'

const cruelWaitMs = 300_000
const cruelMsMax = 50

/** Larger misfortunes that come and go: cuts, slow links, outages, clocks that step and drift, sites that burn. */
export function startMischief(world: World): void {
  const { scheduler, profile, streams, faultsOn } = world
  if (profile.longOutage) return scheduler.at(20_000, 'mischief', () => longOutage(world))
  if (profile.rebuild !== 'none') startRebuild(world)
  if (profile.mischiefMs === 0) return
  const next = (): void => {
    if (!faultsOn()) return
    strike(world)
    scheduler.at(scheduler.now() + 1 + streams.faults.pick(2 * profile.mischiefMs), 'mischief', next)
  }
  scheduler.at(streams.faults.pick(profile.mischiefMs), 'mischief', next)
}

function strike(world: World): void {
  const { profile, streams } = world
  const kinds = [
    oneWayCut,
    cutBothWays,
    slowLink,
    siteDown,
    ...(profile.clockFaults ? [clockOff, clockStep, clockDrift] : []),
    ...(profile.serviceOutages ? [serviceOut, serviceOut] : []),
    ...(profile.feedStalls ? [feedStall, feedStall, feedStall] : []),
  ]
  streams.faults.of(kinds)(world)
}

function oneWayCut({ link, mark, scheduler, streams }: World): void {
  mark('one-way cut')
  link.cutUntilMs[streams.faults.of(sites)] = scheduler.now() + streams.faults.between(1_000, 90_000)
}

function cutBothWays({ link, mark, scheduler, streams }: World): void {
  mark('cut both ways')
  link.cutUntilMs.aws = link.cutUntilMs.azure = scheduler.now() + streams.faults.between(1_000, 180_000)
}

function slowLink({ link, mark, scheduler, streams }: World): void {
  mark('slow link')
  link.slowUntilMs = scheduler.now() + streams.faults.between(5_000, 60_000)
}

function siteDown({ sites: all, mark, scheduler, streams }: World): void {
  const site = all[streams.faults.of(sites)]
  if (!site.isUp) return
  mark('site down')
  site.isUp = false
  scheduler.at(scheduler.now() + streams.faults.between(2_000, 300_000), 'site up', () => (site.isUp = true))
}

function clockOff({ sites: all, mark, streams }: World): void {
  const offsetMs = streams.faults.between(-300_000, 300_000)
  all[streams.faults.of(sites)].setClock(offsetMs)
  mark(offsetMs > 0 ? 'clock ahead' : 'clock behind')
}

function clockStep({ sites: all, mark, streams }: World): void {
  const site = all[streams.faults.of(sites)]
  const offsetMs = site.clockOffsetMs() + streams.faults.between(-30_000, 30_000)
  site.setClock(Math.max(-300_000, Math.min(300_000, offsetMs)))
  mark('clock stepped')
}

/** As quartz does; rarely so fast that it is minutes off before the storm is over. */
function clockDrift({ sites: all, mark, streams: { faults } }: World): void {
  const ppm = faults.oneIn(5) ? faults.between(50_000, 900_000) : faults.between(1, 500)
  all[faults.of(sites)].driftClock(faults.oneIn(2) ? ppm : -ppm)
  mark('clock drifted')
}

/** Now and then for longer than a queue tries to deliver a message: five times in ten minutes. */
function serviceOut({ sites: all, scheduler, streams }: World): void {
  const site = all[streams.faults.of(sites)]
  const ms = streams.faults.oneIn(3)
    ? streams.faults.between(600_000, 1_500_000)
    : streams.faults.between(1_000, 60_000)
  site.outUntilMs[streams.faults.of(services)] = scheduler.now() + ms
}

/** Its function is off, or fails before it has begun: nothing is marked, and the site does not know it. */
function feedStall({ sites: all, scheduler, streams }: World): void {
  const site = all[streams.faults.of(sites)]
  site.feedStandsUntilMs = scheduler.now() + streams.faults.between(600_000, 5_400_000)
}

function longOutage({ scheduler, sites: all, streams, mark }: World): void {
  const site = all[streams.faults.of(sites)]
  // What its feed could not deal with just before is trimmed while it is away.
  site.outUntilMs.site = scheduler.now() + 10_000
  scheduler.at(scheduler.now() + 8_000, 'site down', () => {
    mark('site down for days')
    site.isUp = false
  })
  scheduler.at(scheduler.now() + 10 * 86_400_000, 'site up', () => (site.isUp = true))
}

function startRebuild(world: World): void {
  const { scheduler, streams, profile, sites: all } = world
  const site = all[streams.faults.of(sites)]
  const atMs = streams.faults.between(30_000, streams.faults.of([120_000, 900_000]))
  if (profile.rebuild === 'wipe') return loseData(world, site, atMs, () => wipe(world, site))
  scheduler.at(atMs, 'snapshot taken', () => {
    const snapshot = takeSnapshot(site)
    loseData(world, site, atMs + streams.faults.between(1_000, 600_000), () => restoreSnapshot(world, site, snapshot))
  })
}

/** At that moment, or at the worst one that comes soon after: while it keeps alone what lost to a state that has crossed over. */
function loseData({ scheduler, streams, ledger }: World, { site }: SimSite, atMs: number, strike: () => void): void {
  if (streams.faults.oneIn(4)) return scheduler.at(atMs, 'site burns', strike)
  let isBurnt = false
  const burnOnce = (): void => {
    if (isBurnt) return
    isBurnt = true
    strike()
  }
  const burnSoon = (): void => scheduler.at(scheduler.now() + streams.faults.pick(cruelMsMax), 'site burns', burnOnce)
  scheduler.at(atMs, 'site may burn', () => (ledger.onWordsAlone[site] = burnSoon))
  scheduler.at(atMs + cruelWaitMs, 'site burns', burnOnce)
}

/** The storm is over: everything works, the clocks are set, and somebody looks after the dead letters. */
export function heal({ link, sites: all }: World): void {
  link.cutUntilMs = { aws: 0, azure: 0 }
  link.slowUntilMs = 0
  for (const site of [all.aws, all.azure]) {
    site.isUp = true
    site.setClock(0)
    site.feedStandsUntilMs = 0
    site.objectEvents.redrive()
    for (const service of services) site.outUntilMs[service] = 0
  }
}
