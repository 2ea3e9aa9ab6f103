import { sites, type Site } from '../../shared/domain/site.ts'
import { makeInvocation } from './invocation.ts'
import type { World } from './world.ts'

const minuteMs = 60_000
const calmSweepOneIn = 5
/** Often enough for a job of the other site to be taken over; and the scrub's cycle after the outage must still end in time. */
const outageTurnMs = 30 * minuteMs

/** The schedules of both sites. A run that is slow or dead does not keep the next from starting. */
export function startTimers(world: World): void {
  for (const site of sites) {
    const next = (): void => {
      tick(world, site)
      // Ten days of minutes would take too long to simulate; the hours after them need each.
      const isAlone = world.profile.longOutage && world.faultsOn()
      const everyMs = isAlone ? outageTurnMs : minuteMs
      world.scheduler.at(world.scheduler.now() + everyMs, `${site} timer`, next)
    }
    world.scheduler.at(world.streams.scheduling.pick(minuteMs), `${site} timer`, next)
  }
}

function tick(world: World, name: Site): void {
  const site = world.sites[name]
  if (!site.isUp) return
  const { mark, scheduler } = world
  const startedMs = scheduler.now()
  const { probeFeed, reconcile, scanDrops, sweep } = site.code()
  const servicesOf = (task: string) => site.servicesOf(makeInvocation(world, name, task))
  // All of `watch` that changes anything; it looks at the rest for monitors.
  probeFeed(servicesOf('watch')).catch(() => {})
  // Once nothing fails, a scrub may take hours, and there is little left to sweep.
  if (world.faultsOn() || Math.floor(startedMs / minuteMs) % calmSweepOneIn === 0) {
    sweep(servicesOf('sweep')).catch(() => {})
    scanDrops(servicesOf('drop-scan')).then(
      (found) => found > 0 && mark('walk found a dropped file'),
      () => {},
    )
  }
  reconcile(servicesOf('reconcile')).then(
    (report) => {
      if (report.pulled > 0) mark('reconcile pulled')
      if (report.pushed > 0) mark('reconcile pushed')
      if (report.clean) mark('reconcile was clean')
      if (report.scrubFound > 0) mark('scrub found a lost event')
      if (!report.clean || site.isOpen || startedMs < site.opensAfterMs) return
      mark('rebuilt site opened again')
      site.isOpen = true
    },
    () => {},
  )
}
