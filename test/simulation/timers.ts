import { reconcile } from '../../shared/core/reconcile.ts'
import { sweep } from '../../shared/core/sweep.ts'
import { sites, type Site } from '../../shared/domain/site.ts'
import { makeInvocation } from './invocation.ts'
import type { World } from './world.ts'

const minuteMs = 60_000

/** The schedules of both sites. A run that is slow or dead does not keep the next from starting. */
export function startTimers(world: World): void {
  const everyMs = world.profile.longOutage ? 30 * minuteMs : minuteMs
  for (const site of sites) {
    const next = (): void => {
      tick(world, site)
      world.scheduler.at(world.scheduler.now() + everyMs, `${site} timer`, next)
    }
    world.scheduler.at(world.streams.scheduling.pick(minuteMs), `${site} timer`, next)
  }
}

function tick(world: World, site: Site): void {
  if (!world.sites[site].isUp) return
  const servicesOf = (name: string) => world.sites[site].servicesOf(makeInvocation(world, `${site} ${name}`))
  sweep(servicesOf('sweep')).catch(() => {})
  reconcile(servicesOf('reconcile')).then(
    (report) => {
      if (report.pulled > 0) world.mark('reconcile pulled')
      if (report.pushed > 0) world.mark('reconcile pushed')
      if (report.clean) world.mark('reconcile was clean')
      if (report.scrubFound > 0) world.mark('scrub found a lost event')
    },
    () => {},
  )
}
