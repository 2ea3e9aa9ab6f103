import type { Services } from '../../shared/core/services.ts'
import { keyText, type StoredRecord } from '../../shared/domain/record.ts'
import type { Site } from '../../shared/domain/site.ts'
import type { Clock } from '../../shared/ports/clock.ts'
import type { JobMessage } from '../../shared/ports/job-queue.ts'
import type { Telemetry } from '../../shared/ports/telemetry.ts'
import { memoryDelivery } from '../memory/delivery.ts'
import { memoryObjectStore, type MemoryObjectStore } from '../memory/object-store.ts'
import { memoryRecordStore, type MemoryRecordStore } from '../memory/record-store.ts'
import { memorySiteStore, type MemorySiteStore } from '../memory/site-store.ts'
import { makeFeed, type Feed } from './feeds.ts'
import type { Invocation } from './invocation.ts'
import { linkTo } from './link.ts'
import { makeQueue, type Queue } from './queue.ts'
import { observe, type World } from './world.ts'

/** One cloud: its stores, and the services that an invocation sees of them. */
export interface SimSite {
  readonly site: Site
  readonly records: MemoryRecordStore
  readonly siteStore: MemorySiteStore
  readonly objects: MemoryObjectStore
  readonly queue: Queue
  readonly feed: Feed
  /** What this site's clock shows beyond the true time. */
  clockOffsetMs: number
  /** While false, no function runs here and nobody reaches it. */
  isUp: boolean
  /** The services as one invocation sees them. */
  servicesOf(invocation: Invocation): Services
}

const startMs = Date.UTC(2026, 0, 1)
const indexLagMsMax = 1500

export function makeSite(world: World, site: Site): SimSite {
  const { scheduler, streams, mark, faultsOn } = world
  const now = (): number => startMs + scheduler.now() + self.clockOffsetMs
  const clock: Clock = {
    now,
    monotonicMs: () => scheduler.now(),
    sleep: (ms) => scheduler.delay(ms, `${site} sleep`),
  }
  const feed = makeFeed(world, site)
  const latest = new Map<string, StoredRecord>()
  const lagging = memoryRecordStore()
  const records = memoryRecordStore({
    onChange: (state) => {
      observe(world, site, state, latest.get(keyText(state.key)))
      latest.set(keyText(state.key), state)
      feed.changed(state)
      const lagMs = faultsOn() && streams.faults.oneIn(20) ? streams.faults.pick(indexLagMsMax) : 0
      if (lagMs > 0) mark('index lagged')
      scheduler.at(scheduler.now() + lagMs, `${site} index`, () => void follow(lagging, records, state))
    },
  })
  const siteStore = memorySiteStore({ clock })
  const objects = memoryObjectStore({ clock, random: streams.code, baseUrl: `https://${site}.test` })
  const queue = makeQueue(world, site)
  const servicesOf = (invocation: Invocation): Services => ({
    site,
    records: {
      ...through(invocation, 'records', records, ['get', 'getMany', 'put', 'query']),
      // Indexes follow their table late.
      ...through(invocation, 'index', lagging, ['scanBucket', 'arrivals']),
    },
    siteStore: through(invocation, 'site', siteStore, ['get', 'put', 'remove', 'list']),
    objects: { ...objects, ...through(invocation, 'objects', objects, ['head', 'get', 'put', 'remove']) },
    jobs: {
      send: (message: JobMessage, options) =>
        invocation.effect('send', async () => queue.send(message, options?.delayMs ?? 0)),
      depth: async () => queue.depth(),
    },
    peer: linkTo(world, site, invocation),
    delivery: memoryDelivery({ clock }),
    clock: { ...clock, sleep: (ms) => invocation.effect('sleep', () => clock.sleep(ms)) },
    random: streams.code,
    telemetry: telemetryOf(world),
  })
  const self: SimSite = { site, records, siteStore, objects, queue, feed, clockOffsetMs: 0, isUp: true, servicesOf }
  return self
}

/** Every call through these names is an effect of the invocation. */
function through<Store extends object, Name extends keyof Store & string>(
  invocation: Invocation,
  what: string,
  store: Store,
  names: readonly Name[],
): Pick<Store, Name> {
  const wrapped = names.map((name) => {
    const call = store[name] as (...args: unknown[]) => Promise<unknown>
    return [name, (...args: unknown[]) => invocation.effect(`${what}.${name}`, () => call(...args))] as const
  })
  return Object.fromEntries(wrapped) as unknown as Pick<Store, Name>
}

/** Brings the lagging copy to the latest state of one record. */
async function follow(lagging: MemoryRecordStore, records: MemoryRecordStore, { key }: StoredRecord): Promise<void> {
  const latest = await records.get(key)
  const known = await lagging.get(key)
  if (!latest) return
  const condition = known ? ({ kind: 'unchanged', token: known.token } as const) : ({ kind: 'absent' } as const)
  await lagging.put(latest, condition, { via: latest.via, arrivalMs: latest.arrivalMs })
}

/** Metrics and logs tell which branches ran. */
const telemetryOf = ({ mark, trace }: World): Telemetry => ({
  log: (_level, message, fields, error) => {
    if (message.includes('quarantined')) mark('stamp quarantined')
    if (trace) trace(`    ${message} ${JSON.stringify(fields ?? {})} ${error ? String(error) : ''}`)
  },
  metric: () => {},
})
