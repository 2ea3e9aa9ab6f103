import { applyStates } from '../../shared/core/apply.ts'
import { answerBuckets } from '../../shared/core/bucket-reading.ts'
import { handleChanges } from '../../shared/core/feed.ts'
import { fetchForPeer } from '../../shared/core/mend-object.ts'
import { grantReads, listForPeer, readForPeer } from '../../shared/core/peer-service.ts'
import { statusForPeer } from '../../shared/core/peer-status.ts'
import type { Services } from '../../shared/core/services.ts'
import { answerSummaries } from '../../shared/core/summaries.ts'
import { CatamaranError } from '../../shared/domain/errors.ts'
import type { StoredRecord } from '../../shared/domain/record.ts'
import { peerOf, type Site } from '../../shared/domain/site.ts'
import type { Peer } from '../../shared/ports/peer.ts'
import { memoryClock, memoryRandom, type MemoryClock } from '../memory/clock.ts'
import { memoryDelivery } from '../memory/delivery.ts'
import { memoryJobQueue } from '../memory/job-queue.ts'
import { memoryObjectStore } from '../memory/object-store.ts'
import { memoryRecordStore, type MemoryRecordStore } from '../memory/record-store.ts'
import { memorySiteStore } from '../memory/site-store.ts'
import { memoryTelemetry } from '../memory/telemetry.ts'

export interface TestSite {
  readonly services: Services
  readonly records: MemoryRecordStore
  /** What the change feed has not delivered yet. */
  readonly feed: StoredRecord[]
  /** Calls that reached this site's peer API, by name. */
  readonly calls: Record<string, number>
}

export interface TwoSites {
  readonly aws: TestSite
  readonly azure: TestSite
  readonly clock: MemoryClock
  /** While false, no call gets through to either side. */
  connected: boolean
  /** Delivers the feeds until both are empty. */
  flush(): Promise<void>
}

/** Both sites in memory, joined by direct calls in place of HTTP. */
export function twoSites(seed = 1): TwoSites {
  const clock = memoryClock()
  const make = (site: Site): TestSite => {
    const feed: StoredRecord[] = []
    const random = memoryRandom(seed * 2 + (site === 'aws' ? 0 : 1))
    const records = memoryRecordStore({ onChange: (state) => feed.push(state) })
    const services: Services = {
      site,
      records,
      siteStore: memorySiteStore({ clock }),
      objects: memoryObjectStore({ clock, random }),
      jobs: memoryJobQueue({ clock }),
      peer: linkTo(site),
      delivery: memoryDelivery({ clock }),
      // Nothing here waits for its turn: a retry comes at once, so that no test hangs on a clock that stands still.
      clock: { ...clock, sleep: async () => {} },
      random,
      telemetry: memoryTelemetry(),
    }
    return { services, records, feed, calls: {} }
  }
  const linkTo = (site: Site): Peer => {
    const reach = <Answer>(verb: string, call: (services: Services) => Promise<Answer>): Promise<Answer> => {
      if (!sites.connected) throw new CatamaranError('peer-unavailable', 'cut off')
      const peer = sites[peerOf(site)]
      peer.calls[verb] = (peer.calls[verb] ?? 0) + 1
      return call(peer.services)
    }
    return {
      offer: async (states) => reach('offer', (peer) => applyStates(peer, states)),
      read: async (keys) => reach('read', (peer) => readForPeer(peer, keys)),
      list: async (collection, page) => reach('list', (peer) => listForPeer(peer, collection, page)),
      grantRead: async (keys, as) => reach('grantRead', (peer) => grantReads(peer, keys, as)),
      summaries: async (requests, salt) => reach('summaries', (peer) => answerSummaries(peer, requests, salt)),
      compareBuckets: async (questions) => reach('compareBuckets', (peer) => answerBuckets(peer, questions)),
      fetchObjects: async (targets) => reach('fetchObjects', (peer) => fetchForPeer(peer, targets)),
      status: async () => reach('status', statusForPeer),
    }
  }
  const sites: TwoSites = {
    aws: make('aws'),
    azure: make('azure'),
    clock,
    connected: true,
    flush: async () => {
      while (sites.aws.feed.length > 0 || sites.azure.feed.length > 0) {
        for (const { services, feed } of [sites.aws, sites.azure]) {
          const batch = feed.splice(0, 25)
          if (batch.length > 0) await handleChanges(services, batch)
        }
      }
    },
  }
  return sites
}
