import { setTimeout as sleep } from 'node:timers/promises'
import type { Clouds } from '../local/supervisor/clouds.ts'
import { apiOf } from '../local/tour/api.ts'
import type { Site } from '../shared/domain/site.ts'
import { quantile } from './figures.ts'

const writes = 100
const everyMs = 4
const visibleMsMax = 10_000
/** Between two writes, so that each finds both sites at rest. */
const pauseMs = 20

/** Milliseconds from the acknowledgement of a put at one site until a get at the other first shows it. */
export async function measureVisible(
  clouds: Clouds,
  from: Site,
  to: Site,
  key: string,
): Promise<{ p50Ms: number; p99Ms: number }> {
  const [writer, reader] = [apiOf(from, clouds.urls[from].api, key), apiOf(to, clouds.urls[to].api, key)]
  const tookMs: number[] = []
  for (let n = 0; n < writes; n++) {
    const path = `/v1/collections/visible/records/${from}-${n}`
    await writer.call('PUT', path, { json: { n }, headers: { 'if-none-match': '*' }, status: 201 })
    const began = performance.now()
    while ((await reader.call('GET', path, { status: [200, 404] })).status === 404) {
      if (performance.now() - began > visibleMsMax)
        throw new Error(`${path} was not visible at ${to} in ${visibleMsMax} ms`)
      await sleep(everyMs)
    }
    tookMs.push(performance.now() - began)
    await sleep(pauseMs)
  }
  return { p50Ms: quantile(tookMs, 0.5), p99Ms: quantile(tookMs, 0.99) }
}
