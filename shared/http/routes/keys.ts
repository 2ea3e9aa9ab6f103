import * as z from '../zod.ts'
import { listKeys, mintKey, revokeKey } from '../../core/keys.ts'
import { CatamaranError } from '../../domain/errors.ts'
import type { Api } from '../api.ts'
import { scopes } from '../api.ts'
import { afterOf, answer, answerPage, createdIdOf, idempotencyOf, noContent } from '../answer.ts'
import { jsonTypes, route } from '../route.ts'
import { cursorParam, integerParam, nameSchema, pageOf, timeSchema } from '../schemas/common.ts'

const tag = 'Keys'

const keySchema = z
  .object({
    id: z.string(),
    name: z.string(),
    scopes: z.array(z.string()),
    createdAt: timeSchema,
    expiresAt: timeSchema.optional(),
    revokedAt: timeSchema.optional(),
  })
  .openapi('Key')

const mintedSchema = keySchema
  .extend({ key: z.string().optional().openapi({ description: 'The key itself. It is shown this once.' }) })
  .openapi('MintedKey')

const mintSchema = z
  .strictObject({
    name: nameSchema,
    scopes: z.array(z.enum(scopes)).min(1).max(scopes.length),
    expiresAt: timeSchema.optional(),
  })
  .openapi('MintKey')

export function addKeyRoutes(api: Api): void {
  addMint(api)
  addList(api)
  addRevoke(api)
}

function addMint(api: Api): void {
  const definition = {
    method: 'post',
    path: '/v1/keys',
    operationId: 'mintKey',
    tag,
    summary: 'Make an API key',
    description:
      'A key can hand on only the scopes it has. A repeated Idempotency-Key answers without the key itself, which is no longer known.',
    scope: 'keys:write',
    body: { schema: mintSchema, mediaTypes: jsonTypes },
    requestHeaders: ['Idempotency-Key'],
    responses: {
      201: { description: 'Made.', schema: mintedSchema, headers: ['Location'] },
      200: { description: 'Made before.', schema: mintedSchema },
    },
  } as const
  route(api, definition, async (call) => {
    const { body, caller, tenant, services } = call
    const missing = body.scopes.filter((scope) => !caller.scopes.includes(scope))
    if (missing.length > 0) throw new CatamaranError('forbidden', `This key lacks the scope ${missing.join(', ')}.`)
    const id = createdIdOf(call, 'keys')?.slice(0, 12)
    const made = await mintKey(services, {
      ...body,
      tenant,
      id,
      idempotency: idempotencyOf(call, { ...body, expiresAt: body.expiresAt ?? null }),
    })
    const value = { ...made.view, ...(made.text === undefined ? {} : { key: made.text }) }
    const replayed = made.text === undefined
    return answer(call, value, { status: replayed ? 200 : 201, replayed })
  })
}

function addList(api: Api): void {
  const definition = {
    method: 'get',
    path: '/v1/keys',
    operationId: 'listKeys',
    tag,
    summary: 'List the API keys',
    description: 'Without their secrets, which nobody knows.',
    scope: 'keys:write',
    query: z.strictObject({ limit: integerParam(1, 100, 50, 'The most keys of a page.'), cursor: cursorParam }),
    responses: { 200: { description: 'A page.', schema: pageOf(keySchema), headers: ['Link'] } },
  } as const
  route(api, definition, async (call) => {
    const scope = ['keys', call.tenant]
    const page = { after: afterOf(call, scope, call.query.cursor), limit: call.query.limit }
    const { items, next } = await listKeys(call.services, call.tenant, page)
    return answerPage(call, scope, { items, next })
  })
}

function addRevoke(api: Api): void {
  const definition = {
    method: 'delete',
    path: '/v1/keys/{id}',
    operationId: 'revokeKey',
    tag,
    summary: 'Revoke an API key',
    description: 'Takes effect at both sites within a minute. Safe to repeat.',
    scope: 'keys:write',
    params: z.strictObject({ id: z.string().regex(/^[0-9a-z]{12}$/) }),
    requestHeaders: ['Idempotency-Key'],
    responses: { 204: { description: 'Revoked.' } },
  } as const
  route(api, definition, async (call) => {
    const { replayed } = await revokeKey(call.services, call.tenant, call.params.id, idempotencyOf(call, undefined))
    return noContent(call, { replayed })
  })
}
