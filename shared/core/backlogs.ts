import { stampAheadMsMax } from '../domain/limits.ts'
import { type Stamp, stampMs } from '../domain/stamp.ts'
import type { SiteItem } from '../ports/site-store.ts'
import { deadLettersPartition } from './dead-letters.ts'
import { missingShards } from './missing-objects.ts'
import { quarantinePartition } from './quarantine.ts'
import type { Services } from './services.ts'

/** Batches of the feed whose buckets are marked, up to a bound. */
export interface Backlog extends Counted {
  /** Different buckets in them. */
  readonly buckets: number
}

/** Counted up to a bound, so that a status never costs more the worse things are; `more` says that it was reached. */
export interface Counted {
  readonly count: number
  readonly more: boolean
  /** When the oldest that was looked at came. */
  readonly oldestMs: number | null
}

export interface Quarantined extends Pick<Counted, 'count' | 'more'> {
  /** How far the stamp furthest ahead is ahead of this site's clock. */
  readonly aheadMs: number
  /** When the first and the last of them will be applied. */
  readonly firstUntilMs: number | null
  readonly lastUntilMs: number | null
}

const countMax = 1000

async function look(services: Services, partition: string): Promise<{ items: readonly SiteItem[]; more: boolean }> {
  const page = await services.siteStore.list(partition, { limit: countMax })
  return { items: page.items, more: page.next !== undefined }
}

const oldestOf = (times: readonly number[]): number | null =>
  times.length === 0 ? null : times.reduce((a, b) => Math.min(a, b))

/** Marks are named by the time they were made, so the first is the oldest. */
export async function countMarks(services: Services, partition: string): Promise<Backlog> {
  const { items, more } = await look(services, partition)
  const buckets = new Set(items.flatMap(({ value }) => value['buckets'] as number[])).size
  const oldestMs = items[0] ? Number(items[0].id.split('/')[0]) : null
  return { count: items.length, more, oldestMs, buckets }
}

export async function countLetters(services: Services): Promise<Counted> {
  const { items, more } = await look(services, deadLettersPartition)
  return { count: items.length, more, oldestMs: oldestOf(items.map(({ value }) => Number(value['firstMs']))) }
}

export async function countMissing(services: Services): Promise<Counted & { readonly bytes: number }> {
  const shards = await Promise.all(missingShards.map((shard) => look(services, shard)))
  const items = shards.flatMap((shard) => shard.items)
  return {
    count: items.length,
    more: shards.some(({ more }) => more),
    oldestMs: oldestOf(items.map(({ value }) => Number(value['sinceMs']))),
    bytes: items.reduce((sum, { value }) => sum + Number(value['bytes'] ?? 0), 0),
  }
}

/** Items are named by their stamps, so the first and the last of the list are released first and last. */
export async function countQuarantined(services: Services): Promise<Quarantined> {
  const [{ items, more }, last] = await Promise.all([
    look(services, quarantinePartition),
    services.siteStore.list(quarantinePartition, { limit: 1, descending: true }),
  ])
  const untilOf = (item: SiteItem | undefined): number | null =>
    item ? stampMs((item.id.split('/')[0] ?? '') as Stamp) - stampAheadMsMax : null
  const lastUntilMs = untilOf(last.items[0])
  const aheadMs = lastUntilMs === null ? 0 : Math.max(0, lastUntilMs + stampAheadMsMax - services.clock.now())
  return { count: items.length, more, aheadMs, firstUntilMs: untilOf(items[0]), lastUntilMs }
}
