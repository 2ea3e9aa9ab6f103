import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import { writeLogo } from '../../local/samples/pictures.ts'
import { seedKey } from '../../local/seed.ts'
import type { Clouds } from '../../local/supervisor/clouds.ts'
import { apiOf } from '../../local/tour/api.ts'
import { until } from '../../local/tour/until.ts'
import { type Asset, uploadFile } from '../../local/tour/upload.ts'
import { sites } from '../../shared/domain/site.ts'

export interface Tenant {
  readonly key: string
  /** What its users look at. */
  readonly picture: { readonly asset: string; readonly rendition: string; readonly bytes: number }
}

const asset = 'shown'
const readyMsMax = 120_000

/** Tenants that both sites know, each with a key and a picture whose renditions are at both. */
export async function makeTenants(
  clouds: Clouds,
  { count, folder, signal }: { readonly count: number; readonly folder: string; readonly signal: AbortSignal },
): Promise<Tenant[]> {
  const path = join(folder, 'picture.png')
  await writeLogo(path)
  const { size: bytes } = await stat(path)
  const keys: string[] = []
  for (let n = 0; n < count; n++) keys.push(await seedKey(clouds, `users-${n}`, { signal }))
  for (const [n, key] of keys.entries()) {
    const site = sites[n % sites.length] ?? 'aws'
    const picture = { id: asset, name: 'picture.png', mediaType: 'image/png', bytes, upload: 'single' } as const
    await uploadFile(apiOf(site, clouds.urls[site].api, key, signal), picture, path)
  }
  return Promise.all(keys.map(async (key) => ({ key, picture: await untilShown(clouds, key, signal) })))
}

/** The smallest rendition that is an image, once every byte of the asset is at both sites. */
async function untilShown(clouds: Clouds, key: string, signal: AbortSignal): Promise<Tenant['picture']> {
  let view: Asset | undefined
  for (const site of sites) {
    const api = apiOf(site, clouds.urls[site].api, key, signal)
    const shown = async (): Promise<boolean> => {
      // At the other site it is not known at once.
      const { status, body } = await api.call<Asset>('GET', `/v1/assets/${asset}`, { status: [200, 404] })
      view = status === 200 ? body : undefined
      return view?.status === 'ready' && view.bytesHere
    }
    await until(`the picture of a tenant at ${site}`, shown, { timeoutMs: readyMsMax, everyMs: 500, signal })
  }
  const images = (view?.renditions ?? []).filter(({ mediaType }) => mediaType.startsWith('image/'))
  const [smallest] = images.toSorted((a, b) => a.bytes - b.bytes)
  if (smallest === undefined) throw new Error('The picture has no rendition')
  return { asset, rendition: smallest.name, bytes: smallest.bytes }
}
