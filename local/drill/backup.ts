import { cp, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { Site } from '../../shared/domain/site.ts'

/**
 * What of a site goes back to the moment of the backup: its `tables` alone, as docs/operations.md asks, or `everything`,
 * as when a site is lost with its buckets and all of it is put back.
 */
export const extents = ['tables', 'everything'] as const
export type Extent = (typeof extents)[number]

/** Where a site's local stores keep both its tables, as of one moment. */
const tables = { aws: 'dynamodb', azure: 'cosmos' } as const satisfies Record<Site, string>

/** How far the table's stream was read. A restored table has a stream of its own, and what reads it begins anew. */
const readers = {
  aws: ['lambda.sqlite', 'lambda.sqlite-wal', 'lambda.sqlite-shm'],
  // The trigger's lease lies beside the tables.
  azure: [],
} as const satisfies Record<Site, readonly string[]>

/** Copies what the site holds. It must be stopped: a copy of files that are written to is of no moment. */
export const takeBackup = (dataFolder: string, site: Site, backup: string): Promise<void> =>
  cp(join(dataFolder, site), backup, { recursive: true })

/** Puts a backup in the place of what the site holds. It must be stopped. */
export async function putBack(dataFolder: string, site: Site, backup: string, extent: Extent): Promise<void> {
  const folder = join(dataFolder, site)
  if (extent === 'everything') {
    await rm(folder, { recursive: true, force: true })
    await cp(backup, folder, { recursive: true })
    return
  }
  const table = tables[site]
  for (const name of [table, ...readers[site]]) await rm(join(folder, name), { recursive: true, force: true })
  await cp(join(backup, table), join(folder, table), { recursive: true })
}
