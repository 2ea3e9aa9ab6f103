import type { Services } from '../../shared/core/services.ts'
import type { DropEvent } from '../../shared/core/drops.ts'
import { keyText, type RecordKey, type StoredRecord } from '../../shared/domain/record.ts'
import type { Site } from '../../shared/domain/site.ts'
import type { Clock } from '../../shared/ports/clock.ts'
import type { JobMessage } from '../../shared/ports/job-queue.ts'
import type { ObjectStore } from '../../shared/ports/object-store.ts'
import type { SiteStore } from '../../shared/ports/site-store.ts'
import type { Telemetry } from '../../shared/ports/telemetry.ts'
import { memoryDelivery } from '../memory/delivery.ts'
import { memoryObjectStore, type MemoryObjectStore, type ObjectChange } from '../memory/object-store.ts'
import { memoryRecordStore, type MemoryRecordStore } from '../memory/record-store.ts'
import { memorySiteStore, type MemorySiteStore } from '../memory/site-store.ts'
import { makeCosmosFeed } from './cosmos-feed.ts'
import type { Code } from './code.ts'
import type { Feed } from './feed.ts'
import { Heads } from './heads.ts'
import type { Invocation } from './invocation.ts'
import { linkTo } from './link.ts'
import { observe } from './observe.ts'
import { codeAt } from './older.ts'
import { copyPartBytes, makeJobQueue } from './job-queue.ts'
import { makeObjectEvents } from './object-events.ts'
import { peerFetch } from './peer-fetch.ts'
import type { Queue } from './queue.ts'
import { makeSimClock } from './sim-clock.ts'
import { makeStreamFeed } from './stream-feed.ts'
import type { World } from './world.ts'

/** What a site is built of; each may be out by itself. */
export const services = ['records', 'site', 'objects', 'queue'] as const
export type Service = (typeof services)[number] | 'peer' | 'clock'

/** One cloud: its stores, and the services that an invocation sees of them. */
export interface SimSite {
  readonly site: Site
  readonly records: MemoryRecordStore
  /** What the indexes show, which follow their table late. */
  readonly lagging: MemoryRecordStore
  readonly siteStore: MemorySiteStore
  readonly objects: MemoryObjectStore
  readonly queue: Queue<JobMessage>
  /** What tells of files in the drop area. */
  readonly objectEvents: Queue<DropEvent>
  readonly feed: Feed
  /** Every record as it is now. */
  readonly latest: Heads
  readonly latestOf: (key: RecordKey) => StoredRecord | undefined
  now(): number
  clockOffsetMs(): number
  /** Sets how far this site's clock is ahead of the true time. */
  setClock(offsetMs: number): void
  /** From now on this site's clock gains so many millionths, or loses them. */
  driftClock(ppm: number): void
  /** When the clock was last set, in virtual milliseconds. */
  clockSetMs(): number
  /** The latest that this site's clock has ever shown. */
  clockHighMs(): number
  /** While false, no function runs here and nobody reaches it. */
  isUp: boolean
  /** While false, clients are turned away; functions run. */
  isOpen: boolean
  /** A clean reconcile that began after this moment, in virtual milliseconds, opens a site that was rebuilt. */
  opensAfterMs: number
  /** How often it has lost data: what the operator tells its machines. */
  incarnation: number
  /** Another number, another set of machines: what ran before is gone. */
  epoch: number
  readonly outUntilMs: Record<Service, number>
  /** Its feed brings nothing until then, and all else works. */
  feedStandsUntilMs: number
  /** What runs here now. */
  code(): Code
  /** The services as one invocation sees them. */
  servicesOf(invocation: Invocation): Services
}

/** As the stores of the two clouds deal with uploads in parts; a part of a copy is as small as S3 lets it be. */
const uploadWays = {
  aws: { uploads: 's3', partBytesMin: copyPartBytes, copyPartBytes: 100 },
  azure: { uploads: 'blocks', copyPartBytes: 100 },
} as const

const startMs = Date.UTC(2026, 0, 1)
const indexLagMsMax = 1500
/** The list of changes ends this long ago, so that what was on its way meanwhile takes its place in it. */
const filedMsMax = 2000

export function makeSite(world: World, site: Site): SimSite {
  const { scheduler, streams, mark, faultsOn } = world
  const wall = makeSimClock(startMs, () => scheduler.now())
  const clock: Clock = { now: wall.now, monotonicMs: () => scheduler.now(), sleep: sleepOf(world, site) }
  const latest = new Heads()
  const lagging = memoryRecordStore()
  const follow = (key: RecordKey): void => {
    const state = latest.get(keyText(key))
    if (!state) return
    lagging.take(state)
    const isLate = state.arrivalMs <= self.clockHighMs() - filedMsMax
    if (isLate) mark('change listed late')
    world.ledger.listedLate[isLate ? 'add' : 'delete'](`${site} ${keyText(key)}`)
  }
  const records = memoryRecordStore({
    onChange: (state) => {
      const before = latest.get(keyText(state.key))
      latest.set(keyText(state.key), state)
      observe(world, site, state, before)
      self.feed.changed(state)
      const lagMs = faultsOn() && streams.faults.oneIn(world.profile.indexLag) ? streams.faults.pick(indexLagMsMax) : 0
      if (lagMs === 0) return follow(state.key)
      mark('index lagged')
      scheduler.at(scheduler.now() + lagMs, `${site} index`, () => follow(state.key))
    },
  })
  const events = makeObjectEvents(world, site)
  const onChange = ({ kind, key, bytes }: ObjectChange): void => events.changed({ key, change: kind, bytes })
  const self: SimSite = {
    site,
    records,
    lagging,
    siteStore: memorySiteStore({ clock }),
    objects: memoryObjectStore({
      clock,
      random: streams.code,
      baseUrl: `https://${site}.test`,
      onChange,
      ...uploadWays[site],
      // Only one of the clouds copies from the other by itself.
      ...(site === 'azure' ? { fetch: peerFetch(world, site) } : {}),
    }),
    queue: makeJobQueue(world, site),
    objectEvents: events.queue,
    feed: site === 'aws' ? makeStreamFeed(world) : makeCosmosFeed(world),
    latest,
    latestOf: (key) => latest.get(keyText(key)),
    now: wall.now,
    clockOffsetMs: wall.offsetMs,
    setClock: wall.set,
    driftClock: wall.drift,
    clockSetMs: wall.setMs,
    clockHighMs: wall.highMs,
    isUp: true,
    isOpen: true,
    opensAfterMs: 0,
    epoch: 0,
    incarnation: 0,
    feedStandsUntilMs: 0,
    outUntilMs: { records: 0, site: 0, objects: 0, queue: 0, peer: 0, clock: 0 },
    code: () => codeAt(world.versions, site, scheduler.now()),
    servicesOf: (invocation) => servicesOf(world, self, clock, invocation),
  }
  return self
}

/** Ends early, with the signal's reason, when it is aborted. */
const sleepOf =
  ({ scheduler }: World, site: Site): Clock['sleep'] =>
  (ms, signal) => {
    if (signal?.aborted) return Promise.reject(signal.reason as Error)
    const timeout = scheduler.timeout(ms, `${site} sleep`)
    if (!signal) return timeout.over
    return new Promise((resolve, reject) => {
      const wake = (): void => {
        timeout.cancel()
        reject(signal.reason as Error)
      }
      signal.addEventListener('abort', wake, { once: true })
      void timeout.over.then(() => {
        signal.removeEventListener('abort', wake)
        resolve()
      })
    })
  }

function servicesOf(world: World, site: SimSite, clock: Clock, invocation: Invocation): Services {
  const { queue } = site
  return {
    site: site.site,
    incarnation: site.incarnation,
    records: {
      ...through(invocation, 'records', site.records, recordCalls),
      ...through(invocation, 'records', site.lagging, indexCalls),
    },
    siteStore: through(invocation, 'site', watched(world, site.siteStore), siteCalls),
    // Most invocations have nothing to do with bytes.
    get objects(): ObjectStore {
      const { supports } = site.objects
      return { supports, ...through(invocation, 'objects', watchedObjects(world, site, invocation), objectCalls) }
    },
    jobs: {
      send: (message, options) =>
        invocation.effect('queue', 'send', async () => queue.send(message, options?.delayMs ?? 0)),
      depth: async () => queue.depth(),
    },
    peer: linkTo(world, invocation),
    delivery: memoryDelivery({ clock }),
    clock: { ...clock, sleep: (ms, signal) => invocation.effect('clock', 'sleep', () => clock.sleep(ms, signal)) },
    random: world.streams.code,
    telemetry: telemetryOf(world),
  }
}

/** What of a record store is read and written at its table, and what at its indexes. */
const recordCalls = ['get', 'getMany', 'put', 'putMany', 'query'] as const
const indexCalls = ['scanBuckets', 'arrivals'] as const
const siteCalls = ['get', 'put', 'remove', 'list'] as const
const objectCalls = [
  'head',
  'get',
  'put',
  'copy',
  'remove',
  'list',
  'presign',
  'startMultipart',
  'putPart',
  'presignPart',
  'listParts',
  'completeMultipart',
  'abortMultipart',
] as const

/** Every call is an effect of the invocation. */
function through<Store extends object, Name extends keyof Store & string>(
  invocation: Invocation,
  service: Service,
  store: Store,
  names: readonly Name[],
): Pick<Store, Name> {
  const wrapped: Partial<Record<Name, unknown>> = {}
  for (const name of names) {
    const call = store[name] as (...args: unknown[]) => Promise<unknown>
    wrapped[name] = (...args: unknown[]) => invocation.effect(service, name, () => call(...args))
  }
  return wrapped as Pick<Store, Name>
}

function watched({ mark }: World, store: SiteStore): SiteStore {
  return {
    ...store,
    put: async (item, condition) => {
      const isStored = await store.put(item, condition)
      if (isStored && item.partition.startsWith('missing/') && 'others' in item.value)
        mark('object missed by several assets at once')
      if (item.partition === 'digests' && !isStored) mark('digest tree raced')
      return isStored
    },
    remove: async (partition, id, token) => {
      const isGone = await store.remove(partition, id, token)
      if (partition === 'quarantine' && isGone) mark('quarantine released')
      return isGone
    },
  }
}

function watchedObjects({ mark }: World, { objects }: SimSite, { name }: Invocation): MemoryObjectStore {
  return {
    ...objects,
    put: async (key, body, options) => {
      const outcome = await objects.put(key, body, options)
      if (name === 'job' && outcome === 'stored') mark('object copied')
      return outcome
    },
    putPart: async (upload, part, source, signal) => {
      const stored = await objects.putPart(upload, part, source, signal)
      if (source.kind === 'url') mark('part copied by the store itself')
      return stored
    },
    listParts: async (upload) => {
      const held = await objects.listParts(upload)
      if (name === 'job' && held.length > 0) mark('copy went on where it had stopped')
      return held
    },
    completeMultipart: async (upload, parts, completing) => {
      const info = await objects.completeMultipart(upload, parts, completing)
      mark('object copied in parts')
      return info
    },
  }
}

/** Logs tell which branches ran. */
const telemetryOf = ({ mark, scheduler }: World): Telemetry => ({
  log: (_level, message, fields, error) => {
    if (message.includes('quarantined')) mark('stamp quarantined')
    if (message.includes('is taken over')) mark('job taken over by the other site')
    if (message.includes('reading of a large file goes on')) mark('reading went on where it had stopped')
    scheduler.remark(() => `${message} ${JSON.stringify(fields ?? {})} ${error instanceof Error ? error.message : ''}`)
  },
  metric: () => {},
})
