import type { JsonObject } from '../domain/json.ts'
import type { StoredRecord } from '../domain/record.ts'
import { isSite, type Site } from '../domain/site.ts'
import { arrivalCursor, arrivalShardCount } from '../ports/record-store.ts'
import { readMark } from './replication-marks.ts'
import type { Services } from './services.ts'

/**
 * A place in a tenant's list of changes. Changes arrive at the sites in different orders, so at the other site reading goes
 * on where it had stopped there, or from a moment that surely lies before all that the reader has not seen: some changes
 * come twice, none is missed.
 */
export interface ChangesCursor {
  readonly site: Site
  /** One position a shard. */
  readonly at: readonly string[]
  /** Everything that arrived at `site` before this moment has been read. */
  readonly ms: number
  /** Everything that had arrived at the peer of `site` before this moment, by its clock, has been read as well. */
  readonly untilMs: number
  /** What the peer wrote from this moment on may have been shown at `site` as it was before. Absent while nothing was. */
  readonly freshMs?: number
  /** Where reading stopped at the peer of `site`, if it ever read there. */
  readonly there?: readonly string[]
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
  let place = placeOf(services, cursor)
  for (;;) {
    const page = await readOnce(services, tenant, place, limit)
    if (page.items.length > 0 || services.clock.monotonicMs() + pollMs > deadlineMs || signal?.aborted) return page
    place = page.cursor
    await services.clock.sleep(pollMs, signal)
  }
}

type Place = Pick<ChangesCursor, 'at' | 'there' | 'untilMs' | 'freshMs'>

function placeOf(services: Services, cursor: ChangesCursor | undefined): Place {
  if (!cursor) return { at: everyShard(''), untilMs: 0 }
  if (cursor.site === services.site) return cursor
  const known = positionBefore(cursor.untilMs)
  // What was read here, and then shown at the other site as it had been before, is shown once more.
  const again = cursor.freshMs === undefined ? undefined : positionBefore(cursor.freshMs)
  const at = (cursor.there ?? everyShard('')).map((stopped) => {
    const on = again !== undefined && again < stopped ? again : stopped
    return on > known ? on : known
  })
  return { at, there: cursor.at, untilMs: 0 }
}

const everyShard = (position: string): readonly string[] => new Array<string>(arrivalShardCount).fill(position)

const positionBefore = (ms: number): string => arrivalCursor(Math.max(0, ms - siteChangeMarginMs))

async function readOnce(
  services: Services,
  tenant: string,
  place: Place,
  limit: number,
): Promise<{ items: readonly StoredRecord[]; cursor: ChangesCursor }> {
  const replicated = await readMark(services, 'replicated-until')
  const settledMs = services.clock.now() - settleMs
  const shardLimit = Math.max(1, Math.floor(limit / arrivalShardCount))
  const at = [...place.at]
  const items: StoredRecord[] = []
  let ms = settledMs
  await Promise.all(
    place.at.map(async (after, shard) => {
      const page = await services.records.arrivals(tenant, shard, { after: after || undefined, limit: shardLimit })
      const settled = page.items.filter((record) => record.arrivalMs < settledMs)
      items.push(...settled)
      const last = settled.at(-1)
      if (last) at[shard] = positionAfter(page, settled.length, last)
      if (last && page.next !== undefined) ms = Math.min(ms, last.arrivalMs)
    }),
  )
  items.sort((a, b) => a.arrivalMs - b.arrivalMs)
  // What had arrived when that was found out may not have been read yet: then an earlier finding still holds.
  const isRead = Number(replicated?.['atMs'] ?? Number.POSITIVE_INFINITY) <= ms
  const untilMs = isRead ? Number(replicated?.['sureMs'] ?? 0) : place.untilMs
  const freshMs = Math.min(place.freshMs ?? Number.POSITIVE_INFINITY, Number(replicated?.['ms'] ?? 0))
  const shown = items.length > 0 ? { freshMs } : {}
  return { items, cursor: { ...place, site: services.site, at, ms, untilMs, ...shown } }
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
  const { site, at, ms, untilMs, freshMs, there } = value
  if (typeof site !== 'string' || !isSite(site)) return undefined
  if (!isPositions(at) || (there !== undefined && !isPositions(there))) return undefined
  if (typeof ms !== 'number' || typeof untilMs !== 'number') return undefined
  if (freshMs !== undefined && typeof freshMs !== 'number') return undefined
  return { site, at, ms, untilMs, ...(freshMs === undefined ? {} : { freshMs }), ...(there ? { there } : {}) }
}

const isPositions = (value: unknown): value is readonly string[] =>
  Array.isArray(value) && value.length === arrivalShardCount && value.every((text) => typeof text === 'string')
