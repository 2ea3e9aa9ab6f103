import { mediaKey, objectKeysOf, type MediaBody } from '../../shared/domain/asset.ts'
import { keyText, type RecordKey } from '../../shared/domain/record.ts'
import { sites, type Site } from '../../shared/domain/site.ts'
import type { World } from './world.ts'

/**
 * 9. Every object is named by the media record of its asset, as it is or as it was once: no state of a record is without its
 * bytes while it can be restored. A record may have burnt with its site's tables, whose bucket stayed.
 */
export function* unnamedObjects(world: World): Generator<string> {
  const named = new Map<string, ReadonlySet<string>>()
  for (const site of sites) {
    for (const { info } of world.sites[site].objects.all()) {
      const [area, tenant = '', asset = ''] = info.key.split('/')
      if (area !== 'objects') continue
      const media = mediaKey(tenant, asset)
      const names = named.get(keyText(media)) ?? namesOf(world, media)
      named.set(keyText(media), names)
      if (!names.has(info.key)) yield `9: no record ever named ${info.key}, which ${site} keeps`
    }
  }
}

function namesOf(world: World, media: RecordKey): ReadonlySet<string> {
  const { ledger, sites: all } = world
  const heads = sites.flatMap((site: Site) => all[site].latestOf(media) ?? [])
  const written = [...ledger.writes.ofRecord(media).values()].map(({ state }) => state)
  const burnt = [...ledger.burnt.values()].flatMap(({ state }) =>
    keyText(state.key) === keyText(media) ? [state] : [],
  )
  return new Set([...heads, ...written, ...burnt].flatMap(({ body }) => (body ? objectKeysOf(body as MediaBody) : [])))
}
