import { assetKey, digestOfKey, objectKeysOf, type MediaBody } from '../../shared/domain/asset.ts'
import { keyText, type StoredRecord } from '../../shared/domain/record.ts'
import {
  contentsKey,
  donorOfKey,
  isOwnObject,
  sharersKey,
  type ContentsBody,
  type SharersBody,
} from '../../shared/domain/shared-bytes.ts'
import { sites, type Site } from '../../shared/domain/site.ts'
import { runMsMax } from './brought.ts'
import type { World } from './world.ts'

export function noteTrashed({ ledger, scheduler }: World, site: Site, { key, deleted }: StoredRecord): void {
  if (key.collection !== 'assets') return
  const id = `${site} ${keyText(key)}`
  if (!deleted) ledger.trashedMs.delete(id)
  else if (!ledger.trashedMs.has(id)) ledger.trashedMs.set(id, scheduler.now())
}

/**
 * 8. What a ready asset names is there at the site that writes so, in that very moment: whatever was shared, erased or lost. What
 * was made for another asset is of the same tenant, of one that is not long deleted, and listed with it.
 */
export function checkReady(world: World, site: Site, state: StoredRecord, before: StoredRecord | undefined): void {
  const { key, body, via } = state
  const media = body as MediaBody | null
  if (key.collection !== '_media' || via !== 'client' || media?.status !== 'ready' || media.site !== site) return
  const { objects } = world.sites[site]
  const held = new Set(objects.all().map(({ info }) => info.key))
  const known = new Set(before?.body ? objectKeysOf(before.body as MediaBody) : [])
  for (const object of objectKeysOf(media)) {
    if (!held.has(object)) world.ledger.violations.push(`8: ${site} made ${key.id} ready without ${object}`)
    if (!known.has(object) && !isOwnObject(key.tenant, key.id, object)) checkShared(world, site, state, object)
  }
  const isNew = (before?.body as MediaBody | null | undefined)?.status !== 'ready'
  if (isNew && isOwnObject(key.tenant, key.id, media.objectKey ?? '')) markStoredAnew(world, site, state, media)
}

/** 9. Whoever erases an asset finds all that name its objects, at either site. */
export function* unlistedSharers({ sites: all }: World): Generator<string> {
  for (const site of sites) {
    for (const { key, body } of all[site].latest.values()) {
      if (key.collection !== '_media' || !body) continue
      const foreign = objectKeysOf(body as MediaBody).filter((object) => !isOwnObject(key.tenant, key.id, object))
      for (const donor of new Set(foreign.map(donorOfKey))) {
        const lists = sites.map((where) => all[site].latestOf(sharersKey(key.tenant, donor, where))?.body)
        if (lists.some((list) => (list as SharersBody | undefined)?.sharers.includes(key.id))) continue
        yield `9: ${site} does not list ${key.id} with ${donor}, whose objects it names`
      }
    }
  }
}

function checkShared(
  { ledger, mark, scheduler, sites: all }: World,
  site: Site,
  { key }: StoredRecord,
  object: string,
): void {
  const { tenant, id } = key
  const donor = donorOfKey(object)
  const fault = (text: string): void =>
    void ledger.violations.push(`${text}: ${site} let ${tenant}/${id} name ${object}`)
  if (!isOwnObject(tenant, donor, object)) fault('10: of another tenant')
  const list = all[site].latestOf(sharersKey(tenant, donor, site))?.body as SharersBody | undefined
  if (!list?.sharers.includes(id)) fault('9: it is not listed')
  const asset = assetKey(tenant, donor)
  const sinceMs = all[site].latestOf(asset)?.deleted && ledger.trashedMs.get(`${site} ${keyText(asset)}`)
  if (sinceMs && scheduler.now() - sinceMs > runMsMax) fault('9: of a deleted asset')
  const note = all[site].latestOf(contentsKey(tenant, digestOfKey(object), site))?.body as ContentsBody | undefined
  mark(note?.assets.includes(donor) ? 'equal bytes shared' : 'equal bytes shared with the other site')
}

function markStoredAnew({ mark, sites: all }: World, site: Site, { key }: StoredRecord, media: MediaBody): void {
  for (const where of sites) {
    const note = all[site].latestOf(contentsKey(key.tenant, media.sha256 ?? '', where))?.body
    for (const donor of (note as ContentsBody | null | undefined)?.assets ?? []) {
      const isDeleted = donor !== key.id && all[site].latestOf(assetKey(key.tenant, donor))?.deleted
      if (isDeleted) mark('equal bytes of a deleted asset stored anew')
    }
  }
}
