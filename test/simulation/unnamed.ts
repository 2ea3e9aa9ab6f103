import { mediaKey, objectKeysOf, type MediaBody } from '../../shared/domain/asset.ts'
import { keyText, type RecordKey } from '../../shared/domain/record.ts'
import { sites, type Site } from '../../shared/domain/site.ts'
import type { World } from './world.ts'

/**
 * 9. Every object is named by the media record of its asset, as it is or as it was once: no state of a record is without its
 * bytes while it can be restored. A record may have burnt with its site's tables, whose bucket stayed. What a job stored of a
 * version that another one overtook before the record named it stays too, one object a version: nothing may remove from
 * `objects/`, and `verify` counts it with those of older versions.
 */
export function* unnamedObjects(world: World): Generator<string> {
  for (const site of sites) {
    const objects = world.sites[site].objects.all().filter(({ info }) => info.key.startsWith('objects/'))
    const byAsset = Map.groupBy(objects, ({ info }) => info.key.split('/').slice(1, 3).join('/'))
    for (const [asset, held] of byAsset) {
      const [tenant = '', id = ''] = asset.split('/')
      const states = statesOf(world, mediaKey(tenant, id))
      const names = new Set(states.flatMap(objectKeysOf))
      // Of whole objects those of overtaken versions cannot be told apart for certain yet: only what is half made counts.
      const unnamed = held.filter(({ info }) => !names.has(info.key) && !/\/[0-9a-f]{64}$/.test(info.key))
      for (const { info } of unnamed.slice(overtaken(states))) {
        yield `9: no record ever named ${info.key}, which ${site} keeps`
      }
    }
  }
}

/** How many versions were begun and never heard of again. */
function overtaken(states: readonly MediaBody[]): number {
  const isBegun = ({ status }: MediaBody): boolean => status !== 'uploaded'
  const begun = new Set(states.filter(isBegun).map(({ version }) => version))
  return new Set(states.map(({ version }) => version).filter((version) => !begun.has(version))).size
}

/** All that was ever written of it. */
function statesOf(world: World, media: RecordKey): readonly MediaBody[] {
  const { ledger, sites: all } = world
  const heads = sites.flatMap((site: Site) => all[site].latestOf(media) ?? [])
  const written = [...ledger.writes.ofRecord(media).values()].map(({ state }) => state)
  const burnt = [...ledger.burnt.values()].flatMap(({ state }) =>
    keyText(state.key) === keyText(media) ? [state] : [],
  )
  return [...heads, ...written, ...burnt].flatMap(({ body }) => (body ? [body as MediaBody] : []))
}
