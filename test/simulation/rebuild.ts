import { burn, losersListed } from './burn.ts'
import { keyText, type StoredRecord } from '../../shared/domain/record.ts'
import type { SiteItem } from '../../shared/ports/site-store.ts'
import type { SimSite } from './site.ts'
import type { World } from './world.ts'

/** What a backup holds: both tables at one moment. The bucket is not restored. */
export interface Snapshot {
  readonly records: readonly StoredRecord[]
  readonly site: readonly SiteItem[]
}

/** A rebuilt site lets clients in after a clean reconcile that began this long after its data was lost. */
const heldMs = 600_000

export const takeSnapshot = ({ records, siteStore }: SimSite): Snapshot => ({
  records: records.all(),
  site: siteStore.all(),
})

/** Everything at a site is gone: tables, bucket, queues, machines. */
export function wipe(world: World, site: SimSite): void {
  world.mark('site wiped')
  const objects = site.objects.all().map(({ info }) => info.key)
  site.objects.load([])
  goBackTo(world, site, { records: [], site: [] })
  burn(world, site.site, objects)
}

/** Both tables are as they were once; the queues and machines are new. */
export function restoreSnapshot(world: World, site: SimSite, snapshot: Snapshot): void {
  world.mark('old snapshot restored')
  goBackTo(world, site, snapshot)
  burn(world, site.site, [])
}

function goBackTo(world: World, site: SimSite, { records, site: items }: Snapshot): void {
  const { profile, scheduler } = world
  const listed = losersListed(site)
  site.epoch++
  site.records.load(records)
  site.lagging.load(records)
  site.siteStore.load(items)
  site.latest.clear()
  for (const record of site.records.all()) site.latest.set(keyText(record.key), record)
  const kept = losersListed(site)
  for (const stamp of listed) if (!kept.has(stamp)) world.ledger.burntLosers.add(stamp)
  site.feed.reset()
  site.queue.reset()
  site.objectEvents.reset()
  site.isOpen = profile.opensAtOnce
  site.incarnation++
  site.opensAfterMs = scheduler.now() + heldMs
}
