import type { AssetBody } from '../domain/asset.ts'
import type { StoredRecord } from '../domain/record.ts'
import type { Page, PageRequest } from '../ports/page.ts'
import { viewsOf, type AssetView } from './asset-view.ts'
import { recordVersions } from './record-history.ts'
import { listRecords, type ReadOptions } from './record-reads.ts'
import type { Services } from './services.ts'

export interface AssetFilter {
  readonly status?: AssetView['status'] | undefined
  /** image, video, audio, data, document, other */
  readonly kind?: string | undefined
  /** A whole media type, or its family like `image/*`. */
  readonly mediaType?: string | undefined
  readonly namePrefix?: string | undefined
  /** Lists what was deleted, instead of what is there. */
  readonly deleted?: boolean | undefined
}

/** A page reads at most this many assets; it may therefore hold fewer than asked and still have a next. */
const scannedMax = 1_000
const readAtOnce = 100

/** One page in ascending order of id; `next` is an id. */
export async function listAssets(
  services: Services,
  tenant: string,
  filter: AssetFilter,
  { after, limit }: PageRequest,
  { session }: ReadOptions = {},
): Promise<Page<AssetView>> {
  const found: AssetView[] = []
  let cursor = after
  for (let scanned = 0; scanned < scannedMax; ) {
    const request = { after: cursor, limit: Math.min(readAtOnce, isNarrow(filter) ? readAtOnce : limit - found.length) }
    const page = await listRecords(services, { tenant, collection: 'assets' }, request, {
      includeDeleted: filter.deleted === true,
      session,
    })
    const views = await viewsOf(services, await withLastBody(services, page.items, filter), { session })
    for (const view of views) {
      if (!matches(view, filter)) continue
      found.push(view)
      if (found.length < limit) continue
      const isLast = page.next === undefined && page.items.at(-1)?.key.id === view.id
      return isLast ? { items: found } : { items: found, next: view.id }
    }
    if (page.next === undefined) return { items: found }
    cursor = page.next
    scanned += page.items.length
  }
  return cursor === undefined ? { items: found } : { items: found, next: cursor }
}

const isNarrow = (filter: AssetFilter): boolean => Object.values(filter).some((value) => value !== undefined)

async function withLastBody(
  services: Services,
  records: readonly StoredRecord[],
  { deleted = false }: AssetFilter,
): Promise<{ record: StoredRecord; lastBody?: AssetBody }[]> {
  const wanted = records.filter((record) => record.deleted === deleted)
  if (!deleted) return wanted.map((record) => ({ record }))
  return Promise.all(
    wanted.map(async (record) => {
      const versions = await recordVersions(services, record.key, { limit: 10 })
      const last = versions.items.find((state) => !state.deleted)?.body
      return last ? { record, lastBody: last as AssetBody } : { record }
    }),
  )
}

function matches(view: AssetView, filter: AssetFilter): boolean {
  if (filter.status !== undefined && view.status !== filter.status) return false
  if (filter.kind !== undefined && view.kind !== filter.kind) return false
  if (filter.namePrefix !== undefined && !view.name.startsWith(filter.namePrefix)) return false
  if (filter.mediaType === undefined) return true
  return filter.mediaType.endsWith('/*')
    ? view.mediaType.startsWith(filter.mediaType.slice(0, -1))
    : view.mediaType === filter.mediaType
}
