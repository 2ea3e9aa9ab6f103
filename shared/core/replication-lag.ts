import { countOfHistogram, quantileMs, sumOfHistograms } from '../domain/histogram.ts'
import { pulseKey } from '../domain/pulse.ts'
import type { PeerLag } from '../ports/peer.ts'
import { latestFigures, recentFigures, type FeedFigures } from './feed-figures.ts'
import { readMark, writeMark } from './replication-marks.ts'
import { writeRecord } from './records.ts'
import type { Services } from './services.ts'

const windowMs = 15 * 60_000
const ageWindowMs = 5 * 60_000
/** When the feed has brought nothing for so long, one change is made to see whether it lives, and how far it has come. */
const silenceMs = 300_000
/** A change may take this long to come through a feed that works. */
const pulseMsMax = 120_000

/** From a write here to the peer's acknowledgement, over the last quarter of an hour. */
export async function outgoingLag(services: Services): Promise<PeerLag> {
  const figures = await recentFigures(services, windowMs)
  const lag = sumOfHistograms(figures.map((each) => each.lag))
  return {
    windowMs,
    count: countOfHistogram(lag),
    p50Ms: quantileMs(lag, 0.5) ?? null,
    p99Ms: quantileMs(lag, 0.99) ?? null,
  }
}

export interface LastOffer {
  readonly atMs: number
  readonly lagMs: number
}

/** The newest offer that the peer took, within a day. */
export async function lastOffer(services: Services): Promise<LastOffer | null> {
  const newest = newestOf(await latestFigures(services), ({ offeredMs }) => offeredMs)
  return newest && newest.offeredMs > 0 ? { atMs: newest.offeredMs, lagMs: newest.lagMs } : null
}

export interface FeedAge {
  /** How old the oldest change that the feed has not brought here yet is at most, in milliseconds. */
  readonly ageMs: number
  /** When it last brought something. */
  readonly handledMs: number | null
  /** It was given a change and did not bring it. */
  readonly isSilent: boolean
  /**
   * What was stored here before this moment the feed has brought, as far as what it brings can tell: not what it lost, nor
   * a shard that stands still and does not fail. On this site's clock; 0 when it never brought anything.
   */
  readonly untilMs: number
}

/**
 * DynamoDB Streams forget a change after 24 hours, so this must never come near. A feed that works on a backlog shows its
 * age by what it brings; one that brings nothing at all, by a change that was made to be brought (`probeFeed`).
 */
export async function feedAge(services: Services): Promise<FeedAge> {
  const [recent, latest, pulse] = await Promise.all([
    recentFigures(services, ageWindowMs),
    latestFigures(services),
    readMark(services, 'pulse'),
  ])
  const nowMs = services.clock.now()
  const newestMs = newestOf(latest, (each) => each.newestMs)?.newestMs ?? 0
  const handledMs = newestOf(latest, (each) => each.handledMs)?.handledMs ?? 0
  const pulseMs = Number(pulse?.['atMs'] ?? 0)
  const isSilent = pulseMs > newestMs && nowMs - pulseMs > pulseMsMax
  const silentMs = isSilent ? nowMs - (newestMs > 0 ? newestMs : pulseMs) : 0
  const broughtMs = recent.reduce((age, each) => Math.max(age, each.ageMs), 0)
  const untilMs = Math.max(0, Math.min(newestMs, nowMs - broughtMs))
  return { ageMs: Math.max(silentMs, broughtMs), handledMs: handledMs > 0 ? handledMs : null, isSilent, untilMs }
}

/**
 * Gives a feed that has been still for five minutes one change to bring: from outside, a feed without changes and one that is
 * dead look the same. While that change is outstanding no other is made.
 */
export async function probeFeed(services: Services): Promise<void> {
  const nowMs = services.clock.now()
  const newestMs = newestOf(await latestFigures(services), (each) => each.newestMs)?.newestMs ?? 0
  const pulseMs = Number((await readMark(services, 'pulse'))?.['atMs'] ?? 0)
  if (nowMs - newestMs < silenceMs || pulseMs > newestMs) return
  // The mark first: without it, a change that never comes would not be missed.
  await writeMark(services, 'pulse', { atMs: nowMs })
  const key = pulseKey(services.site)
  await writeRecord(services, key, { precondition: { kind: 'none' } }, () => ({ atMs: nowMs }))
}

function newestOf(figures: readonly FeedFigures[], by: (figures: FeedFigures) => number): FeedFigures | undefined {
  return figures.reduce<FeedFigures | undefined>(
    (newest, each) => (newest && by(newest) >= by(each) ? newest : each),
    undefined,
  )
}
