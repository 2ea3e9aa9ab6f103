import * as z from '../zod.ts'
import { listRecords, readRecord } from '../../core/record-reads.ts'
import { writeRecord, type Written } from '../../core/records.ts'
import { CatamaranError, hasCode } from '../../domain/errors.ts'
import { base32 } from '../../domain/hash.ts'
import type { JsonObject } from '../../domain/json.ts'
import type { Api } from '../api.ts'
import { afterOf, answer, answerPage, createdIdOf, noContent, writeOptionsOf } from '../answer.ts'
import { mergePatch } from '../merge-patch.ts'
import { assertBodySize, assertClientCollection, clientKey, nextBody, viewOfRecord } from '../record-view.ts'
import { jsonTypes, patchTypes, route, type AnyCall } from '../route.ts'
import { cursorParam, flagParam, idSchema, jsonObjectSchema, limitParam } from '../schemas/common.ts'
import { recordPageSchema, recordSchema } from '../schemas/records.ts'

const tag = 'Records'
export const collectionPath = '/v1/collections/{collection}'
export const recordPath = `${collectionPath}/records/{id}`
/** The name is checked together with what is reserved, so that system collections are plainly not there. */
const collectionParam = z.string().transform((name, context) => {
  if (name.startsWith('_') || /^[a-z0-9][a-z0-9-]{0,62}$/.test(name)) return name
  context.addIssue('Small letters, digits and hyphens, 1 to 63 of them, not beginning with a hyphen.')
  return z.NEVER
})
export const collectionParams = z.strictObject({
  collection: collectionParam.openapi({ type: 'string', example: 'invoices' }),
})
export const recordParams = collectionParams.extend({ id: idSchema })

export const written = {
  description: 'The record as it is now.',
  schema: recordSchema,
  headers: ['ETag', 'Catamaran-Session', 'Idempotency-Replayed', 'Preference-Applied'],
}

export function addRecordRoutes(api: Api): void {
  addCreate(api)
  addList(api)
  addRead(api)
  addPut(api)
  addPatch(api)
  addDelete(api)
}

function addCreate(api: Api): void {
  const definition = {
    method: 'post',
    path: `${collectionPath}/records`,
    operationId: 'createRecord',
    tag,
    summary: 'Create a record',
    description:
      'The content is the body of the record. Its id is `id`, else it follows from the Idempotency-Key, else it is random.',
    scope: 'records:write',
    params: collectionParams,
    query: z.strictObject({ id: idSchema.optional() }),
    body: { schema: jsonObjectSchema, mediaTypes: jsonTypes },
    requestHeaders: ['Idempotency-Key', 'Prefer', 'Catamaran-Session'],
    responses: {
      201: { ...written, headers: [...written.headers, 'Location'] },
      200: { ...written, description: 'Created before.' },
    },
  } as const
  route(api, definition, async (call) => {
    const { params, query, body, services, tenant } = call
    const made = createdIdOf(call, `collections/${params.collection}`)
    const id = query.id ?? made ?? base32(services.random.bytes(16))
    const options = writeOptionsOf(call, body, { required: false, mayCreate: true })
    const create = { ...options, precondition: { kind: 'absent' } } as const
    assertBodySize(body)
    const result = await writeRecord(services, clientKey(tenant, { ...params, id }), create, () => body)
    return answerWritten(call, result)
  })
}

function addList(api: Api): void {
  const definition = {
    method: 'get',
    path: `${collectionPath}/records`,
    operationId: 'listRecords',
    tag,
    summary: 'List records',
    description: 'In ascending order of id, by UTF-8 bytes.',
    scope: 'records:read',
    params: collectionParams,
    query: z.strictObject({ limit: limitParam, cursor: cursorParam, deleted: flagParam('Show deleted records too.') }),
    requestHeaders: ['Catamaran-Session'],
    responses: { 200: { description: 'A page.', schema: recordPageSchema, headers: ['Link', 'Catamaran-Session'] } },
  } as const
  route(api, definition, async (call) => {
    const { params, query, services, tenant, session } = call
    const { collection } = params
    assertClientCollection(collection)
    const scope = ['records', tenant, collection, query.deleted]
    const page = { after: afterOf(call, scope, query.cursor), limit: query.limit }
    const options = { includeDeleted: query.deleted, session }
    const { items, next } = await listRecords(services, { tenant, collection }, page, options)
    const seen = items.map((record) => record.vector)
    return answerPage(call, scope, { items: items.map(viewOfRecord), next, afterOf: (view) => view.id, seen })
  })
}

function addRead(api: Api): void {
  const definition = {
    method: 'get',
    path: recordPath,
    operationId: 'getRecord',
    tag,
    summary: 'Read a record',
    description: 'HEAD answers the same without content.',
    scope: 'records:read',
    params: recordParams,
    requestHeaders: ['If-None-Match', 'Catamaran-Session'],
    responses: {
      200: { ...written, headers: ['ETag', 'Catamaran-Session'] },
      304: { description: 'The client has it.' },
    },
  } as const
  route(api, definition, async (call) => {
    const { services, tenant, params, session } = call
    const record = await readRecord(services, clientKey(tenant, params), { session })
    if (!record) throw new CatamaranError('not-found', 'There is no such record.')
    const view = viewOfRecord(record)
    return answer(call, view, { etag: view.etag, seen: [record.vector] })
  })
}

function addPut(api: Api): void {
  const definition = {
    method: 'put',
    path: recordPath,
    operationId: 'putRecord',
    tag,
    summary: 'Create or replace a record',
    description:
      'The content is the body of the record. If-None-Match: * creates, If-Match replaces; 428 when neither is sent.',
    scope: 'records:write',
    params: recordParams,
    body: { schema: jsonObjectSchema, mediaTypes: jsonTypes },
    requestHeaders: ['If-Match', 'If-None-Match', 'Idempotency-Key', 'Prefer', 'Catamaran-Session'],
    responses: { 200: written, 201: { ...written, headers: [...written.headers, 'Location'] } },
  } as const
  route(api, definition, async (call) => {
    const { services, tenant, params, body } = call
    const options = writeOptionsOf(call, body, { required: true, mayCreate: true })
    assertBodySize(body)
    const key = clientKey(tenant, params)
    const change = (now: JsonObject | undefined): JsonObject => nextBody(now, body)
    return answerWritten(call, await putOr412(() => writeRecord(services, key, options, change)))
  })
}

/** RFC 9110, 13.1.1: If-Match on what does not exist is a failed precondition for a method that could have created it. */
export async function putOr412(write: () => Promise<Written>): Promise<Written> {
  try {
    return await write()
  } catch (error) {
    if (!hasCode(error, 'not-found')) throw error
    throw new CatamaranError(
      'precondition-failed',
      'If-Match was sent, but there is no such record; If-None-Match: * creates it.',
    )
  }
}

function addPatch(api: Api): void {
  const definition = {
    method: 'patch',
    path: recordPath,
    operationId: 'patchRecord',
    tag,
    summary: 'Change a record',
    description: 'A JSON Merge Patch (RFC 7396) on the body of the record.',
    scope: 'records:write',
    params: recordParams,
    body: { schema: jsonObjectSchema, mediaTypes: patchTypes },
    requestHeaders: ['If-Match', 'Idempotency-Key', 'Prefer', 'Catamaran-Session'],
    responses: { 200: written },
  } as const
  route(api, definition, async (call) => {
    const { services, tenant, params, body: patch } = call
    const options = writeOptionsOf(call, patch, { required: true, mayCreate: false })
    const result = await writeRecord(services, clientKey(tenant, params), options, (now) =>
      nextBody(now, assertBodySize(mergePatch(now ?? {}, patch))),
    )
    return answerWritten(call, result)
  })
}

function addDelete(api: Api): void {
  const definition = {
    method: 'delete',
    path: recordPath,
    operationId: 'deleteRecord',
    tag,
    summary: 'Delete a record',
    description: 'It can be restored; only a purge erases.',
    scope: 'records:write',
    params: recordParams,
    requestHeaders: ['If-Match', 'Idempotency-Key', 'Prefer', 'Catamaran-Session'],
    responses: {
      204: { description: 'Deleted.', headers: ['Catamaran-Session', 'Idempotency-Replayed', 'Preference-Applied'] },
    },
  } as const
  route(api, definition, async (call) => {
    const { services, tenant, params } = call
    const options = writeOptionsOf(call, undefined, { required: true, mayCreate: false })
    const { record, replayed, durability } = await writeRecord(services, clientKey(tenant, params), options, () => null)
    return noContent(call, { replayed, durability, seen: [record.vector] })
  })
}

/** The answer of a write; a replayed create whose record was deleted since is gone. */
export function answerWritten(call: AnyCall, { record, created, replayed, durability }: Written): Response {
  if (replayed && record.deleted)
    throw new CatamaranError('gone', 'The request was honoured before; the record was deleted since.')
  const view = viewOfRecord(record)
  const location = `${call.api.options.publicUrl}/v1/collections/${record.key.collection}/records/${encodeURIComponent(record.key.id)}`
  return answer(call, view, {
    status: created ? 201 : 200,
    etag: view.etag,
    replayed,
    durability,
    seen: [record.vector],
    ...(created || replayed ? { location } : {}),
  })
}
