import { CatamaranError } from '../domain/errors.ts'
import type { Way } from '../ports/peer.ts'
import { clearMark, type ReplicationMark, readMark, writeMark } from './replication-marks.ts'
import type { Services } from './services.ts'

/** Why one way of the replication stands still. */
export interface Pause {
  readonly atMs: number
  readonly reason: string
  /** The id of the API key that asked for it. */
  readonly by: string
}

/** An instance asks its store this often, so a pause takes effect everywhere within it. */
const pauseCacheMs = 1000
const retryAfterMs = 30_000

interface Cached {
  readonly readMs: number
  readonly pause: Pause | undefined
}

const caches = new WeakMap<Services, Map<Way, Cached>>()

const markOf = (way: Way): ReplicationMark => `paused-${way}`

/** Read from the store, whatever this instance remembers. */
export const pauseOf = async (services: Services, way: Way): Promise<Pause | undefined> =>
  (await readMark(services, markOf(way))) as Pause | undefined

/** Throws when the store cannot say: then nothing may pass, for it may be paused. */
export async function isPaused(services: Services, way: Way): Promise<boolean> {
  const nowMs = services.clock.monotonicMs()
  const known = caches.get(services)?.get(way)
  if (known && nowMs - known.readMs < pauseCacheMs) return known.pause !== undefined
  const pause = await pauseOf(services, way)
  remember(services, way, { readMs: nowMs, pause })
  return pause !== undefined
}

export const isAnyPaused = async (services: Services): Promise<boolean> =>
  (await isPaused(services, 'outgoing')) || (await isPaused(services, 'incoming'))

function remember(services: Services, way: Way, cached: Cached): void {
  const cache = caches.get(services) ?? new Map<Way, Cached>()
  caches.set(services, cache.set(way, cached))
}

/** Throws `replication-paused` while nothing of the peer may be taken in here. */
export async function assertMayTakeIn(services: Services): Promise<void> {
  if (await isPaused(services, 'incoming')) {
    throw new CatamaranError('replication-paused', 'An operator has paused replication into this site.', {
      retryAfterMs,
    })
  }
}

/** Throws `replication-paused` while nothing may be offered to the peer. */
export async function assertMayOffer(services: Services): Promise<void> {
  if (await isPaused(services, 'outgoing')) {
    throw new CatamaranError('replication-paused', 'An operator has paused replication out of this site.', {
      retryAfterMs,
    })
  }
}

/** Throws `replication-paused` while one way stands still: then the sites differ by intent, and comparing them is idle. */
export async function assertMayCompare(services: Services): Promise<void> {
  if (await isAnyPaused(services)) {
    throw new CatamaranError('replication-paused', 'An operator has paused replication at this site.', { retryAfterMs })
  }
}

/**
 * Stops one way, with its reason and who asked for it. Outgoing: nothing is offered, what changes is marked undelivered.
 * Incoming: nothing of the peer is applied, and the peer is told so. A way that is paused already keeps its first moment.
 */
export async function pauseReplication(
  services: Services,
  way: Way,
  { reason, by }: Pick<Pause, 'reason' | 'by'>,
): Promise<Pause> {
  const known = await pauseOf(services, way)
  const pause: Pause = { atMs: known?.atMs ?? services.clock.now(), reason, by }
  await writeMark(services, markOf(way), { ...pause })
  remember(services, way, { readMs: services.clock.monotonicMs(), pause })
  services.telemetry.log('warn', `Replication was paused: ${way}`, { way, reason, by })
  return pause
}

/** Lets it flow again, and has what has gathered delivered now rather than at the next minute. Doing it twice is harmless. */
export async function resumeReplication(services: Services, way: Way, by: string): Promise<void> {
  await clearMark(services, markOf(way))
  remember(services, way, { readMs: services.clock.monotonicMs(), pause: undefined })
  services.telemetry.log('warn', `Replication was resumed: ${way}`, { way, by })
  await services.jobs.send({ kind: 'reconcile', payload: {} })
}
