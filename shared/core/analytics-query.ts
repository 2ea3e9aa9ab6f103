import type { MediaBody, RenditionBody } from '../domain/asset.ts'
import { CatamaranError } from '../domain/errors.ts'
import type { Analytics, AnalyticsResult, AnalyticsTable } from '../ports/analytics.ts'
import { readAssetPair } from './asset-view.ts'
import type { Services } from './services.ts'

/** All tables of a query together. */
const tableBytesMax = 256 * 1024 ** 2

export interface TenantQuery {
  readonly sql: string
  /** Asset ids by the names under which the query knows their rows. */
  readonly tables: Readonly<Record<string, string>>
  readonly rowsMax: number
}

/**
 * Runs SQL over the Parquet copies of a tenant's data files. Throws `not-found` for an asset that is not this
 * tenant's, `conflict` for one without such a copy, `too-large`, `unavailable` while the bytes are at the other site, and what the engine throws.
 */
export async function queryTables(
  services: Services,
  analytics: Analytics,
  tenant: string,
  { query, signal }: { readonly query: TenantQuery; readonly signal: AbortSignal },
): Promise<AnalyticsResult> {
  const { sql, rowsMax } = query
  const named = Object.entries(query.tables)
  const tables = await Promise.all(
    named.map(async ([name, asset]) => tableOf(services, name, await parquetOf(services, tenant, asset), signal)),
  )
  const bytes = tables.reduce((sum, table) => sum + table.bytes, 0)
  if (bytes > tableBytesMax) {
    throw new CatamaranError('too-large', `The tables have ${bytes} bytes, a query reads ${tableBytesMax} at most.`)
  }
  return analytics.query({ sql, tables, rowsMax }, signal)
}

/** The Parquet copy of an asset's rows. Throws `not-found`, and `conflict` for an asset that has none (yet). */
export async function parquetOf(
  services: Services,
  tenant: string,
  asset: string,
): Promise<{ readonly rendition: RenditionBody; readonly media: MediaBody }> {
  const pair = await readAssetPair(services, tenant, asset)
  if (!pair.asset) throw new CatamaranError('not-found', 'There is no such asset.')
  const media = pair.media?.body as MediaBody | undefined
  const rendition = media?.renditions.find(({ name }) => name === 'parquet')
  if (media && rendition) return { rendition, media }
  const status = media?.status ?? 'awaiting-upload'
  throw new CatamaranError('conflict', `The asset ${asset} has no rows to query: it is ${status}.`)
}

const tableOf = (
  services: Services,
  name: string,
  { rendition }: { readonly rendition: RenditionBody },
  signal: AbortSignal,
): AnalyticsTable => ({
  name,
  bytes: rendition.bytes,
  open: async () => {
    const body = await services.objects.get(rendition.objectKey, undefined, signal)
    if (body) return body.stream
    throw new CatamaranError('unavailable', `The rows of ${name} have not come to this site yet.`, {
      retryAfterMs: 2_000,
    })
  },
})
