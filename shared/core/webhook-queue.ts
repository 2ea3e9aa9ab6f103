import { derivedId } from '../domain/hash.ts'
import type { JsonObject } from '../domain/json.ts'
import type { WebhookLane, WebhookMessage } from '../domain/webhook.ts'
import type { SiteItem } from '../ports/site-store.ts'
import type { Services } from './services.ts'

/**
 * Messages that wait at this site, in order of their lane and of their time. Both sites keep each: the one at home to send it, the
 * other in case that one dies.
 */
const shardCount = 16
const shardNames = Array.from({ length: shardCount }, (_, shard) => `webhook-queue/${shard}`)
/** Past the last try by far; what waits for an endpoint that is paused ends here too. */
const keptMs = 6 * 24 * 3_600_000
const laneItemsMax = 50

export interface QueuedMessage {
  readonly id: string
  readonly type: string
  /** The body to be sent, as text. */
  readonly text: string
  readonly order: string
  readonly queuedMs: number
  readonly attempts: number
  /** Not to be sent before. */
  readonly dueMs: number
  readonly lastStatus?: number
  readonly lastError?: string
  /** Sent by this site whatever the rule, and even when it was sent before: somebody asked for it here. */
  readonly byHand?: true
}

export interface QueueEntry {
  readonly item: SiteItem
  readonly message: QueuedMessage
}

const partitionOf = ({ tenant, endpoint, asset }: WebhookLane): string =>
  shardNames[derivedId(tenant, endpoint, asset).charCodeAt(0) % shardCount] ?? ''

const lanePrefix = ({ tenant, endpoint, asset }: WebhookLane): string => `${tenant}/${endpoint}/${asset}/`

const itemId = (lane: WebhookLane, { order, id }: Pick<WebhookMessage, 'order' | 'id'>): string =>
  `${lanePrefix(lane)}${order}/${id}`

/** False when it waits already. */
export function putQueued(services: Services, lane: WebhookLane, message: QueuedMessage): Promise<boolean> {
  const expiresMs = message.queuedMs + keptMs
  const value = { ...message } as unknown as JsonObject
  const condition = message.byHand ? ({ kind: 'any' } as const) : ({ kind: 'absent' } as const)
  return services.siteStore.put(
    { partition: partitionOf(lane), id: itemId(lane, message), value, expiresMs },
    condition,
  )
}

/** Notes a try. Nothing happens when the message has gone meanwhile. */
export async function changeQueued(services: Services, { item }: QueueEntry, message: QueuedMessage): Promise<void> {
  const { partition, id, token, expiresMs } = item
  const value = { ...message } as unknown as JsonObject
  const expiry = expiresMs === undefined ? {} : { expiresMs }
  await services.siteStore.put({ partition, id, value, ...expiry }, { kind: 'unchanged', token })
}

export const removeQueued = async (services: Services, { item }: QueueEntry): Promise<void> =>
  void (await services.siteStore.remove(item.partition, item.id))

/** The messages of a lane, the first to be sent first. */
export const queuedIn = (services: Services, lane: WebhookLane): Promise<QueueEntry[]> =>
  startingWith(services, partitionOf(lane), lanePrefix(lane))

/** Some of what waits for an endpoint, in no order. */
export async function queuedFor(services: Services, tenant: string, endpoint: string): Promise<QueueEntry[]> {
  const prefix = `${tenant}/${endpoint}/`
  return (await Promise.all(shardNames.map((shard) => startingWith(services, shard, prefix)))).flat()
}

async function startingWith(services: Services, partition: string, prefix: string): Promise<QueueEntry[]> {
  const { items } = await services.siteStore.list(partition, { after: prefix, limit: laneItemsMax })
  return items
    .filter(({ id }) => id.startsWith(prefix))
    .map((item) => ({ item, message: item.value as unknown as QueuedMessage }))
}
