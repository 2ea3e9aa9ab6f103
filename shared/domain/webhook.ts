import type { JsonObject } from './json.ts'
import type { RecordKey } from './record.ts'
import type { Site } from './site.ts'

export const webhookEvents = ['asset.ready', 'asset.failed', 'asset.updated', 'asset.deleted'] as const
export type WebhookEvent = (typeof webhookEvents)[number]
/** What an endpoint is sent: an event of an asset, or a trial that somebody asked for. */
export type MessageType = WebhookEvent | 'webhook.test'

/**
 * Where a tenant wants to hear of its assets. Its secrets are not here but in the system's own tenant, where no tenant's list of
 * versions or conflicts can show them.
 */
export type WebhookBody = {
  url: string
  events: WebhookEvent[]
  description: string
  /** `disabled` is what the system does to an endpoint that failed for days. Both kept what came meanwhile, for a while. */
  state: 'active' | 'paused' | 'disabled'
  /** The site that delivers, as long as it lives. */
  home: Site
  disabledReason?: string
}

/** Base64 of 32 bytes each. A secret that was rotated out signs along until its end. */
export type WebhookSecretsBody = {
  tenant: string
  secrets: { secret: string; untilMs?: number }[]
}

/**
 * Which messages about one asset one site has delivered to one endpoint, or given up. Every site has its own record, so that two
 * never conflict; what a site reads in the other's it does not send again.
 */
export type WebhookLaneBody = {
  endpoint: string
  asset: string
  /** Message ids, the latest last. */
  done: string[]
}

/** Everything about one asset for one endpoint, in order. */
export interface WebhookLane {
  readonly tenant: string
  readonly endpoint: string
  readonly asset: string
}

export const webhooksCollection = '_webhooks'
export const webhookLanesCollection = '_webhook-lanes'

export const webhookKey = (tenant: string, id: string): RecordKey => ({ tenant, collection: webhooksCollection, id })
export const webhookSecretsKey = (id: string): RecordKey => ({ tenant: '_system', collection: '_webhook-secrets', id })
export const webhookLaneKey = ({ tenant, endpoint, asset }: WebhookLane, site: Site): RecordKey => ({
  tenant,
  collection: webhookLanesCollection,
  id: `${endpoint}.${asset}.${site}`,
})

/** One message as it is sent, but for its signature. */
export interface WebhookMessage {
  /** The same for every try, at either site: a receiver that has seen it has seen the event. */
  readonly id: string
  readonly type: MessageType
  /** When the event came to be, in milliseconds since 1970. */
  readonly atMs: number
  /** The stamp of the write that it tells of: the order within a lane. */
  readonly order: string
  readonly data: JsonObject
}
