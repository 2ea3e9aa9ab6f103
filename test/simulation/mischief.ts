import { sites } from '../../shared/domain/site.ts'
import type { World } from './world.ts'

/** Larger misfortunes that come and go: cuts, slow links, outages, clocks that step and drift. */
export function startMischief(world: World): void {
  const { scheduler, profile, streams, faultsOn } = world
  if (profile.longOutage) return scheduler.at(20_000, 'mischief', () => longOutage(world))
  if (profile.mischiefMs === 0) return
  const next = (): void => {
    if (!faultsOn()) return
    strike(world)
    scheduler.at(scheduler.now() + 1 + streams.faults.pick(2 * profile.mischiefMs), 'mischief', next)
  }
  scheduler.at(streams.faults.pick(profile.mischiefMs), 'mischief', next)
}

function strike(world: World): void {
  const { scheduler, link, mark, profile } = world
  const chance = world.streams.faults
  const nowMs = scheduler.now()
  const site = world.sites[chance.of(sites)]
  switch (chance.pick(profile.clockFaults ? 6 : 4)) {
    case 0:
      mark('one-way cut')
      link.cutUntilMs[site.site] = nowMs + chance.between(1_000, 90_000)
      return
    case 1:
      mark('cut both ways')
      link.cutUntilMs.aws = link.cutUntilMs.azure = nowMs + chance.between(1_000, 180_000)
      return
    case 2:
      mark('slow link')
      link.slowUntilMs = nowMs + chance.between(5_000, 60_000)
      return
    case 3:
      if (!site.isUp) return
      mark('site down')
      site.isUp = false
      scheduler.at(nowMs + chance.between(2_000, 300_000), 'site up', () => (site.isUp = true))
      return
    case 4:
      site.clockOffsetMs = chance.between(-300_000, 300_000)
      mark(site.clockOffsetMs > 0 ? 'clock ahead' : 'clock behind')
      return
    default:
      mark('clock stepped')
      site.clockOffsetMs = Math.max(-300_000, Math.min(300_000, site.clockOffsetMs + chance.between(-30_000, 30_000)))
  }
}

function longOutage({ scheduler, sites: all, streams, mark }: World): void {
  const site = all[streams.faults.of(sites)]
  mark('site down for days')
  site.isUp = false
  scheduler.at(scheduler.now() + 10 * 86_400_000, 'site up', () => (site.isUp = true))
}

/** The storm is over: everything works, and the clocks are set. */
export function heal({ link, sites: all }: World): void {
  link.cutUntilMs = { aws: 0, azure: 0 }
  link.slowUntilMs = 0
  for (const site of [all.aws, all.azure]) {
    site.isUp = true
    site.clockOffsetMs = 0
  }
}
