import { readFileSync } from 'node:fs'
import { json } from 'node:stream/consumers'
import { runJob } from '../../shared/core/jobs.ts'
import { forEachOf } from '../../shared/core/each.ts'
import { wantObject } from '../../shared/core/missing-objects.ts'
import { grantReads } from '../../shared/core/peer-service.ts'
import type { Services } from '../../shared/core/services.ts'
import { systemClock, systemRandom } from '../../shared/adapters/clock.ts'
import { fetchRange } from '../../shared/adapters/range-fetch.ts'
import type { WorkTools } from '../../shared/core/work-tools.ts'
import { peerOf, type Site } from '../../shared/domain/site.ts'
import type { GrantOptions, Peer, ReadGrant } from '../../shared/ports/peer.ts'
import { memoryDelivery } from '../../test/memory/delivery.ts'
import { memoryJobQueue } from '../../test/memory/job-queue.ts'
import { memoryRecordStore } from '../../test/memory/record-store.ts'
import { memorySiteStore } from '../../test/memory/site-store.ts'
import { memoryTelemetry } from '../../test/memory/telemetry.ts'
import { type Endpoints, storesOf } from './stores.ts'

/** What this process is told on its standard input. */
export interface CopyOrder {
  readonly endpoints: Endpoints
  readonly to: Site
  readonly keys: readonly string[]
  /** Of each object, as its record tells. */
  readonly bytes: number
  readonly atOnce: number
  /** A grant given for every key instead of asking the other store. */
  readonly grant?: ReadGrant
}

export interface CopyResult {
  readonly seconds: number
  readonly idleMiB: number
  readonly peakMiB: number
  /** Of a processor, for the copies alone. */
  readonly cpuSeconds: number
  readonly failed: number
}

const { endpoints, to, keys, bytes, atOnce, grant } = (await json(process.stdin)) as CopyOrder
const stores = storesOf(endpoints)
const clock = systemClock
const common = {
  clock,
  random: systemRandom,
  delivery: memoryDelivery({ clock }),
  telemetry: memoryTelemetry(),
}

/** The core as in a function, over the real object stores; marks and records are in memory, so that bytes are measured. */
const siteOf = (site: Site, peer: Peer): Services => ({
  site,
  ...common,
  objects: stores[site],
  records: memoryRecordStore(),
  siteStore: memorySiteStore({ clock }),
  jobs: memoryJobQueue({ clock }),
  peer,
})
const peer = { grantRead: (asked: readonly string[], as?: GrantOptions) => granted(asked, as) } as unknown as Peer
const services = siteOf(to, peer)
const peerServices = siteOf(peerOf(to), peer)
const granted = async (asked: readonly string[], as?: GrantOptions): Promise<(ReadGrant | undefined)[]> =>
  grant ? [grant] : grantReads(peerServices, asked, as)
/** Nothing is converted here. */
const nothing = () => Promise.reject(new Error('Only objects are copied'))
const work: WorkTools = {
  fetch,
  fetchRange,
  outbound: { request: nothing },
  workFolder: nothing,
  converter: { inspect: nothing, convert: nothing },
}

const statusMiB = (name: 'VmHWM' | 'VmRSS'): number => {
  const [, kib] = new RegExp(`${name}:\\s+(\\d+) kB`).exec(readFileSync('/proc/self/status', 'utf8')) ?? []
  return Number(kib) / 1024
}

const idleMiB = statusMiB('VmRSS')
const began = performance.now()
const beganCpu = process.cpuUsage()
const never = new AbortController().signal
await forEachOf(keys, atOnce, async (key) => {
  const target = { tenant: 'bench', asset: 'bench', key }
  // As when a record arrives that names it: is it here, and if not, a mark and a message.
  if (!(await services.objects.head(key))) await wantObject(services, target, bytes)
  await runJob(services, work, { kind: 'copy-object', payload: target }, never)
})
const seconds = (performance.now() - began) / 1000
const used = process.cpuUsage(beganCpu)
const cpuSeconds = (used.user + used.system) / 1e6
let failed = 0
await forEachOf(keys, 16, async (key) => {
  if (!(await stores[to].head(key))) failed++
})
const result: CopyResult = { seconds, idleMiB, peakMiB: statusMiB('VmHWM'), cpuSeconds, failed }
process.stdout.write(`${JSON.stringify(result)}\n`)
process.exit(0)
