import { systemClock, systemRandom } from '../../shared/adapters/clock.ts'
import { handleChanges } from '../../shared/core/feed.ts'
import { writeRecord } from '../../shared/core/records.ts'
import type { StoredRecord } from '../../shared/domain/record.ts'
import type { Services } from '../../shared/core/services.ts'
import { memoryRecordStore } from '../../test/memory/record-store.ts'
import { memorySiteStore } from '../../test/memory/site-store.ts'
import { quantile } from '../figures.ts'
import { peerOver, servicesOver } from './applying-site.ts'

export interface LagOptions {
  readonly perSecond: number
  readonly seconds: number
  readonly roundTripMs: number
}

export interface Lag {
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

/** Puts at one site at a steady rate, and how long each takes to be stored at the other one. Real time, both sites in memory. */
export async function measureLag({ perSecond, seconds, roundTripMs }: LagOptions): Promise<Lag> {
  const writtenMs = new Map<string, number>()
  const lagsMs: number[] = []
  const feed: StoredRecord[] = []
  const azure = siteOf('azure', ({ key: { id } }) => {
    const since = writtenMs.get(id)
    if (since !== undefined) lagsMs.push(performance.now() - since)
    writtenMs.delete(id)
  })
  const peer = await peerOver(azure, roundTripMs)
  const aws = siteOf('aws', (change) => feed.push(change), peer)
  const over = new AbortController()
  const delivering = deliver(aws, feed, over.signal)
  const total = perSecond * seconds
  const began = performance.now()
  for (let sent = 0; sent < total; ) {
    const due = Math.min(total, Math.floor(((performance.now() - began) / 1000) * perSecond))
    const puts: Promise<unknown>[] = []
    for (; sent < due; sent++) puts.push(put(aws, `r${sent}`, writtenMs))
    await Promise.all(puts)
    await systemClock.sleep(tickMs)
  }
  const tookS = (performance.now() - began) / 1000
  const endMs = performance.now() + settleMsMax
  while (writtenMs.size > 0 && performance.now() < endMs) await systemClock.sleep(tickMs)
  over.abort()
  await delivering
  if (writtenMs.size > 0) throw new Error(`${writtenMs.size} of ${total} records did not reach the other site`)
  const at = (fraction: number): number => quantile(lagsMs, fraction)
  return { perSecond: total / tookS, p50Ms: at(0.5), p99Ms: at(0.99), p999Ms: at(0.999) }
}

const note = 'x'.repeat(200)

async function put(services: Services, id: string, writtenMs: Map<string, number>): Promise<void> {
  const key = { tenant: 'bench', collection: 'lag', id }
  await writeRecord(services, key, { precondition: { kind: 'none' } }, () => ({ id, note }))
  writtenMs.set(id, performance.now())
}

function siteOf(site: Services['site'], onChange: (change: StoredRecord) => void, peer?: Services['peer']): Services {
  const stores = { records: memoryRecordStore({ onChange }), siteStore: memorySiteStore({ clock: systemClock }) }
  return { ...servicesOver(site, stores, peer), random: systemRandom }
}

/** As an event source mapping does: one batch at a time, in order. */
async function deliver(services: Services, feed: StoredRecord[], signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    const batch = feed.splice(0, batchMax)
    if (batch.length > 0) await handleChanges(services, batch)
    else await systemClock.sleep(pollMs)
  }
}
