import { copyObject } from '../../shared/core/copy-object.ts'
import { getMissing, missingOf, type MissingObject } from '../../shared/core/missing-objects.ts'
import { grantReads } from '../../shared/core/peer-service.ts'
import type { Services } from '../../shared/core/services.ts'
import type { WorkTools } from '../../shared/core/work-tools.ts'
import { sha256Hex } from '../../shared/domain/hash.ts'
import { hashing } from '../../shared/domain/hashing.ts'
import type { ObjectStore } from '../../shared/ports/object-store.ts'
import { memoryClock, memoryRandom, type MemoryClock } from '../memory/clock.ts'
import { memoryJobQueue, type MemoryJobQueue } from '../memory/job-queue.ts'
import { memoryObjectStore, type MemoryObjectStore } from '../memory/object-store.ts'
import { twoSites } from './two-sites.ts'

export const partBytes = 1_000
export type Fetch = WorkTools['fetch']

const { crc64Of } = await hashing

/** Azure pulls objects from aws; every range it asks for passes `fetch`, which a test may replace. */
export interface CopyWorld {
  readonly services: Services
  readonly source: MemoryObjectStore
  readonly target: MemoryObjectStore
  readonly queue: MemoryJobQueue
  readonly clock: MemoryClock
  /** Ranges as they were asked for. */
  readonly asked: string[]
  /** Ranges that the store itself asked for. */
  readonly askedByStore: string[]
  fetch: Fetch
  storeFetch: (url: string, init: { readonly headers: Record<string, string> }) => Promise<Response>
  /** What stands between the core and its store. */
  objects: ObjectStore
  /** While true, whatever sleeps never wakes: the machine it ran on is gone. */
  isDoomed: boolean
  /** An object of `bytes` bytes at the peer. */
  give(bytes: number): Promise<{ key: string; bytes: Buffer }>
  run(key: string, signal?: AbortSignal): Promise<void>
  missing(key: string): Promise<MissingObject | undefined>
}

export function copyWorld({ byStore = false, oneGoBytesMax = 0 } = {}): CopyWorld {
  const sites = twoSites()
  const clock = memoryClock()
  const random = memoryRandom()
  const queue = memoryJobQueue({ clock })
  const source = memoryObjectStore({ clock, random, baseUrl: 'https://aws.test' })
  const read: CopyWorld['storeFetch'] = (url, { headers }) => source.fetch(url, { headers })
  const target: MemoryObjectStore = memoryObjectStore({
    clock,
    random,
    ...(byStore
      ? {
          fetch: (url, init) => {
            world.askedByStore.push(init.headers['range'] ?? '')
            return world.storeFetch(url, init)
          },
        }
      : {}),
  })
  const peerServices = { ...sites.aws.services, objects: source, clock }
  const services: Services = {
    ...sites.azure.services,
    clock: {
      ...clock,
      sleep: (ms, signal) => {
        if (world.isDoomed) return new Promise(() => {})
        return ms < 5_000 ? Promise.resolve() : clock.sleep(ms, signal)
      },
    },
    jobs: queue,
    random,
    peer: { ...sites.azure.services.peer, grantRead: (keys, as) => grantReads(peerServices, keys, as) },
    get objects() {
      return world.objects
    },
  }
  const work = {
    copyPartBytes: partBytes,
    oneGoBytesMax,
    fetch: (url: string, init: Parameters<Fetch>[1]) => {
      world.asked.push(init.headers['range'] ?? '')
      return world.fetch(url, init)
    },
  } as WorkTools
  let made = 0
  const world: CopyWorld = {
    services,
    source,
    target,
    queue,
    clock,
    asked: [],
    askedByStore: [],
    fetch: read,
    storeFetch: read,
    objects: target,
    isDoomed: false,
    give: async (length) => {
      const bytes = Buffer.from(Array.from({ length }, (_, n) => (n * 7 + made) % 251))
      const sha256 = sha256Hex(bytes)
      const key = `objects/t/asset-${made++}/${sha256}`
      const metadata = { sha256, crc64nvme: crc64Of(bytes) }
      await source.put(key, bytes, { mediaType: 'video/mp4', metadata })
      return { key, bytes }
    },
    run: (key, signal = new AbortController().signal) =>
      copyObject(services, work, { tenant: 't', asset: 'a', key }, signal),
    missing: async (key) => {
      const item = await getMissing(services, key)
      return item && missingOf(item)
    },
  }
  return world
}
