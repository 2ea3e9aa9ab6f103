import { sites, type Site } from '../../shared/domain/site.ts'
import { tenant, type Client } from './client.ts'
import { request } from './request.ts'
import type { World } from './world.ts'
import { write } from './writes.ts'

const collection = 'visits'
const pageMax = 100
const recordsPerSite = 4

/**
 * Somebody at each site who keeps no session, and comes again and again for as long as the storm lasts, be it ten days: writes,
 * reads, lists.
 */
export function startVisitors(world: World): void {
  const { scheduler, streams, profile, faultsOn } = world
  if (profile.visitsMs === 0) return
  for (const home of sites) {
    const next = (visit: number): void => {
      if (!faultsOn()) return
      void pay(world, home, visit)
      scheduler.at(scheduler.now() + 1 + streams.visits.pick(2 * profile.visitsMs), 'visitor', () => next(visit + 1))
    }
    scheduler.at(1 + streams.visits.pick(profile.visitsMs), 'visitor', () => next(0))
  }
}

async function pay(world: World, home: Site, visit: number): Promise<void> {
  const visitor: Client = { name: `visitor-${home}`, home, session: {}, seen: new Map() }
  const key = { tenant, collection, id: `${home}-${visit % recordsPerSite}` }
  const text = `${home}-visit-${visit}`
  await write(world, visitor, { key, text, body: { text } })
  await request(world, home, (services, code) => code.readRecord(services, key))
  await request(world, home, (services, code) => code.listRecords(services, { tenant, collection }, { limit: pageMax }))
}
