import * as z from '../zod.ts'
import { readHealth } from '../../core/webhook-health.ts'
import { etagOf } from '../../core/records.ts'
import {
  createWebhook,
  deleteWebhook,
  getWebhook,
  listWebhooks,
  patchWebhook,
  type WebhookPatch,
} from '../../core/webhooks.ts'
import { CatamaranError } from '../../domain/errors.ts'
import type { Json } from '../../domain/json.ts'
import type { StoredRecord } from '../../domain/record.ts'
import type { WebhookBody } from '../../domain/webhook.ts'
import type { Api } from '../api.ts'
import { answer, answerPage, createdIdOf, idempotencyOf, noContent, writeOptionsOf } from '../answer.ts'
import { assertPublicUrl } from '../public-url.ts'
import { jsonTypes, patchTypes, route, type AnyCall } from '../route.ts'
import {
  createdWebhookSchema,
  createWebhookSchema,
  patchWebhookSchema,
  webhookIdSchema,
  webhookPageSchema,
  webhookSchema,
} from '../schemas/webhooks.ts'

export const webhookTag = 'Webhooks'
export const webhookPath = '/v1/webhooks/{id}'
export const webhookParams = z.strictObject({ id: webhookIdSchema })

export function addWebhookRoutes(api: Api): void {
  addCreate(api)
  addList(api)
  addRead(api)
  addPatch(api)
  addDelete(api)
}

async function viewOf(call: AnyCall, record: StoredRecord): Promise<z.infer<typeof webhookSchema>> {
  const { tenant, id } = record.key
  const { url, events, description, state, disabledReason, home } = record.body as WebhookBody
  const health = await readHealth(call.services, tenant, id)
  return {
    id,
    url,
    events,
    description,
    state,
    ...(disabledReason === undefined ? {} : { disabledReason }),
    home,
    ...(health
      ? {
          health: {
            site: call.services.site,
            failures: health.failures,
            failingSince: new Date(health.failingSinceMs).toISOString(),
            lastError: health.lastError,
          },
        }
      : {}),
    createdAt: new Date(record.createdMs).toISOString(),
    etag: etagOf(record),
  }
}

function addCreate(api: Api): void {
  const definition = {
    method: 'post',
    path: '/v1/webhooks',
    operationId: 'createWebhook',
    tag: webhookTag,
    summary: 'Make a webhook endpoint',
    description:
      'Messages are signed as Standard Webhooks has it. A repeated Idempotency-Key answers without the secret, which is shown once.',
    scope: 'webhooks:write',
    body: { schema: createWebhookSchema, mediaTypes: jsonTypes },
    requestHeaders: ['Idempotency-Key'],
    responses: {
      201: { description: 'Made.', schema: createdWebhookSchema, headers: ['Location', 'ETag'] },
      200: { description: 'Made before.', schema: createdWebhookSchema, headers: ['Location', 'ETag'] },
    },
  } as const
  route(api, definition, async (call) => {
    const { services, tenant, body } = call
    assertPublicUrl(call, body.url, '/url')
    const id = createdIdOf(call, 'webhooks')
    const made = await createWebhook(services, tenant, { ...body, id }, idempotencyOf(call, body as Json))
    const { record, secret } = made
    if (record.deleted) throw new CatamaranError('gone', 'It was made before and deleted since.')
    const view = await viewOf(call, record)
    const replayed = secret === undefined
    const location = `${api.options.publicUrl}/v1/webhooks/${record.key.id}`
    const options = { status: replayed ? 200 : 201, replayed, location, etag: view.etag } as const
    return answer(call, replayed ? view : { ...view, secret }, options)
  })
}

function addList(api: Api): void {
  const definition = {
    method: 'get',
    path: '/v1/webhooks',
    operationId: 'listWebhooks',
    tag: webhookTag,
    summary: 'List the webhook endpoints',
    description: 'All of them, without their secrets.',
    scope: 'webhooks:write',
    responses: { 200: { description: 'The endpoints.', schema: webhookPageSchema } },
  } as const
  route(api, definition, async (call) => {
    const records = await listWebhooks(call.services, call.tenant)
    const items = await Promise.all(records.map((record) => viewOf(call, record)))
    return answerPage(call, ['webhooks', call.tenant], { items })
  })
}

function addRead(api: Api): void {
  const definition = {
    method: 'get',
    path: webhookPath,
    operationId: 'getWebhook',
    tag: webhookTag,
    summary: 'Read a webhook endpoint',
    scope: 'webhooks:write',
    params: webhookParams,
    responses: { 200: { description: 'The endpoint.', schema: webhookSchema, headers: ['ETag'] } },
  } as const
  route(api, definition, async (call) => {
    const view = await viewOf(call, await getWebhook(call.services, call.tenant, call.params.id))
    // Its health is not under the ETag, so the view is always sent.
    const response = answer(call, view)
    response.headers.set('etag', view.etag)
    return response
  })
}

function addPatch(api: Api): void {
  const definition = {
    method: 'patch',
    path: webhookPath,
    operationId: 'patchWebhook',
    tag: webhookTag,
    summary: 'Change, pause, resume or move a webhook endpoint',
    description:
      '`state` is `paused` or `active`; `active` also brings a disabled endpoint back. What came meanwhile is sent then, as far as it is younger than three days.',
    scope: 'webhooks:write',
    params: webhookParams,
    body: { schema: patchWebhookSchema, mediaTypes: patchTypes },
    requestHeaders: ['If-Match', 'Idempotency-Key'],
    responses: { 200: { description: 'The endpoint as it is now.', schema: webhookSchema, headers: ['ETag'] } },
  } as const
  route(api, definition, async (call) => {
    const { services, tenant, params, body } = call
    if (body.url !== undefined) assertPublicUrl(call, body.url, '/url')
    const options = writeOptionsOf(call, body as Json, { required: true, mayCreate: false })
    const wish = Object.fromEntries(Object.entries(body).filter(([, value]) => value !== undefined)) as WebhookPatch
    const { record, replayed } = await patchWebhook(services, tenant, params.id, wish, options)
    if (record.deleted) throw new CatamaranError('gone', 'The request was honoured before; it was deleted since.')
    const view = await viewOf(call, record)
    return answer(call, view, { replayed, etag: view.etag })
  })
}

function addDelete(api: Api): void {
  const definition = {
    method: 'delete',
    path: webhookPath,
    operationId: 'deleteWebhook',
    tag: webhookTag,
    summary: 'Delete a webhook endpoint',
    description: 'What waits for it is thrown away.',
    scope: 'webhooks:write',
    params: webhookParams,
    requestHeaders: ['If-Match', 'Idempotency-Key'],
    responses: { 204: { description: 'Deleted.' } },
  } as const
  route(api, definition, async (call) => {
    const options = writeOptionsOf(call, undefined, { required: true, mayCreate: false })
    const { replayed } = await deleteWebhook(call.services, call.tenant, call.params.id, options)
    return noContent(call, { replayed })
  })
}
