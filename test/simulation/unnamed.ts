import { digestOfKey, mediaKey, objectKeysOf, type MediaBody } from '../../shared/domain/asset.ts'
import { sha256Hex } from '../../shared/domain/hash.ts'
import { keyText, type RecordKey } from '../../shared/domain/record.ts'
import { sites, type Site } from '../../shared/domain/site.ts'
import type { World } from './world.ts'

/**
 * 8 and 9. Every object holds the bytes that its key says, and is named by the media record of its asset, as it is or as it was
 * once: no state of a record is without its bytes while it can be restored. A record may have burnt with its site's tables,
 * whose bucket stayed. What a job made of bytes that somebody brought stays too when another version overtook it before the
 * record named it: nothing may remove from `objects/`, and `verify` counts it with those of older versions.
 */
export function* unnamedObjects(world: World): Generator<string> {
  const { sites: all, ledger, mark } = world
  for (const site of sites) {
    const objects = all[site].objects.all().filter(({ info }) => info.key.startsWith('objects/'))
    const byAsset = Map.groupBy(objects, ({ info }) => info.key.split('/').slice(1, 3).join('/'))
    for (const [about, held] of byAsset) {
      const [tenant = '', asset = ''] = about.split('/')
      const names = new Set(statesOf(world, mediaKey(tenant, asset)).flatMap(objectKeysOf))
      for (const { info, bytes } of held) {
        const isGiven = ledger.brought.given.has(`${site} ${info.key}`)
        if (!names.has(info.key) && !isGiven) yield `9: no record ever named ${info.key}, which ${site} keeps`
        if (!names.has(info.key) && isGiven) mark('object of an overtaken version kept')
        if (digestOf(bytes) !== digestOfKey(info.key)) yield `8: ${info.key} has other bytes at ${site} than it says`
      }
    }
  }
}

const digests = new WeakMap<Uint8Array, string>()

/** What a store holds never changes, so its digest is taken once. */
function digestOf(bytes: Uint8Array): string {
  const digest = digests.get(bytes) ?? sha256Hex(bytes)
  digests.set(bytes, digest)
  return digest
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
