import type { JsonObject } from '../domain/json.ts'
import type { Services } from './services.ts'

/** What this site knows about its replication, one site-local item each. */
export const replicationPartition = 'replication'

export type ReplicationMark =
  /**
   * { ms, atMs, sureMs }: every write the peer made before `ms` had arrived here by `atMs`, on this site's clock, unless the
   * peer's feed lost it; and lost or not, all that had arrived there before `sureMs`, on the peer's clock.
   */
  | 'replicated-until'
  /** { downSinceMs, cause }: absent while the peer answers. */
  | 'peer-down'
  /** { atMs, ... } the last report of reconcile */
  | 'last-reconcile'
  /** { atMs } when a comparison last found nothing */
  | 'last-clean'
  /** { lag, lastOffer, feedAgeMs } as of the last minute: what the peer is told. */
  | 'watched'
  /** { atMs }: when a change was last made for no other reason than to see whether the feed brings it. */
  | 'pulse'
  /** { next, begunMs, sinceMs } the bucket the scrub reads next, and since when it has read them all */
  | 'scrub'
  /** { after } where the walk through the drop area goes on, or { dueMs } when the next begins. */
  | 'drop-scan'
  /** { atMs, reason, by }: absent while that way is open. */
  | 'paused-outgoing'
  | 'paused-incoming'

export async function readMark(services: Services, mark: ReplicationMark): Promise<JsonObject | undefined> {
  return (await services.siteStore.get(replicationPartition, mark))?.value
}

export async function writeMark(services: Services, mark: ReplicationMark, value: JsonObject): Promise<void> {
  await services.siteStore.put({ partition: replicationPartition, id: mark, value }, { kind: 'any' })
}

export async function clearMark(services: Services, mark: ReplicationMark): Promise<void> {
  await services.siteStore.remove(replicationPartition, mark)
}

/**
 * Every write the peer made before this moment (milliseconds, its clock) is held here, but for one whose event the peer's feed
 * lost and its scrub has not found yet; 0 before the first clean reconcile.
 */
export async function replicatedUntilMs(services: Services): Promise<number> {
  return Number((await readMark(services, 'replicated-until'))?.['ms'] ?? 0)
}
