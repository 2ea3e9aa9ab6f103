import { Hono } from 'hono'
import { exportJWK, generateKeyPair, type JWK } from 'jose'
import type { Services } from '../../shared/core/services.ts'
import { isCatamaranError } from '../../shared/domain/errors.ts'
import { peerOf, type Site } from '../../shared/domain/site.ts'
import { heldToken } from '../../shared/http/held-token.ts'
import { peerClient } from '../../shared/http/peer-client.ts'
import { peerRoutes } from '../../shared/http/peer-routes.ts'
import { ownKeyCredentials, ownKeyVerifier, type OwnKey, type PeerKeys } from '../../shared/http/peer-token.ts'
import type { ObjectStore } from '../../shared/ports/object-store.ts'
import type { RecordStore } from '../../shared/ports/record-store.ts'
import type { SiteStore } from '../../shared/ports/site-store.ts'
import { type MemoryClock, memoryClock, memoryRandom } from '../../test/memory/clock.ts'
import { memoryDelivery } from '../../test/memory/delivery.ts'
import { memoryJobQueue, type MemoryJobQueue } from '../../test/memory/job-queue.ts'
import { memoryObjectStore, type MemoryObjectStore } from '../../test/memory/object-store.ts'
import { countedRecords, type Reads } from './counted-records.ts'
import { serveCounted, type Wire } from './wire.ts'

export interface Stores {
  readonly records: RecordStore
  readonly siteStore: SiteStore
}

export interface BenchSite {
  readonly services: Services
  readonly reads: Reads
  readonly objects: MemoryObjectStore
  /** Calls that reached the object store. */
  objectCalls: number
  readonly queue: MemoryJobQueue
  /** This site's peer API, as the other site calls it. */
  readonly wire: Wire
}

export interface BenchSites {
  readonly aws: BenchSite
  readonly azure: BenchSite
  readonly clock: MemoryClock
  close(): Promise<void>
}

/** Two sites around these stores that know each other over HTTP alone. Time stands still until the clock is moved. */
export async function benchSites(storesOf: (site: Site, clock: MemoryClock) => Stores): Promise<BenchSites> {
  const clock = memoryClock()
  const identities = await makeIdentities()
  const urls: Partial<Record<Site, string>> = {}
  const make = async (site: Site): Promise<BenchSite> => {
    const token = heldToken(
      ownKeyCredentials(identities[site], () => clock.now()),
      () => clock.now(),
    )
    const stores = storesOf(site, clock)
    const { records, reads } = countedRecords(stores.records)
    const random = memoryRandom(site === 'aws' ? 1 : 2)
    const objects = memoryObjectStore({ clock, random, baseUrl: `https://${site}.test` })
    const queue = memoryJobQueue({ clock })
    const toPeer = ((path: string, init?: RequestInit) => fetch(`${urls[peerOf(site)]}${path}`, init)) as typeof fetch
    const services: Services = {
      site,
      records,
      siteStore: stores.siteStore,
      objects: counted(objects, () => (self.objectCalls += 1)),
      jobs: queue,
      peer: peerClient({ url: '', token, fetch: toPeer, timeoutMs: 600_000 }),
      delivery: memoryDelivery({ clock }),
      clock: { ...clock, sleep: async () => {} },
      random,
      telemetry: { log: () => {}, metric: () => {} },
    }
    const api = new Hono().route(
      '/peer/v1',
      peerRoutes(
        services,
        ownKeyVerifier(identities[site], () => clock.now()),
      ),
    )
    api.onError((error, context) => {
      if (!isCatamaranError(error)) throw error
      return context.json({ code: error.code, detail: error.message }, error.status as 400)
    })
    const wire = await serveCounted((request) => api.fetch(request))
    urls[site] = wire.url
    const self: BenchSite = { services, reads, objects, objectCalls: 0, queue, wire }
    return self
  }
  const [aws, azure] = [await make('aws'), await make('azure')]
  return { aws, azure, clock, close: async () => void (await Promise.all([aws.wire.close(), azure.wire.close()])) }
}

async function makeIdentities(): Promise<Record<Site, OwnKey & PeerKeys>> {
  const newKey = async (): Promise<{ secret: JWK; open: JWK }> => {
    const { privateKey, publicKey } = await generateKeyPair('EdDSA', { extractable: true })
    return { secret: await exportJWK(privateKey), open: await exportJWK(publicKey) }
  }
  const [aws, azure] = await Promise.all([newKey(), newKey()])
  return {
    aws: { site: 'aws', privateKey: aws.secret, peerKeys: { keys: [azure.open] } },
    azure: { site: 'azure', privateKey: azure.secret, peerKeys: { keys: [aws.open] } },
  }
}

/** Every call of a store is reported first. */
function counted(store: ObjectStore, onCall: () => void): ObjectStore {
  const wrapped = Object.entries(store).map(([name, member]: [string, unknown]) => {
    if (typeof member !== 'function') return [name, member]
    const call = member as (...args: unknown[]) => unknown
    return [name, (...args: unknown[]) => (onCall(), call(...args))]
  })
  return Object.fromEntries(wrapped) as ObjectStore
}
