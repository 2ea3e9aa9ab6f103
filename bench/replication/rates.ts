import { setTimeout as sleep } from 'node:timers/promises'
import { seedKey } from '../../local/seed.ts'
import { type Clouds, startClouds } from '../../local/supervisor/clouds.ts'
import { type Api, apiOf } from '../../local/tour/api.ts'
import { peerOf, type Site, sites } from '../../shared/domain/site.ts'
import { type Figure, quantile } from '../figures.ts'

const portBase = 14_800
const ratesPerSecond = [50, 100, 200, 400, 800] as const
/** Writes travel in batches, since the local hosts bear no more single requests. */
const batchesPerSecond = 10
/** A rate is borne while it is reached by this much, and nothing waits this long at the other site. */
const reachedMin = 0.9
const lagMsMax = 5_000
const settleMsMax = 120_000

/** Raises the rate at each site until the local servers no longer bear it; prints the lag at the last one that they did. */
export async function measureRates(folder: string, seconds: number, print: (figure: Figure) => void): Promise<void> {
  const clouds = await startClouds({ dataFolder: folder, portBase })
  try {
    const key = await seedKey(clouds)
    for (const from of sites) {
      const found = await highestRate(clouds, { from, key, seconds })
      const name = `replication: put at ${from} in the list of changes at ${peerOf(from)}, at the highest rate that the local servers bear`
      print({ name: `${name}, rate`, value: found.perSecond, unit: 'records/s' })
      print({ name: `${name}, p50`, value: quantile(found.lagsMs, 0.5), unit: 'ms' })
      print({ name: `${name}, p99`, value: quantile(found.lagsMs, 0.99), unit: 'ms' })
    }
  } finally {
    await clouds.stop()
  }
}

interface Run {
  readonly perSecond: number
  readonly lagsMs: readonly number[]
}

interface RateOptions {
  readonly from: Site
  readonly key: string
  readonly seconds: number
}

async function highestRate(clouds: Clouds, { from, key, seconds }: RateOptions): Promise<Run> {
  const [writer, reader] = [from, peerOf(from)].map((site) => apiOf(site, clouds.urls[site].api, key)) as [Api, Api]
  let best: Run | undefined
  for (const perSecond of ratesPerSecond) {
    const run = await runAt(writer, reader, { perSecond, seconds, collection: `rate-${from}-${perSecond}` })
    const isBorne = run.perSecond >= perSecond * reachedMin && quantile(run.lagsMs, 0.99) <= lagMsMax
    if (best && !isBorne) break
    best = run
    if (!isBorne) break
  }
  if (!best) throw new Error('no rate was tried')
  return best
}

interface Rate {
  readonly perSecond: number
  readonly seconds: number
  readonly collection: string
}

async function runAt(writer: Api, reader: Api, { perSecond, seconds, collection }: Rate): Promise<Run> {
  const lines = perSecond / batchesPerSecond
  const writtenMs = new Map<string, number>()
  const lagsMs: number[] = []
  const over = new AbortController()
  const reading = watch(
    reader,
    collection,
    (id) => {
      const since = writtenMs.get(id)
      if (since !== undefined) lagsMs.push(performance.now() - since)
      writtenMs.delete(id)
    },
    over.signal,
  )
  const began = performance.now()
  const batches = seconds * batchesPerSecond
  const sent: Promise<void>[] = []
  for (let batch = 0; batch < batches; batch++) {
    await sleep(Math.max(0, (batch * 1000) / batchesPerSecond - (performance.now() - began)))
    const ids = Array.from({ length: lines }, (_, n) => `b${batch}-${n}`)
    // A batch counts from when it is sent: its acknowledgement may come after the other site has it.
    for (const id of ids) writtenMs.set(id, performance.now())
    sent.push(write(writer, collection, ids))
  }
  await Promise.all(sent)
  const tookS = (performance.now() - began) / 1000
  const endMs = performance.now() + settleMsMax
  while (writtenMs.size > 0 && performance.now() < endMs) await sleep(50)
  over.abort()
  await reading
  if (writtenMs.size > 0) throw new Error(`${writtenMs.size} records did not reach the other site`)
  return { perSecond: (batches * lines) / tookS, lagsMs }
}

async function write(api: Api, collection: string, ids: readonly string[]): Promise<void> {
  const content = ids.map((id) => JSON.stringify({ op: 'put', id, body: { id, note: 'x'.repeat(200) } })).join('\n')
  const headers = { 'content-type': 'application/x-ndjson', 'idempotency-key': `${collection}-${ids[0]}` }
  await api.call('POST', `/v1/collections/${collection}/batch`, { content, headers, status: 200, timeoutMs: 60_000 })
}

/** Follows the other site's list of changes, as a client would. */
async function watch(api: Api, collection: string, onRecord: (id: string) => void, signal: AbortSignal): Promise<void> {
  let cursor: string | undefined
  while (!signal.aborted) {
    const query = new URLSearchParams({ limit: '500', wait: '1', ...(cursor === undefined ? {} : { cursor }) })
    const page = await api.get<{ items: { collection: string; id: string }[]; cursor: string }>(`/v1/changes?${query}`)
    for (const item of page.items) if (item.collection === collection) onRecord(item.id)
    cursor = page.cursor
  }
}
