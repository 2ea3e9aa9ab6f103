import { CatamaranError } from '../domain/errors.ts'
import { base32 } from '../domain/hash.ts'
import type { StoredRecord } from '../domain/record.ts'
import {
  webhookKey,
  webhookSecretsKey,
  type WebhookBody,
  type WebhookEvent,
  type WebhookSecretsBody,
} from '../domain/webhook.ts'
import { readRecord, readRecords } from './record-reads.ts'
import { writeRecord, type Idempotency, type WriteOptions } from './records.ts'
import type { Services } from './services.ts'
import { dueAgain, endpointIds, endpointsMax, indexEndpoint, sendLane } from './webhook-announce.ts'
import { noteSuccess } from './webhook-health.ts'
import { triedMessage } from './webhook-log.ts'
import { changeQueued, putQueued, queuedFor, type QueuedMessage } from './webhook-queue.ts'
import { messageText, secretBytes, shownSecret } from './webhook-sign.ts'

export interface NewWebhook {
  readonly id?: string | undefined
  readonly url: string
  readonly events: readonly WebhookEvent[]
  readonly description: string
}

export type WebhookPatch = Partial<
  Pick<NewWebhook, 'url' | 'events' | 'description'> & Pick<WebhookBody, 'home'> & { state: 'active' | 'paused' }
>

/** How long a secret that was rotated out still signs. */
const overlapMs = 24 * 3_600_000
const secretsMax = 3
const none = { precondition: { kind: 'none' } } as const

/**
 * Makes an endpoint whose home is this site, and tells its secret, this once. A repeated idempotency key answers without it.
 * Throws `conflict` when the tenant has as many endpoints as it may have.
 */
export async function createWebhook(
  services: Services,
  tenant: string,
  { id: given, url, events, description }: NewWebhook,
  idempotency?: Idempotency,
): Promise<{ readonly record: StoredRecord; readonly secret?: string }> {
  const id = given ?? base32(services.random.bytes(16))
  const known = await endpointIds(services, tenant)
  if (known.length >= endpointsMax && !known.includes(id)) {
    throw new CatamaranError('conflict', `A tenant has at most ${endpointsMax} webhook endpoints.`)
  }
  const fresh: WebhookSecretsBody = { tenant, secrets: [{ secret: freshSecret(services) }] }
  const secrets = await writeRecord(services, webhookSecretsKey(id), none, (body) => body ?? fresh)
  const body: WebhookBody = { url, events: [...events], description, state: 'active', home: services.site }
  const written = await writeRecord(
    services,
    webhookKey(tenant, id),
    { precondition: { kind: 'absent' }, idempotency },
    () => body,
  )
  const { record } = written
  if (record.deleted) return { record }
  // A request that comes again may do so because the first one ended before this.
  await indexEndpoint(services, record)
  if (written.replayed) return { record }
  const [{ secret } = { secret: '' }] = (secrets.record.body as WebhookSecretsBody).secrets
  return { record, secret: shownSecret(secret) }
}

const freshSecret = (services: Services): string => Buffer.from(services.random.bytes(secretBytes)).toString('base64')

/** In order of id. */
export async function listWebhooks(services: Services, tenant: string): Promise<StoredRecord[]> {
  const ids = await endpointIds(services, tenant)
  if (ids.length === 0) return []
  const records = await readRecords(
    services,
    ids.map((id) => webhookKey(tenant, id)),
  )
  return records.filter((record) => record !== undefined)
}

/** Throws `not-found`. */
export async function getWebhook(services: Services, tenant: string, id: string): Promise<StoredRecord> {
  const record = await readRecord(services, webhookKey(tenant, id))
  if (!record?.body) throw noSuchEndpoint()
  return record
}

const noSuchEndpoint = (): CatamaranError => new CatamaranError('not-found', 'There is no such webhook endpoint.')

/** Changes, pauses, resumes or moves an endpoint. Throws `not-found`, `precondition-failed`. */
export async function patchWebhook(
  services: Services,
  tenant: string,
  id: string,
  patch: WebhookPatch,
  options: WriteOptions,
): Promise<{ readonly record: StoredRecord; readonly replayed: boolean }> {
  const { record, replayed } = await writeRecord(services, webhookKey(tenant, id), options, (body) => {
    if (!body) throw noSuchEndpoint()
    const { disabledReason: _reason, ...present } = body as WebhookBody
    const { events = present.events, ...rest } = patch
    const next: WebhookBody = { ...present, ...rest, events: [...events] }
    return next.state === 'disabled' ? { ...body, ...next } : next
  })
  await indexEndpoint(services, record)
  if (patch.state === 'active') await wakeUp(services, tenant, id)
  return { record, replayed }
}

/** What waited goes out now, not when it would have been tried again. */
async function wakeUp(services: Services, tenant: string, endpoint: string): Promise<void> {
  await noteSuccess(services, tenant, endpoint)
  const waiting = await queuedFor(services, tenant, endpoint)
  for (const entry of waiting) await changeQueued(services, entry, { ...entry.message, dueMs: 0 })
  const assets = new Set(waiting.map(({ item }) => item.id.split('/')[2] ?? ''))
  for (const asset of assets) await sendLane(services, { tenant, endpoint, asset })
}

/** What waits for it is thrown away. Throws `not-found`, `precondition-failed`. */
export async function deleteWebhook(
  services: Services,
  tenant: string,
  id: string,
  options: WriteOptions,
): Promise<{ readonly replayed: boolean }> {
  const { record, replayed } = await writeRecord(services, webhookKey(tenant, id), options, () => null)
  await indexEndpoint(services, record)
  if (await readRecord(services, webhookSecretsKey(id))) {
    await writeRecord(services, webhookSecretsKey(id), none, () => null)
  }
  return { replayed }
}

/** A new secret; the present one signs along for a day. Throws `not-found`. */
export async function rotateSecret(
  services: Services,
  tenant: string,
  id: string,
  idempotency?: Idempotency,
): Promise<{ readonly secret?: string }> {
  await getWebhook(services, tenant, id)
  const secret = freshSecret(services)
  const untilMs = services.clock.now() + overlapMs
  const { replayed } = await writeRecord(services, webhookSecretsKey(id), { ...none, idempotency }, (body) => {
    const [current, ...older] = (body as WebhookSecretsBody | undefined)?.secrets ?? []
    const good = older.filter((each) => (each.untilMs ?? 0) > services.clock.now())
    const secrets = [{ secret }, ...(current ? [{ ...current, untilMs }] : []), ...good].slice(0, secretsMax)
    const next: WebhookSecretsBody = { tenant, secrets }
    return next
  })
  return replayed ? {} : { secret: shownSecret(secret) }
}

/** The lane of what no asset is the reason of: no asset can have this id. */
const trialLane = '_test'

/** Queues a message that says nothing, from this site, also to an endpoint that is paused. Throws `not-found`. */
export async function testWebhook(services: Services, tenant: string, id: string): Promise<{ readonly id: string }> {
  await getWebhook(services, tenant, id)
  const atMs = services.clock.now()
  const message = { type: 'webhook.test', atMs, data: { endpoint: id } } as const
  const messageId = `msg_${base32(services.random.bytes(16))}`
  const queued: QueuedMessage = {
    id: messageId,
    type: message.type,
    text: messageText(message),
    order: atMs.toString(16).padStart(12, '0'),
    queuedMs: atMs,
    attempts: 0,
    dueMs: 0,
    byHand: true,
  }
  await sendByHand(services, { tenant, endpoint: id, asset: trialLane }, queued)
  return { id: messageId }
}

/** Sends a message that was tried lately once more, with the same id, from this site. Throws `not-found`. */
export async function redeliver(services: Services, tenant: string, id: string, messageId: string): Promise<void> {
  await getWebhook(services, tenant, id)
  const { asset, message } = await triedMessage(services, tenant, id, messageId)
  await sendByHand(services, { tenant, endpoint: id, asset }, message)
}

async function sendByHand(
  services: Services,
  lane: { readonly tenant: string; readonly endpoint: string; readonly asset: string },
  message: QueuedMessage,
): Promise<void> {
  await dueAgain(services, lane, services.clock.now())
  await putQueued(services, lane, message)
  await sendLane(services, lane)
}
