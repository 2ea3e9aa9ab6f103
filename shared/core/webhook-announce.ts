import type { JsonObject } from '../domain/json.ts'
import type { StoredRecord } from '../domain/record.ts'
import type { Site } from '../domain/site.ts'
import type { WebhookBody, WebhookEvent, WebhookLane, WebhookLaneBody, WebhookMessage } from '../domain/webhook.ts'
import { openWebhookShards, putDue } from './open-work.ts'
import { readMark } from './replication-marks.ts'
import type { Services } from './services.ts'
import { messageOf } from './webhook-events.ts'
import { doneIn, dropDone } from './webhook-lane.ts'
import { putQueued } from './webhook-queue.ts'
import { messageText } from './webhook-sign.ts'

/** Which endpoints a tenant has, for whoever sees an asset change: one look, though records lie in many shards. */
const indexPartition = (tenant: string): string => `webhook-endpoints/${tenant}`
/** A message that got lost is sent again after this. */
export const resendMs = 60_000
/** How much longer the other site waits before it looks whether home is still there. */
const standbyMs = 120_000
/** What is told long after it happened is no news: as when a rebuilt site sees every record for the first time. */
const newsMs = 3 * 24 * 3_600_000
export const endpointsMax = 20

interface Indexed {
  readonly events: readonly WebhookEvent[]
  readonly sinceMs: number
  readonly home: Site
  readonly isActive: boolean
}

/** Called with every state of an endpoint that comes to be here. */
export async function indexEndpoint(services: Services, record: StoredRecord): Promise<void> {
  const { tenant, id } = record.key
  const partition = indexPartition(tenant)
  if (record.deleted) return void (await services.siteStore.remove(partition, id))
  const { events, home, state } = record.body as WebhookBody
  const indexed: Indexed = { events, home, sinceMs: record.createdMs, isActive: state === 'active' }
  await services.siteStore.put({ partition, id, value: indexed as unknown as JsonObject }, { kind: 'any' })
}

/** The endpoints of a tenant, in order of id. */
export async function endpointIds(services: Services, tenant: string): Promise<string[]> {
  const { items } = await services.siteStore.list(indexPartition(tenant), { limit: 2 * endpointsMax })
  return items.map(({ id }) => id)
}

/** Queues what an asset's new state tells, for every endpoint that wants to hear it. May be called again and again. */
export async function announce(services: Services, record: StoredRecord): Promise<void> {
  const { tenant, id: asset } = record.key
  const { items } = await services.siteStore.list(indexPartition(tenant), { limit: 2 * endpointsMax })
  if (items.length === 0) return
  const message = await messageOf(services, record)
  if (!message || services.clock.now() - message.atMs > newsMs) return
  for (const { id: endpoint, value } of items) {
    const indexed = value as unknown as Indexed
    const isWanted = indexed.events.some((event) => event === message.type) && message.atMs >= indexed.sinceMs
    if (isWanted) await enqueue(services, { tenant, endpoint, asset }, message, indexed)
  }
}

async function enqueue(
  services: Services,
  lane: WebhookLane,
  message: WebhookMessage,
  { home, isActive }: Indexed,
): Promise<void> {
  if ((await doneIn(services, lane)).has(message.id)) return
  const nowMs = services.clock.now()
  const isHome = home === services.site
  const takeover = !isHome && (await isPeerGone(services))
  await dueAgain(services, lane, nowMs + (isHome || takeover ? resendMs : standbyMs))
  const { id, type, order } = message
  await putQueued(services, lane, {
    id,
    type,
    text: messageText(message),
    order,
    queuedMs: nowMs,
    attempts: 0,
    dueMs: 0,
  })
  if (isActive && (isHome || takeover)) await sendLane(services, lane, { takeover })
}

async function isPeerGone(services: Services): Promise<boolean> {
  const since = (await readMark(services, 'peer-down'))?.['downSinceMs']
  return typeof since === 'number' && services.clock.now() - since > standbyMs
}

/** When somebody has to look at a lane again. */
export const dueAgain = (services: Services, { tenant, endpoint, asset }: WebhookLane, dueMs: number): Promise<void> =>
  putDue(services, openWebhookShards, { dueMs, tenant, id: `${endpoint}/${asset}`, value: {} })

/** Asks a function that does long work to send what waits. */
export const sendLane = (
  services: Services,
  lane: WebhookLane,
  { takeover = false, delayMs = 0 }: { readonly takeover?: boolean; readonly delayMs?: number } = {},
): Promise<void> => services.jobs.send({ kind: 'webhook', payload: { ...lane, takeover } }, { delayMs })

/** The other site tells what it has sent: here it need not wait any longer. */
export async function hearDone(services: Services, record: StoredRecord): Promise<void> {
  if (record.via === 'client' || !record.body) return
  const { endpoint, asset, done } = record.body as WebhookLaneBody
  await dropDone(services, { tenant: record.key.tenant, endpoint, asset }, new Set(done))
}
