import { type Histogram, withValues } from '../domain/histogram.ts'
import type { JsonObject } from '../domain/json.ts'
import type { StoredRecord } from '../domain/record.ts'
import type { SiteItem } from '../ports/site-store.ts'
import type { Services } from './services.ts'

/** What one instance saw of the feed in one minute. */
export type FeedFigures = {
  /** From a write here to the peer's acknowledgement. */
  readonly lag: Histogram
  /** The newest offer that the peer took: when, and its lag. */
  readonly offeredMs: number
  readonly lagMs: number
  /** When it last handled a batch, how old the oldest change was in any of them, and when the newest had been stored. */
  readonly handledMs: number
  readonly ageMs: number
  readonly newestMs: number
}

const partition = 'feed-figures'
const minuteMs = 60_000
const keptMs = 24 * 3_600_000
/** What is handled and offers nothing is written down no more often than this. */
const flushMs = 10_000
/** What is delivered later than the feed remembers is no lag: it comes of a backfill, or of a site being rebuilt. */
const lagMsMax = 24 * 3_600_000
/** A minute has one item an instance. */
const itemsMax = 1000

const nothing: FeedFigures = { lag: {}, offeredMs: 0, lagMs: 0, handledMs: 0, ageMs: 0, newestMs: 0 }

interface Running {
  readonly id: string
  readonly minute: number
  figures: FeedFigures
  flushedMs: number
}

const running = new WeakMap<Services, Running>()

const idOf = (minute: number, rest = ''): string => `${String(minute).padStart(9, '0')}/${rest}`

/** This instance's item of this minute. Nobody else writes it, so it is written without a look at what is there. */
function runningOf(services: Services): Running {
  const minute = Math.floor(services.clock.now() / minuteMs)
  const known = running.get(services)
  if (known?.minute === minute) return known
  const name = known?.id.split('/')[1] ?? Buffer.from(services.random.bytes(6)).toString('hex')
  const fresh = { id: idOf(minute, name), minute, figures: nothing, flushedMs: known?.flushedMs ?? -flushMs }
  running.set(services, fresh)
  return fresh
}

/** A batch that the feed brought, and whether it is done with. Kept in memory until an offer, or `flushHandled`, writes it. */
export function noteHandled(services: Services, changes: readonly StoredRecord[], isDone: boolean): void {
  if (changes.length === 0) return
  const now = runningOf(services)
  const nowMs = services.clock.now()
  const arrivals = changes.map(({ arrivalMs }) => arrivalMs)
  const ageMs = Math.max(now.figures.ageMs, nowMs - arrivals.reduce((a, b) => Math.min(a, b)))
  const newestMs = arrivals.reduce((a, b) => Math.max(a, b), now.figures.newestMs)
  now.figures = isDone ? { ...now.figures, handledMs: nowMs, ageMs, newestMs } : { ...now.figures, ageMs }
}

/** Writes what was handled, unless that was done a moment ago. */
export async function flushHandled(services: Services): Promise<void> {
  const now = runningOf(services)
  if (now.figures === nothing || services.clock.monotonicMs() - now.flushedMs < flushMs) return
  await flush(services, now)
}

/** Takes down how long states were on their way to the peer, in milliseconds: one write an offer. */
export async function noteOffered(services: Services, lagsMs: readonly number[]): Promise<void> {
  const now = runningOf(services)
  const lags = lagsMs.filter((ms) => ms <= lagMsMax)
  const lagMs = lags.reduce((a, b) => Math.min(a, b), lagMsMax)
  const newest = lags.length > 0 ? { lagMs } : {}
  now.figures = { ...now.figures, lag: withValues(now.figures.lag, lags), offeredMs: services.clock.now(), ...newest }
  await flush(services, now)
}

async function flush(services: Services, now: Running): Promise<void> {
  now.flushedMs = services.clock.monotonicMs()
  const expiresMs = services.clock.now() + keptMs
  const value: JsonObject = { ...now.figures, lag: { ...now.figures.lag } }
  await services.siteStore.put({ partition, id: now.id, value, expiresMs }, { kind: 'any' })
}

const figuresOf = ({ value }: SiteItem): FeedFigures => ({ ...nothing, ...(value as unknown as FeedFigures) })

/** The figures of the last `windowMs` of all instances, oldest first. */
export async function recentFigures(services: Services, windowMs: number): Promise<FeedFigures[]> {
  const after = idOf(Math.floor((services.clock.now() - windowMs) / minuteMs) - 1, '~')
  const page = await services.siteStore.list(partition, { after, limit: itemsMax })
  return page.items.map(figuresOf)
}

/** The newest figures there are, of the last day. */
export async function latestFigures(services: Services): Promise<FeedFigures[]> {
  const page = await services.siteStore.list(partition, { limit: 50, descending: true })
  return page.items.map(figuresOf)
}
