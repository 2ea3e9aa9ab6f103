import type { JsonObject } from '../domain/json.ts'
import { peerOf } from '../domain/site.ts'
import type { Way } from '../ports/peer.ts'
import { pauseOf } from './pause.ts'
import { missingShards } from './missing-objects.ts'
import { readMark } from './replication-marks.ts'
import type { Services } from './services.ts'

const countMax = 1000

/** What an operator wants to see first: does it flow, each way, and what stands in the way. */
export async function replicationStatus(services: Services): Promise<JsonObject> {
  const [lastOffer, peerDown, lastReconcile, scrub, until, queue, dirty, deadLetters, quarantined, missing] =
    await Promise.all([
      readMark(services, 'last-offer'),
      readMark(services, 'peer-down'),
      readMark(services, 'last-reconcile'),
      readMark(services, 'scrub'),
      readMark(services, 'replicated-until'),
      services.jobs.depth(),
      countOf(services, 'dirty'),
      countOf(services, 'dead-letters'),
      countOf(services, 'quarantine'),
      countAll(services, missingShards),
    ])
  return {
    site: services.site,
    peer: peerOf(services.site),
    outgoing: {
      paused: await pauseView(services, 'outgoing'),
      lastOffer: lastOffer ?? null,
      peerDown: peerDown ?? null,
    },
    incoming: {
      paused: await pauseView(services, 'incoming'),
      ...(await incoming(services)),
      replicatedUntilMs: until?.['ms'] ?? null,
    },
    queue: { waiting: queue.waiting, deadLetters: queue.deadLetters },
    dirtyBatches: dirty,
    deadLetters,
    quarantined,
    missingObjects: missing,
    lastReconcile: lastReconcile ?? null,
    scrubNextBucket: scrub?.['next'] ?? 0,
  }
}

async function pauseView(services: Services, way: Way): Promise<JsonObject | null> {
  const pause = await pauseOf(services, way)
  return pause ? { since: new Date(pause.atMs).toISOString(), reason: pause.reason, by: pause.by } : null
}

/** The way in is what the peer says of its way out. */
async function incoming(services: Services): Promise<JsonObject> {
  try {
    const { lastOffer } = await services.peer.status()
    return { peerReachable: true, lastOffer: lastOffer ?? null }
  } catch {
    return { peerReachable: false, lastOffer: null }
  }
}

async function countAll(services: Services, partitions: readonly string[]): Promise<JsonObject> {
  const counts = await Promise.all(partitions.map((partition) => countOf(services, partition)))
  return {
    count: counts.reduce((sum, { count }) => sum + Number(count), 0),
    more: counts.some(({ more }) => more === true),
  }
}

/** Counts up to a bound, so that a status page never costs more the worse things are. */
async function countOf(services: Services, partition: string): Promise<JsonObject> {
  const page = await services.siteStore.list(partition, { limit: countMax })
  return { count: page.items.length, more: page.next !== undefined }
}
