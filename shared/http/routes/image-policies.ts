import * as z from '../zod.ts'
import { imagePoliciesCollection, imagePolicyKey } from '../../core/image-policy.ts'
import { listRecords, readRecord } from '../../core/record-reads.ts'
import { etagOf, writeRecord } from '../../core/records.ts'
import type { StoredRecord } from '../../domain/record.ts'
import type { ImagePolicy } from '../../domain/image-policy.ts'
import { CatamaranError } from '../../domain/errors.ts'
import type { Api } from '../api.ts'
import { afterOf, answer, answerPage, noContent, writeOptionsOf } from '../answer.ts'
import { nextBody } from '../record-view.ts'
import { jsonTypes, route } from '../route.ts'
import { cursorParam, integerParam, pageOf } from '../schemas/common.ts'
import { imagePolicySchema, policyNameSchema } from '../schemas/images.ts'
import { putOr412 } from './records.ts'

const tag = 'Images'
const path = '/v1/image-policies/{name}'
const params = z.strictObject({ name: policyNameSchema })

const viewSchema = imagePolicySchema
  .safeExtend({ name: policyNameSchema, etag: z.string() })
  .openapi('NamedImagePolicy')

const viewOf = (record: StoredRecord) => ({
  name: record.key.id,
  etag: etagOf(record),
  ...(record.body as ImagePolicy | null),
})

const noSuchPolicy = (): CatamaranError => new CatamaranError('not-found', 'There is no such image policy.')

export function addImagePolicyRoutes(api: Api): void {
  addList(api)
  addRead(api)
  addPut(api)
  addDelete(api)
}

function addList(api: Api): void {
  const definition = {
    method: 'get',
    path: '/v1/image-policies',
    operationId: 'listImagePolicies',
    tag,
    summary: 'List the image policies',
    scope: 'assets:read',
    query: z.strictObject({ limit: integerParam(1, 100, 50, 'The most policies of a page.'), cursor: cursorParam }),
    requestHeaders: ['Catamaran-Session'],
    responses: {
      200: { description: 'A page.', schema: pageOf(viewSchema), headers: ['Link', 'Catamaran-Session'] },
    },
  } as const
  route(api, definition, async (call) => {
    const { services, tenant, query, session } = call
    const scope = ['image-policies', tenant]
    const page = { after: afterOf(call, scope, query.cursor), limit: query.limit }
    const { items, next } = await listRecords(services, { tenant, collection: imagePoliciesCollection }, page, {
      session,
    })
    return answerPage(call, scope, { items: items.map(viewOf), next, seen: items.map(({ vector }) => vector) })
  })
}

function addRead(api: Api): void {
  const definition = {
    method: 'get',
    path,
    operationId: 'getImagePolicy',
    tag,
    summary: 'Read an image policy',
    scope: 'assets:read',
    params,
    requestHeaders: ['If-None-Match', 'Catamaran-Session'],
    responses: {
      200: { description: 'The policy.', schema: viewSchema, headers: ['ETag', 'Catamaran-Session'] },
      304: { description: 'The client has it.' },
    },
  } as const
  route(api, definition, async (call) => {
    const { services, tenant, session } = call
    const record = await readRecord(services, imagePolicyKey(tenant, call.params.name), { session })
    if (!record) throw noSuchPolicy()
    return answer(call, viewOf(record), { etag: etagOf(record), seen: [record.vector] })
  })
}

function addPut(api: Api): void {
  const headers = ['ETag', 'Catamaran-Session', 'Idempotency-Replayed', 'Preference-Applied']
  const definition = {
    method: 'put',
    path,
    operationId: 'putImagePolicy',
    tag,
    summary: 'Set an image policy',
    description:
      'It holds for the assets whose label `collection` has its name; `default` for all others. Images that arrive from then on are made by it; those that are there keep what they have. Presets take effect at once.',
    scope: 'assets:write',
    params,
    body: { schema: imagePolicySchema, mediaTypes: jsonTypes },
    requestHeaders: ['If-Match', 'If-None-Match', 'Idempotency-Key', 'Prefer', 'Catamaran-Session'],
    responses: {
      200: { description: 'The policy as it is now.', schema: viewSchema, headers },
      201: { description: 'Set for the first time.', schema: viewSchema, headers },
    },
  } as const
  route(api, definition, async (call) => {
    const { services, tenant } = call
    const body = call.body as ImagePolicy
    const options = writeOptionsOf(call, body, { required: true, mayCreate: true })
    const key = imagePolicyKey(tenant, call.params.name)
    const { record, created, replayed, durability } = await putOr412(() =>
      writeRecord(services, key, options, (now) => nextBody(now, body)),
    )
    const seen = [record.vector]
    return answer(call, viewOf(record), {
      status: created ? 201 : 200,
      etag: etagOf(record),
      replayed,
      durability,
      seen,
    })
  })
}

function addDelete(api: Api): void {
  const definition = {
    method: 'delete',
    path,
    operationId: 'deleteImagePolicy',
    tag,
    summary: 'Remove an image policy',
    description: 'Its collection then goes by the default one.',
    scope: 'assets:write',
    params,
    requestHeaders: ['If-Match', 'Idempotency-Key', 'Prefer', 'Catamaran-Session'],
    responses: { 204: { description: 'Removed.', headers: ['Catamaran-Session', 'Idempotency-Replayed'] } },
  } as const
  route(api, definition, async (call) => {
    const options = writeOptionsOf(call, undefined, { required: true, mayCreate: false })
    const key = imagePolicyKey(call.tenant, call.params.name)
    const { record, replayed, durability } = await writeRecord(call.services, key, options, () => null)
    return noContent(call, { replayed, durability, seen: [record.vector] })
  })
}
