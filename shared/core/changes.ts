import type { JsonObject } from '../domain/json.ts'
import type { StoredRecord } from '../domain/record.ts'
import { isSite, type Site } from '../domain/site.ts'
import { arrivalCursor, arrivalShardCount } from '../ports/record-store.ts'
import { readMark } from './replication-marks.ts'
import type { Services } from './services.ts'

/**
 * A place in a tenant's list of changes. It belongs to the site that gave it; at the other site, where changes arrived in
 * another order, reading goes on from a moment that surely lies before all that the reader has not seen: some changes
 * come twice, none is missed.
 */
export interface ChangesCursor {
  readonly site: Site
  /** One position a shard. */
  readonly at: readonly string[]
  /** Everything that arrived at `site` before this moment has been read. */
  readonly ms: number
  /** Every write the peer of `site` made before this moment has been read as well. */
  readonly untilMs: number
}

export interface ChangesRequest {
  readonly cursor?: ChangesCursor | undefined
  readonly limit: number
  /** How long to wait for a change when there is none. */
  readonly waitMs?: number | undefined
  readonly signal?: AbortSignal | undefined
}

/** Writers on the way may still put a change before one that is there already; a change this young waits. */
const settleMs = 2000
const pollMs = 500
const siteChangeMarginMs = 600_000

export async function listChanges(
  services: Services,
  tenant: string,
  { cursor, limit, waitMs = 0, signal }: ChangesRequest,
): Promise<{ items: readonly StoredRecord[]; cursor: ChangesCursor }> {
  const deadlineMs = services.clock.monotonicMs() + waitMs
  let position = startOf(services, cursor)
  const seenUntilMs = cursor?.site === services.site ? cursor.untilMs : 0
  for (;;) {
    const page = await readOnce(services, tenant, position, { limit, seenUntilMs })
    if (page.items.length > 0 || services.clock.monotonicMs() + pollMs > deadlineMs || signal?.aborted) return page
    position = page.cursor.at
    await services.clock.sleep(pollMs, signal)
  }
}

function startOf(services: Services, cursor: ChangesCursor | undefined): readonly string[] {
  if (!cursor) return everyShard('')
  if (cursor.site === services.site) return cursor.at
  return everyShard(arrivalCursor(Math.max(0, Math.min(cursor.ms, cursor.untilMs) - siteChangeMarginMs)))
}

const everyShard = (position: string): readonly string[] => new Array<string>(arrivalShardCount).fill(position)

async function readOnce(
  services: Services,
  tenant: string,
  at: readonly string[],
  { limit, seenUntilMs }: { readonly limit: number; readonly seenUntilMs: number },
): Promise<{ items: readonly StoredRecord[]; cursor: ChangesCursor }> {
  const replicated = await readMark(services, 'replicated-until')
  const settledMs = services.clock.now() - settleMs
  const shardLimit = Math.max(1, Math.floor(limit / arrivalShardCount))
  const positions = [...at]
  const items: StoredRecord[] = []
  let ms = settledMs
  await Promise.all(
    at.map(async (after, shard) => {
      const page = await services.records.arrivals(tenant, shard, { after: after || undefined, limit: shardLimit })
      const settled = page.items.filter((record) => record.arrivalMs < settledMs)
      items.push(...settled)
      const last = settled.at(-1)
      if (last) positions[shard] = positionAfter(page, settled.length, last)
      if (last && page.next !== undefined) ms = Math.min(ms, last.arrivalMs)
    }),
  )
  items.sort((a, b) => a.arrivalMs - b.arrivalMs)
  // What had arrived when that was found out may not have been read yet: then an earlier finding still holds.
  const isRead = Number(replicated?.['atMs'] ?? Number.POSITIVE_INFINITY) <= ms
  const untilMs = isRead ? Number(replicated?.['ms']) : seenUntilMs
  return { items, cursor: { site: services.site, at: positions, ms, untilMs } }
}

/** A whole page ends at the store's own cursor; a page cut short ends at the last moment that was read. */
function positionAfter(
  page: { items: readonly StoredRecord[]; next?: string },
  kept: number,
  last: StoredRecord,
): string {
  if (kept === page.items.length && page.next !== undefined) return page.next
  return arrivalCursor(last.arrivalMs + 1)
}

/** Reads a cursor that came back from a client; undefined when it is not one. */
export function parseChangesCursor(value: JsonObject): ChangesCursor | undefined {
  const { site, at, ms, untilMs } = value
  if (typeof site !== 'string' || !isSite(site)) return undefined
  if (!Array.isArray(at) || at.length !== arrivalShardCount || !at.every((text) => typeof text === 'string'))
    return undefined
  if (typeof ms !== 'number' || typeof untilMs !== 'number') return undefined
  return { site, at: at as string[], ms, untilMs }
}
