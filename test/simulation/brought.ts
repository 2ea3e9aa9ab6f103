import { hereDigest, hereId, herePartition } from '../../shared/core/asset-view.ts'
import { assetKey, digestOfKey, mediaKey, objectKeysOf, type MediaBody } from '../../shared/domain/asset.ts'
import { sha256Hex } from '../../shared/domain/hash.ts'
import { parseDropKey } from '../../shared/domain/names.ts'
import { keyText, type StoredRecord } from '../../shared/domain/record.ts'
import { sites, type Site } from '../../shared/domain/site.ts'
import { tenant } from './client.ts'
import type { World } from './world.ts'

/** What clients brought as bytes, and where. */
export interface Brought {
  /** Uploads that were confirmed, by asset. */
  readonly uploads: Map<string, { readonly tenant: string; readonly site: Site; readonly sha256: string }>
  /** Files of the drop areas as they are now, by key, and since when in virtual milliseconds; without a digest, removed. */
  readonly drops: Map<string, { readonly site: Site; readonly sha256: string | undefined; readonly sinceMs: number }>
  /** `<site> <object key>` of all bytes that anybody ever brought, as the object that is to be made of them there. */
  readonly given: Set<string>
  /** Files whose removal nobody was told of. */
  readonly untold: Set<string>
}

export const makeBrought = (): Brought => ({
  uploads: new Map(),
  drops: new Map(),
  given: new Set(),
  untold: new Set(),
})

const givenAs = (site: Site, owner: string, asset: string, sha256: string): string =>
  `${site} objects/${owner}/${asset}/${sha256}`

export const give = ({ given }: Brought, ...about: Parameters<typeof givenAs>): void =>
  void given.add(givenAs(...about))

export const isGiven = ({ given }: Brought, ...about: Parameters<typeof givenAs>): boolean =>
  given.has(givenAs(...about))

/** No run of a function takes longer, so whoever trashes an asset after this long had the file before it. */
export const runMsMax = 30 * 60_000

/** 8. Nobody trashes an asset whose file has long been there, not even until the walk finds it. */
export function checkTrashed(
  { ledger, scheduler, sites: all }: World,
  site: Site,
  { key, deleted, via }: StoredRecord,
): void {
  if (!deleted || via !== 'client') return
  for (const [path, { site: where, sha256, sinceMs }] of ledger.brought.drops) {
    const name = parseDropKey(path)
    if (name.kind !== 'drop' || keyText(assetKey(tenant, name.assetId)) !== keyText(key)) continue
    if (where !== site || sha256 === undefined || scheduler.now() - sinceMs < runMsMax) continue
    if (!all[site].objects.all().some(({ info }) => info.key === path)) continue
    ledger.violations.push(`8: ${site} trashed the asset ${name.assetId}, whose file ${path} lies there`)
  }
}

/** 8 and 9. What was brought is ready at both sites, nothing is ready without its bytes, and nothing lies about in staging. */
export function* broughtFaults(world: World): Generator<string> {
  const { uploads, drops, untold } = world.ledger.brought
  for (const [asset, { tenant: owner, site, sha256 }] of uploads) {
    yield* notReady(world, owner, asset, sha256)
    yield* leftStaged(world, site, `uploads/${owner}/${asset}/`)
  }
  for (const [key, { sha256 }] of drops) {
    const name = parseDropKey(key)
    if (untold.has(key) || name.kind !== 'drop') continue
    if (sha256 !== undefined) yield* notReady(world, tenant, name.assetId, sha256)
    else yield* notGone(world, name.assetId)
  }
  if (world.profile.longOutage) for (const site of sites) yield* leftStaged(world, site, 'uploads/')
  for (const site of sites) yield* readyWithoutBytes(world, site)
}

function* notReady(world: World, owner: string, asset: string, sha256: string): Generator<string> {
  for (const site of sites) {
    const record = world.sites[site].latestOf(assetKey(owner, asset))
    if (!record || record.deleted) yield `8: the asset ${asset} is not at ${site}`
    const media = world.sites[site].latestOf(mediaKey(owner, asset))?.body as MediaBody | undefined
    // A job may be given up in a storm: an operator finds it, and the asset says so.
    if (media?.status === 'failed' && media.error?.code === 'attempts-exhausted') world.mark('job given up')
    else if (media?.status !== 'ready') yield `8: the asset ${asset} is ${media?.status ?? 'unknown'} at ${site}`
    else if (media.sha256 !== sha256) yield `8: the asset ${asset} is about other bytes at ${site}`
  }
}

function* notGone(world: World, asset: string): Generator<string> {
  for (const site of sites) {
    const record = world.sites[site].latestOf(assetKey(tenant, asset))
    if (record && !record.deleted) yield `8: the asset ${asset} is at ${site}, and its file was removed`
  }
}

/** What a job was given up on stays, for somebody to look at. */
function* leftStaged({ sites: all }: World, site: Site, prefix: string): Generator<string> {
  for (const { info } of all[site].objects.all()) {
    if (!info.key.startsWith(prefix)) continue
    const [, owner = '', asset = ''] = info.key.split('/')
    const media = all[site].latestOf(mediaKey(owner, asset))?.body as MediaBody | undefined
    if (media?.status !== 'failed') yield `9: ${info.key} was left in the staging area of ${site}`
  }
}

function* readyWithoutBytes({ sites: all, ledger }: World, site: Site): Generator<string> {
  const known = new Map(
    all[site].siteStore
      .all()
      .flatMap(({ partition, id, value }) => (partition === herePartition ? [[id, value['digest']]] : [])),
  )
  const held = new Map(all[site].objects.all().map(({ info, bytes }) => [info.key, bytes]))
  for (const { key, body, deleted } of all[site].latest.values()) {
    if (key.collection !== '_media' || deleted) continue
    const media = body as MediaBody
    for (const object of media.status === 'ready' ? objectKeysOf(media) : []) {
      const bytes = held.get(object)
      if (!bytes && ledger.burntObjects.has(object)) continue
      if (!bytes) yield `8: ${key.id} is ready at ${site} without ${object}`
      else if (sha256Hex(bytes) !== digestOfKey(object)) yield `8: ${object} has other bytes at ${site}`
    }
    const isAllHere = objectKeysOf(media).every((object) => held.has(object))
    const isKnown = media.site === site || known.get(hereId(key.tenant, key.id)) === hereDigest(media)
    if (media.status === 'ready' && isAllHere && !isKnown)
      yield `8: ${site} does not know that it holds all of ${key.id}`
  }
}
