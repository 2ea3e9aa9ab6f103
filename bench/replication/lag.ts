import { systemClock, systemRandom } from '../../shared/adapters/clock.ts'
import { handleChanges } from '../../shared/core/feed.ts'
import { writeRecord } from '../../shared/core/records.ts'
import type { Services } from '../../shared/core/services.ts'
import type { StoredRecord } from '../../shared/domain/record.ts'
import { peerOf, type Site, sites } from '../../shared/domain/site.ts'
import { memoryRecordStore } from '../../test/memory/record-store.ts'
import { memorySiteStore } from '../../test/memory/site-store.ts'
import { quantile } from '../figures.ts'
import { peerOver, servicesOver } from './applying-site.ts'

export interface LagOptions {
  /** At each site. */
  readonly perSecond: number
  readonly seconds: number
  readonly roundTripMs: number
}

export interface Lag {
  /** What the puts came to. */
  readonly perSecond: number
  readonly p50Ms: number
  readonly p99Ms: number
  readonly p999Ms: number
}

/** A stream's poll, and the most changes it hands over at once: see aws/infra/event-sources.yml. */
const pollMs = 100
const batchMax = 500
const tickMs = 5
const settleMsMax = 60_000

/**
 * Puts at both sites at once at a steady rate, and how long those of each take to be stored at the other one, by the site
 * that they were put at. Real time, both sites in the memory of one process, which does the work of two.
 */
export async function measureLag({ perSecond, seconds, roundTripMs }: LagOptions): Promise<Record<Site, Lag>> {
  const sides = await joinedSides(roundTripMs)
  const over = new AbortController()
  const delivering = sites.map((site) => deliver(sides[site], over.signal))
  const [aws, azure] = await Promise.all([
    putAll(sides.aws, perSecond, seconds),
    putAll(sides.azure, perSecond, seconds),
  ])
  const onTheWay = (): number => sides.aws.putMs.size + sides.azure.putMs.size
  const endMs = performance.now() + settleMsMax
  while (onTheWay() > 0 && performance.now() < endMs) await systemClock.sleep(tickMs)
  over.abort()
  await Promise.all(delivering)
  if (onTheWay() > 0) throw new Error(`${onTheWay()} records did not reach the other site`)
  return { aws: lagOf(sides.aws, aws), azure: lagOf(sides.azure, azure) }
}

function lagOf({ lagsMs }: Side, perSecond: number): Lag {
  const at = (fraction: number): number => quantile(lagsMs, fraction)
  return { perSecond, p50Ms: at(0.5), p99Ms: at(0.99), p999Ms: at(0.999) }
}

interface Side {
  readonly services: Services
  /** What its feed has yet to hand over: what was put here, and what came from the other site. */
  readonly feed: StoredRecord[]
  /** When each record was put here that has not reached the other site, by id. */
  readonly putMs: Map<string, number>
  /** Of those that have. */
  readonly lagsMs: number[]
}

async function joinedSides(roundTripMs: number): Promise<Record<Site, Side>> {
  const empty = () => ({ feed: [] as StoredRecord[], putMs: new Map<string, number>(), lagsMs: [] as number[] })
  const kept = { aws: empty(), azure: empty() }
  const alone = (site: Site): Services => {
    const from = kept[peerOf(site)]
    const onChange = (change: StoredRecord): void => {
      kept[site].feed.push(change)
      const { id } = change.key
      const since = from.putMs.get(id)
      if (since !== undefined) from.lagsMs.push(performance.now() - since)
      from.putMs.delete(id)
    }
    const stores = { records: memoryRecordStore({ onChange }), siteStore: memorySiteStore({ clock: systemClock }) }
    return { ...servicesOver(site, stores), random: systemRandom }
  }
  const [aws, azure] = [alone('aws'), alone('azure')]
  return {
    aws: { ...kept.aws, services: { ...aws, peer: await peerOver(azure, roundTripMs) } },
    azure: { ...kept.azure, services: { ...azure, peer: await peerOver(aws, roundTripMs) } },
  }
}

const note = 'x'.repeat(200)

/** Puts evenly for so long. Returns how many a second it came to. */
async function putAll(side: Side, perSecond: number, seconds: number): Promise<number> {
  const total = perSecond * seconds
  const began = performance.now()
  for (let sent = 0; sent < total; ) {
    const due = Math.min(total, Math.floor(((performance.now() - began) / 1000) * perSecond))
    const puts: Promise<unknown>[] = []
    for (; sent < due; sent++) puts.push(put(side, `${side.services.site}-${sent}`))
    await Promise.all(puts)
    await systemClock.sleep(tickMs)
  }
  return total / ((performance.now() - began) / 1000)
}

async function put({ services, putMs }: Side, id: string): Promise<void> {
  const key = { tenant: 'bench', collection: 'lag', id }
  await writeRecord(services, key, { precondition: { kind: 'none' } }, () => ({ id, note }))
  putMs.set(id, performance.now())
}

/** As an event source mapping does: one batch at a time, in order. */
async function deliver({ services, feed }: Side, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    const batch = feed.splice(0, batchMax)
    if (batch.length > 0) await handleChanges(services, batch)
    else await systemClock.sleep(pollMs)
  }
}
