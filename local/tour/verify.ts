import { createHash } from 'node:crypto'
import { type Site, sites } from '../../shared/domain/site.ts'
import type { Clouds } from '../supervisor/clouds.ts'
import { type Api, Unexpected } from './api.ts'
import type { Item } from './ingest.ts'
import { forEach } from './upload.ts'

export interface Fetched {
  readonly bytes: number
  readonly sha256: string
  /** What the edge said of its cache. */
  readonly cache: string
}

export interface Verified {
  readonly files: number
  readonly bytes: number
}

const fetchesAtOnceMax = 4
const fetchTimeoutMs = 60_000

/**
 * Downloads the original and every rendition of every item from both sites, through their edges, and compares SHA-256 with
 * the file that went in and with what the other site says. Throws Unexpected at the first difference.
 */
export async function verifyBytes(
  clouds: Clouds,
  apis: Readonly<Record<Site, Api>>,
  items: readonly Item[],
): Promise<Verified> {
  const wanted = items.flatMap((item) => filesOf(item).flatMap((file) => sites.map((site) => ({ ...file, site }))))
  let bytes = 0
  await forEach(wanted, fetchesAtOnceMax, async ({ site, path, sha256 }) => {
    const found = await download(apis[site], path, clouds.urls[site].edge)
    if (found.sha256 !== sha256) throw new Unexpected(`SHA-256 of ${path} at ${site}`, sha256, found.sha256)
    bytes += found.bytes
  })
  return { files: wanted.length, bytes }
}

/** The SHA-256 of the original is that of the local file; those of the renditions must be the same at both sites. */
function filesOf(item: Item): { path: string; sha256: string }[] {
  const { id, sha256, views, name } = item
  const { aws, azure } = views
  const list = (view: typeof aws): string =>
    (view?.renditions ?? []).map((each) => `${each.name} ${each.sha256}`).join('\n')
  if (list(aws) !== list(azure)) throw new Unexpected(`renditions of ${name}`, list(aws), list(azure))
  const renditions = (aws?.renditions ?? []).map((each) => ({
    path: `/v1/assets/${id}/renditions/${each.name}`,
    sha256: each.sha256,
  }))
  return [{ path: `/v1/assets/${id}/content`, sha256 }, ...renditions]
}

/** Follows the redirect to the site's own edge. Throws Unexpected when it leads elsewhere. */
export async function download(api: Api, path: string, edgeUrl: string, timeoutMs = fetchTimeoutMs): Promise<Fetched> {
  const redirect = await api.call('GET', path, { status: 307 })
  const location = redirect.headers.get('location') ?? ''
  if (!location.startsWith(`${edgeUrl}/`))
    throw new Unexpected(`the redirect of ${path} at ${api.site}`, edgeUrl, location)
  const response = await fetch(location, { signal: AbortSignal.timeout(timeoutMs) })
  if (!response.ok || response.body === null) {
    const text = await response.text()
    throw new Unexpected(`GET ${path} from the edge of ${api.site}`, '200', `${response.status} ${text.slice(0, 400)}`)
  }
  const hash = createHash('sha256')
  let bytes = 0
  for await (const chunk of response.body) {
    hash.update(chunk)
    bytes += chunk.byteLength
  }
  return { bytes, sha256: hash.digest('hex'), cache: response.headers.get('x-cache') ?? 'none' }
}
