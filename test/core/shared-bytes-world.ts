import { createAssetFromBytes, getAsset } from '../../shared/core/assets.ts'
import { openContent } from '../../shared/core/content.ts'
import { readMedia } from '../../shared/core/media-store.ts'
import { assetKey, mediaKey, objectKeysOf, type MediaBody } from '../../shared/domain/asset.ts'
import { sharersKey, type SharersBody } from '../../shared/domain/shared-bytes.ts'
import type { MediaConverter } from '../../shared/ports/media-converter.ts'
import { fakeConverter, ingestWorld, tenant, type IngestSite, type IngestWorld } from './ingest-world.ts'

export interface SharingWorld extends IngestWorld {
  /** How often anything was converted. */
  conversions(): number
  /** Raised, the recipes are others. */
  recipeVersion: number
}

export const picture = Buffer.from('a picture of a boat')
const input = { name: 'boat.jpg', mediaType: 'image/jpeg' }

/** The converter counts, and can come to make something else. */
export async function sharingWorld(seed = 1): Promise<SharingWorld> {
  let conversions = 0
  const converter: MediaConverter = {
    inspect: async (source, signal) => {
      const found = await fakeConverter.inspect(source, signal)
      return { ...found, recipes: found.recipes.map((recipe) => ({ ...recipe, version: world.recipeVersion })) }
    },
    convert: async (...args) => {
      conversions++
      return fakeConverter.convert(...args)
    },
  }
  const world: SharingWorld = Object.assign(await ingestWorld({ converter, seed }), {
    conversions: () => conversions,
    recipeVersion: 1,
  })
  return world
}

/** Has an asset of these bytes begun; nothing of it is done before the world settles. */
export const bring = async (site: IngestSite, id: string, bytes: Uint8Array = picture, of = tenant): Promise<unknown> =>
  createAssetFromBytes(site.services, of, { ...input, id }, bytes)

export async function mediaOf(site: IngestSite, id: string, of = tenant): Promise<MediaBody> {
  const media = await readMedia(site.services, of, id)
  if (!media) throw new Error(`no media of ${id}`)
  return media
}

export const keysOf = async (site: IngestSite, id: string, of = tenant): Promise<string[]> =>
  objectKeysOf(await mediaOf(site, id, of)).sort()

/** Whose objects an asset names. */
export const donorOf = async (site: IngestSite, id: string, of = tenant): Promise<string[]> => [
  ...new Set((await keysOf(site, id, of)).map((key) => key.split('/').slice(1, 3).join('/'))),
]

export const storedKeys = ({ objects }: IngestSite): string[] =>
  objects
    .all()
    .flatMap(({ info }) => (info.key.startsWith('objects/') ? [info.key] : []))
    .sort()

export async function sharersAt(at: IngestSite, donor: string, by: IngestSite = at): Promise<string[]> {
  const record = await at.services.records.get(sharersKey(tenant, donor, by.services.site))
  return (record?.body as SharersBody | undefined)?.sharers ?? []
}

export async function textOf(site: IngestSite, id: string, rendition?: string): Promise<string> {
  const found = await openContent(site.services, tenant, id, rendition === undefined ? {} : { rendition })
  if (found.kind !== 'here') throw new Error(found.kind)
  return new Response(found.body).text()
}

export const viewOf = (site: IngestSite, id: string) => getAsset(site.services, tenant, id)

/** Takes the changes of some assets out of a site's feed: those that replication is to bring first, or late. */
export function feedOf(site: IngestSite, id: string): IngestSite['feed'] {
  const wanted = new Set([assetKey(tenant, id), mediaKey(tenant, id)].map((key) => `${key.collection}/${key.id}`))
  const isOf = ({ key }: IngestSite['feed'][number]): boolean => wanted.has(`${key.collection}/${key.id}`)
  const taken = site.feed.filter(isOf)
  const left = site.feed.filter((change) => !isOf(change))
  site.feed.splice(0, site.feed.length, ...left)
  return taken
}
