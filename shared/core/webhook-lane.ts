import { peerOf } from '../domain/site.ts'
import { webhookLaneKey, type WebhookLane, type WebhookLaneBody } from '../domain/webhook.ts'
import { isOfThisLife } from './own-life.ts'
import { hearPeer, readRecords } from './record-reads.ts'
import { writeRecord } from './records.ts'
import type { Services } from './services.ts'
import { queuedIn, removeQueued } from './webhook-queue.ts'

const doneMax = 100

/** The messages of a lane that either site has delivered or given up, as far as this site knows. */
export async function doneIn(services: Services, lane: WebhookLane): Promise<ReadonlySet<string>> {
  const { site } = services
  const records = await readRecords(services, [webhookLaneKey(lane, site), webhookLaneKey(lane, peerOf(site))])
  return new Set(records.flatMap((record) => (record?.body as WebhookLaneBody | undefined)?.done ?? []))
}

/** Tells both sites that a message needs no more sending. Idempotent. */
export async function markDone(services: Services, lane: WebhookLane, id: string): Promise<void> {
  const { endpoint, asset } = lane
  await writeRecord(services, webhookLaneKey(lane, services.site), { precondition: { kind: 'none' } }, (body) => {
    const present = body as WebhookLaneBody | undefined
    if (present?.done.includes(id)) return present
    const next: WebhookLaneBody = { endpoint, asset, done: [...(present?.done ?? []), id].slice(-doneMax) }
    return next
  })
}

/** What waits here and was sent from the other site goes. */
export async function dropDone(services: Services, lane: WebhookLane, done: ReadonlySet<string>): Promise<void> {
  for (const entry of await queuedIn(services, lane)) {
    if (done.has(entry.message.id) && !entry.message.byHand) await removeQueued(services, entry)
  }
}

/** Whether this site went back to a backup and has noted nothing of the lane since: what it had noted, the peer may hold. */
export async function hasLostNote(services: Services, lane: WebhookLane): Promise<boolean> {
  if (!services.incarnation) return false
  const note = await services.records.get(webhookLaneKey(lane, services.site))
  return !note || !isOfThisLife(services, note)
}

/**
 * What either site has sent, as the peer knows it, when it can be asked: a site that comes back does not know yet what was
 * sent in its stead, and one that went back to a backup not even what it had sent itself.
 */
export async function hearOfLane(services: Services, lane: WebhookLane): Promise<void> {
  const { site } = services
  try {
    await hearPeer(services, [webhookLaneKey(lane, site), webhookLaneKey(lane, peerOf(site))])
  } catch (error) {
    services.telemetry.log('debug', 'The peer was not asked what it has sent', { ...lane }, error)
  }
}
