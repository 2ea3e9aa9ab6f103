import { assetKey, mediaKey, type MediaBody } from '../../shared/domain/asset.ts'
import { parseDropKey } from '../../shared/domain/names.ts'
import type { RecordKey, StoredRecord } from '../../shared/domain/record.ts'
import { peerOf, sites, type Site } from '../../shared/domain/site.ts'
import { stampOrigin, type Stamp } from '../../shared/domain/stamp.ts'
import { compareVectors, type Vector } from '../../shared/replication/vector.ts'
import { tenant } from './client.ts'
import { isKept } from './content.ts'
import { hasSeen, keptStamp } from './ledger.ts'
import type { SimSite } from './site.ts'
import type { World } from './world.ts'

/** The losing writes that a site keeps as conflicts. */
export const losersListed = ({ latest }: SimSite): ReadonlySet<string> =>
  new Set([...latest.values()].flatMap((record) => keptStamp(record) ?? []))

/**
 * A site has just lost what it held. Writes that neither it nor its peer holds any more are gone, and nobody is blamed for
 * them, except those that were confirmed at both sites. `lostObjects` are the keys of the bytes that it held.
 */
export function burn(world: World, site: Site, lostObjects: readonly string[]): void {
  const { ledger, sites: all, mark } = world
  const held = (key: RecordKey, stamp: Stamp): boolean =>
    [site, peerOf(site)].some((where) => hasSeen(all[where].latestOf(key)?.vector, stamp))
  for (const [stamp, write] of ledger.writes) {
    if (held(write.state.key, stamp)) continue
    ledger.writes.delete(stamp)
    ledger.burnt.set(stamp, write)
  }
  const before = ledger.acknowledged.length
  ledger.acknowledged = ledger.acknowledged.filter(({ key, stamp, both }) => both || held(key, stamp))
  if (ledger.acknowledged.length < before) mark('acknowledged write burnt with its site')
  burnConflicts(world, site, held)
  for (const seen of ledger.sessions) {
    for (const [id, vector] of seen) if (!isHeld(world, id, vector)) seen.delete(id)
  }
  burnObjects(world, lostObjects)
  burnBrought(world, site)
}

function isHeld({ sites: all }: World, id: string, vector: Vector): boolean {
  return sites.some((site) => {
    const record = all[site].latest.get(id)
    return record !== undefined && ['equal', 'after'].includes(compareVectors(record.vector, vector))
  })
}

/** Writes that lost to one that has crossed over, before what they said had ever crossed over itself. */
function burnConflicts(world: World, site: Site, held: (key: RecordKey, stamp: Stamp) => boolean): void {
  const { ledger, mark } = world
  const before = ledger.acknowledged.length
  ledger.acknowledged = ledger.acknowledged.filter(({ key, stamp, both }) => {
    const own = ledger.writes.get(stamp)?.state
    if (both || !own || !held(key, stamp)) return true
    return ledger.holders.has(`${peerOf(site)} ${stamp}`) || isKept(world, sites, own)
  })
  if (ledger.acknowledged.length < before) mark('conflict burnt with its site')
}

/**
 * `before` had lost at this very site, which kept it as a conflict, and wrote on. Then the site went back to a backup that holds
 * the write as it was before it lost, while what it said had never crossed over. The state that now takes its place has seen
 * it, and no longer names it, so nobody can tell that it was not overwritten knowingly: the conflict burnt with its site, and
 * what it said is in the history of that site alone. Confirmed at both sites it would have crossed over.
 */
export function isBurntLoser({ ledger }: World, site: Site, before: StoredRecord, state: StoredRecord): boolean {
  const { stamp } = before
  const isNamed = state.vector[stampOrigin(stamp)] === stamp
  return ledger.burntLosers.has(stamp) && !ledger.holders.has(`${peerOf(site)} ${stamp}`) && !isNamed
}

/** Bytes that are nowhere any more, whoever had heard of them, and those that no record names. */
function burnObjects({ ledger, sites: all }: World, lost: readonly string[]): void {
  const held = new Set(sites.flatMap((site) => all[site].objects.all().map(({ info }) => info.key)))
  for (const key of lost) if (!held.has(key)) ledger.burntObjects.add(key)
  for (const key of ledger.objects.keys()) {
    const [, tenant = '', asset = ''] = key.split('/')
    const isNamed = sites.some((site) => all[site].latestOf(mediaKey(tenant, asset)))
    if (!held.has(key) || !isNamed) ledger.objects.delete(key)
  }
}

/**
 * What was brought to the site counts from now on only as far as its peer holds it whole, or the file still lies in the
 * bucket. Of a removal nobody may know any more.
 */
function burnBrought({ ledger: { brought }, sites: all }: World, site: Site): void {
  const peer = all[peerOf(site)]
  const isWholeAtPeer = (owner: string, asset: string, sha256: string): boolean => {
    const media = peer.latestOf(mediaKey(owner, asset))?.body as MediaBody | undefined
    const isHeld = peer.objects.all().some(({ info }) => info.key === media?.objectKey)
    const isNamed = peer.latestOf(assetKey(owner, asset))?.deleted === false
    return isNamed && isHeld && media?.status === 'ready' && media.sha256 === sha256
  }
  for (const [asset, { tenant: owner, site: where, sha256 }] of brought.uploads) {
    if (where === site && !isWholeAtPeer(owner, asset, sha256)) brought.uploads.delete(asset)
  }
  const files = new Set(all[site].objects.all().map(({ info }) => info.key))
  for (const [key, { site: where, sha256 }] of brought.drops) {
    const name = parseDropKey(key)
    if (where !== site || name.kind !== 'drop' || files.has(key)) continue
    if (sha256 === undefined) brought.untold.add(key)
    else if (!isWholeAtPeer(tenant, name.assetId, sha256)) brought.drops.delete(key)
  }
}
