import * as z from '../zod.ts'
import { listTries, type WebhookTry } from '../../core/webhook-log.ts'
import { queuedFor, type QueueEntry } from '../../core/webhook-queue.ts'
import { getWebhook, redeliver, rotateSecret, testWebhook } from '../../core/webhooks.ts'
import type { Site } from '../../domain/site.ts'
import type { Api } from '../api.ts'
import { afterOf, answer, answerPage, idempotencyOf } from '../answer.ts'
import { route } from '../route.ts'
import { cursorParam, flagParam, integerParam } from '../schemas/common.ts'
import {
  deliveryPageSchema,
  type deliverySchema,
  messageIdSchema,
  messageSchema,
  secretSchema,
  webhookIdSchema,
} from '../schemas/webhooks.ts'
import { webhookParams, webhookPath, webhookTag } from './webhooks.ts'

type Delivery = z.infer<typeof deliverySchema>

export function addWebhookDeliveryRoutes(api: Api): void {
  addRotate(api)
  addTest(api)
  addList(api)
  addRedeliver(api)
}

function addRotate(api: Api): void {
  const definition = {
    method: 'post',
    path: `${webhookPath}/rotate`,
    operationId: 'rotateWebhookSecret',
    tag: webhookTag,
    summary: 'Give a webhook endpoint a new secret',
    description:
      'For a day every message bears two signatures, one by the new secret and one by the old. A repeated Idempotency-Key answers without the secret.',
    scope: 'webhooks:write',
    params: webhookParams,
    requestHeaders: ['Idempotency-Key'],
    responses: { 200: { description: 'The new secret.', schema: secretSchema } },
  } as const
  route(api, definition, async (call) => {
    const rotated = await rotateSecret(call.services, call.tenant, call.params.id, idempotencyOf(call, undefined))
    return answer(call, rotated, { replayed: rotated.secret === undefined })
  })
}

function addTest(api: Api): void {
  const definition = {
    method: 'post',
    path: `${webhookPath}/test`,
    operationId: 'testWebhook',
    tag: webhookTag,
    summary: 'Send a webhook endpoint a trial message',
    description:
      'Of the type `webhook.test`, once, also to an endpoint that is paused. The deliveries tell how it went.',
    scope: 'webhooks:write',
    params: webhookParams,
    responses: { 202: { description: 'It will be sent.', schema: messageSchema } },
  } as const
  route(api, definition, async (call) =>
    answer(call, await testWebhook(call.services, call.tenant, call.params.id), { status: 202 }),
  )
}

const tryView = (
  site: Site,
  { id, type, asset, attempt, atMs, tookMs, outcome, status, error }: WebhookTry,
): Delivery => ({
  id,
  type,
  asset,
  outcome,
  site,
  attempt,
  at: new Date(atMs).toISOString(),
  tookMs,
  ...(status === undefined ? {} : { status }),
  ...(error === undefined ? {} : { error }),
})

const waitingView = (site: Site, { item, message }: QueueEntry): Delivery => ({
  id: message.id,
  type: message.type,
  asset: item.id.split('/')[2] ?? '',
  outcome: 'waiting',
  site,
  attempt: message.attempts + 1,
  at: new Date(Math.max(message.dueMs, message.queuedMs)).toISOString(),
  ...(message.lastStatus === undefined ? {} : { status: message.lastStatus }),
  ...(message.lastError === undefined ? {} : { error: message.lastError }),
})

function addList(api: Api): void {
  const definition = {
    method: 'get',
    path: `${webhookPath}/deliveries`,
    operationId: 'listWebhookDeliveries',
    tag: webhookTag,
    summary: 'List the deliveries of a webhook endpoint',
    description:
      'The tries that this site made in the last two weeks, the latest first; or with `waiting`, some of what waits here. The site that is the endpoint’s home makes them, as long as it lives.',
    scope: 'webhooks:write',
    params: webhookParams,
    query: z.strictObject({
      waiting: flagParam('What waits instead.'),
      limit: integerParam(1, 100, 50, 'The most deliveries of a page.'),
      cursor: cursorParam,
    }),
    responses: { 200: { description: 'A page.', schema: deliveryPageSchema, headers: ['Link'] } },
  } as const
  route(api, definition, async (call) => {
    const { services, tenant, params, query } = call
    const { site } = services
    await getWebhook(services, tenant, params.id)
    const scope = ['webhook-deliveries', tenant, params.id]
    if (query.waiting) {
      const waiting = await queuedFor(services, tenant, params.id)
      return answerPage(call, scope, { items: waiting.map((entry) => waitingView(site, entry)) })
    }
    const page = { after: afterOf(call, scope, query.cursor), limit: query.limit }
    const { items, next } = await listTries(services, tenant, params.id, page)
    return answerPage(call, scope, { items: items.map((tried) => tryView(site, tried)), next })
  })
}

function addRedeliver(api: Api): void {
  const definition = {
    method: 'post',
    path: `${webhookPath}/deliveries/{message}/redeliver`,
    operationId: 'redeliverWebhook',
    tag: webhookTag,
    summary: 'Send a message once more',
    description: 'One that this site has tried lately, with the same `webhook-id`.',
    scope: 'webhooks:write',
    params: z.strictObject({ id: webhookIdSchema, message: messageIdSchema }),
    responses: { 202: { description: 'It will be sent.', schema: messageSchema } },
  } as const
  route(api, definition, async (call) => {
    const { id, message } = call.params
    await redeliver(call.services, call.tenant, id, message)
    return answer(call, { id: message }, { status: 202 })
  })
}
