import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { applyStates } from '../../shared/core/apply.ts'
import { answerBuckets } from '../../shared/core/bucket-reading.ts'
import { objectDropped } from '../../shared/core/drops.ts'
import { handleChanges } from '../../shared/core/feed.ts'
import { runJob } from '../../shared/core/jobs.ts'
import { fetchForPeer } from '../../shared/core/mend-object.ts'
import { grantReads, listForPeer, readForPeer } from '../../shared/core/peer-service.ts'
import type { Services } from '../../shared/core/services.ts'
import { sweep } from '../../shared/core/sweep.ts'
import type { WorkTools } from '../../shared/core/work-tools.ts'
import { CatamaranError } from '../../shared/domain/errors.ts'
import type { StoredRecord } from '../../shared/domain/record.ts'
import { peerOf, type Site } from '../../shared/domain/site.ts'
import type { Analysis } from '../../shared/ports/analysis.ts'
import type { Clock } from '../../shared/ports/clock.ts'
import type { MediaConverter } from '../../shared/ports/media-converter.ts'
import type { Peer } from '../../shared/ports/peer.ts'
import { memoryClock, memoryRandom, type MemoryClock } from '../memory/clock.ts'
import { memoryDelivery } from '../memory/delivery.ts'
import { memoryJobQueue, type MemoryJobQueue } from '../memory/job-queue.ts'
import { memoryObjectStore, type MemoryObjectStore } from '../memory/object-store.ts'
import { memoryRecordStore, type MemoryRecordStore } from '../memory/record-store.ts'
import { memorySiteStore, type MemorySiteStore } from '../memory/site-store.ts'
import { memoryTelemetry, type MemoryTelemetry } from '../memory/telemetry.ts'
import { answering, type Outside } from './outside.ts'

export interface IngestSite {
  readonly services: Services
  readonly records: MemoryRecordStore
  readonly objects: MemoryObjectStore
  readonly siteStore: MemorySiteStore
  readonly queue: MemoryJobQueue
  readonly telemetry: MemoryTelemetry
  readonly work: WorkTools
  readonly feed: StoredRecord[]
  /** Object events under drop/ that were not delivered yet. */
  readonly events: { key: string; change: 'created' | 'removed' }[]
  isUp: boolean
}

export interface IngestWorld {
  readonly clock: MemoryClock
  /** Servers of users. */
  readonly outside: Outside
  readonly aws: IngestSite
  readonly azure: IngestSite
  /** Delivers feeds, drops and jobs at the sites that are up until nothing is left; time stands still. */
  settle(): Promise<void>
  /** Lets time pass with timers running: `steps` minutes, settling after each. */
  pass(minutes: number): Promise<void>
  close(): Promise<void>
}

export const tenant = 't1'

/** Makes two renditions out of any bytes; bytes that begin with BAD are refused, those with BUG break it. */
export const fakeConverter: MediaConverter = {
  inspect: async ({ path }, signal) => {
    signal.throwIfAborted()
    const text = (await readFile(path)).subarray(0, 3).toString()
    if (text === 'BAD') throw new CatamaranError('invalid-media', 'The picture ends in the middle.')
    const recipes = ['large', 'small'].map((name) => ({ name, version: 1, options: {} }))
    return { mediaType: 'image/jpeg', kind: 'image', properties: { width: 3 }, recipes }
  },
  convert: async ({ path }, inspection, { workFolder, signal, onProgress }) => {
    signal.throwIfAborted()
    const bytes = await readFile(path)
    if (bytes.subarray(0, 3).toString() === 'BUG') throw new TypeError('x is not a function')
    onProgress?.(0.5)
    return Promise.all(
      inspection.recipes.map(async (recipe) => {
        const file = join(workFolder, recipe.name)
        const made = Buffer.concat([Buffer.from(`${recipe.name}:`), bytes.subarray(0, 1_000)])
        await writeFile(file, made)
        return { recipe, path: file, mediaType: 'image/webp', bytes: made.length, properties: {} }
      }),
    )
  },
}

/** Sleeps of less than a second pass at once: nobody moves the clock in the middle of a retry. */
const briskly = (clock: MemoryClock): Clock => ({
  ...clock,
  sleep: async (ms, signal) => (ms < 1_000 ? undefined : clock.sleep(ms, signal)),
})

export async function ingestWorld({
  converter = fakeConverter,
  analysis = {},
  seed = 1,
}: {
  readonly converter?: MediaConverter
  readonly analysis?: Partial<Readonly<Record<Site, Analysis>>>
  readonly seed?: number
} = {}): Promise<IngestWorld> {
  const clock = memoryClock()
  const root = await mkdtemp(join(tmpdir(), 'ingest-'))
  const outside: Outside = { requests: [], answer: () => new Response(null, { status: 404 }) }
  const make = (site: Site): IngestSite => {
    const random = memoryRandom(seed * 2 + (site === 'aws' ? 0 : 1))
    const feed: StoredRecord[] = []
    const events: IngestSite['events'] = []
    const telemetry = memoryTelemetry()
    const records = memoryRecordStore({ onChange: (state) => feed.push(state) })
    const siteStore = memorySiteStore({ clock })
    const queue = memoryJobQueue({ clock })
    const objects = memoryObjectStore({
      clock,
      random,
      baseUrl: `https://${site}.test`,
      ...(site === 'azure' && { uploads: 'blocks' }),
      onChange: ({ kind, key }) => {
        if (key.startsWith('drop/')) events.push({ key, change: kind })
      },
    })
    const work: WorkTools = {
      converter,
      analysis: analysis[site],
      fetch: (url, init) => {
        const from = new URL(url).hostname === 'aws.test' ? world.aws : world.azure
        if (!from.isUp) throw new TypeError('fetch failed')
        return from.objects.fetch(url, { headers: init.headers })
      },
      outbound: answering(outside, site),
      workFolder: async () => {
        const path = await mkdtemp(join(root, 'work-'))
        return { path, remove: () => rm(path, { recursive: true, force: true }) }
      },
    }
    const services: Services = {
      site,
      records,
      siteStore,
      objects,
      jobs: queue,
      peer: linkTo(site),
      delivery: memoryDelivery({ clock, edgeUrl: `https://edge-${site}.test` }),
      clock: briskly(clock),
      random,
      telemetry,
    }
    return { services, records, objects, siteStore, queue, telemetry, work, feed, events, isUp: true }
  }
  const linkTo = (site: Site): Peer => {
    const reach = async <Answer>(call: (services: Services) => Promise<Answer>): Promise<Answer> => {
      const peer = world[peerOf(site)]
      if (!peer.isUp || !world[site].isUp) throw new CatamaranError('peer-unavailable', 'cut off')
      return call(peer.services)
    }
    return {
      offer: (states) => reach((peer) => applyStates(peer, states)),
      read: (keys) => reach((peer) => readForPeer(peer, keys)),
      list: (collection, page) => reach((peer) => listForPeer(peer, collection, page)),
      grantRead: (keys, as) => reach((peer) => grantReads(peer, keys, as)),
      summaries: () => reach(async () => []),
      compareBuckets: (questions) => reach((peer) => answerBuckets(peer, questions)),
      fetchObjects: (targets) => reach((peer) => fetchForPeer(peer, targets)),
      status: () => reach(async () => ({ site: peerOf(site), nowMs: clock.now(), protocol: 1 })),
    }
  }
  const turn = async (site: IngestSite): Promise<boolean> => {
    if (!site.isUp) return false
    const changes = site.feed.splice(0, 25)
    if (changes.length > 0) {
      const { failed } = await handleChanges(site.services, changes)
      site.feed.push(...failed.flatMap((index) => changes[index] ?? []))
    }
    const event = site.events.shift()
    if (event) await objectDropped(site.services, event)
    const delivery = site.queue.receive()
    if (delivery) {
      try {
        await runJob(site.services, site.work, delivery.message, new AbortController().signal)
        delivery.acknowledge()
      } catch {
        delivery.fail(30_000)
      }
    }
    return changes.length > 0 || event !== undefined || delivery !== undefined
  }
  const settle = async (): Promise<void> => {
    for (let idle = 0; idle < 2; ) {
      const moved = (await turn(world.aws)) || (await turn(world.azure))
      idle = moved ? 0 : idle + 1
    }
  }
  const world: IngestWorld = {
    clock,
    outside,
    get aws() {
      return aws
    },
    get azure() {
      return azure
    },
    settle,
    pass: async (minutes) => {
      for (let minute = 0; minute < minutes; minute++) {
        await clock.advance(60_000)
        for (const site of [aws, azure]) if (site.isUp) await sweep(site.services)
        await settle()
      }
    },
    close: () => rm(root, { recursive: true, force: true }),
  }
  const aws = make('aws')
  const azure = make('azure')
  return world
}

/** What must hold of an asset that is ready everywhere; returns a list of what does not. */
export function faultsOf({ aws, azure }: IngestWorld): string[] {
  const faults: string[] = []
  for (const site of [aws, azure]) {
    const name = site.services.site
    for (const record of site.records.all()) {
      const body = record.body
      const what = `${name} ${record.key.collection}/${record.key.id}`
      if (record.key.collection === '_jobs' && body?.['state'] !== 'done')
        faults.push(`${what}: ${JSON.stringify(body)}`)
      if (record.key.collection === '_media' && body?.['status'] !== 'ready')
        faults.push(`${what}: ${JSON.stringify(body)}`)
    }
    for (const object of site.objects.all()) {
      if (!object.info.key.startsWith('objects/') && !object.info.key.startsWith('drop/')) {
        faults.push(`${name} still has ${object.info.key}`)
      }
    }
    for (const item of site.siteStore.all()) {
      if (item.partition.startsWith('missing/') || item.partition === 'dead-letters') {
        faults.push(`${name} ${item.partition} ${item.id} ${JSON.stringify(item.value)}`)
      }
    }
  }
  const keys = (site: IngestSite): string =>
    site.objects
      .all()
      .filter(({ info }) => info.key.startsWith('objects/'))
      .map(({ info }) => `${info.key} ${info.bytes}`)
      .sort()
      .join('\n')
  if (keys(aws) !== keys(azure)) faults.push(`objects differ:\n${keys(aws)}\n---\n${keys(azure)}`)
  return faults
}
