import * as z from '../zod.ts'
import {
  assertPeerMergesFields,
  collectionKey,
  conflictPolicies,
  policyOf,
  rowSchemaIn,
} from '../../core/collections.ts'
import { readRecord } from '../../core/record-reads.ts'
import { etagOf, writeRecord } from '../../core/records.ts'
import { assertRowSchema } from '../../data/row-schema.ts'
import type { StoredRecord } from '../../domain/record.ts'
import type { Api } from '../api.ts'
import { answer, writeOptionsOf } from '../answer.ts'
import { assertClientCollection, nextBody } from '../record-view.ts'
import { jsonTypes, route } from '../route.ts'
import { jsonObjectSchema } from '../schemas/common.ts'
import { collectionParams, collectionPath, putOr412 } from './records.ts'

const tag = 'Collections'

const settingsSchema = z
  .strictObject({
    conflicts: z.enum(conflictPolicies).openapi({
      description:
        'What becomes of two writes of which neither had seen the other: the later one stands (last-writer), or each field stands as its later edit left it (merge-fields).',
    }),
    rowSchema: jsonObjectSchema.optional().openapi({
      description:
        'A JSON Schema (2020-12, or draft-07 by its `$schema`), up to 64 KiB: rows of data files that become records of this collection are held to it, and so are those of assets whose label `row-schema` names this collection. Rows that do not fit are listed in the rendition `errors`.',
    }),
  })
  .openapi('CollectionSettings')

const collectionSchema = settingsSchema
  .extend({ collection: z.string(), etag: z.string().optional() })
  .openapi('Collection')

const viewOf = (collection: string, record: StoredRecord | undefined): z.infer<typeof collectionSchema> => ({
  collection,
  conflicts: policyOf(record?.body),
  ...(record && rowSchemaIn(record.body) ? { rowSchema: rowSchemaIn(record.body) } : {}),
  ...(record ? { etag: etagOf(record) } : {}),
})

export function addCollectionRoutes(api: Api): void {
  addRead(api)
  addPut(api)
}

function addRead(api: Api): void {
  const definition = {
    method: 'get',
    path: collectionPath,
    operationId: 'getCollection',
    tag,
    summary: 'Read the settings of a collection',
    description: 'A collection whose settings were never set has the default, `last-writer`, and no ETag.',
    scope: 'records:read',
    params: collectionParams,
    requestHeaders: ['If-None-Match', 'Catamaran-Session'],
    responses: {
      200: { description: 'The settings.', schema: collectionSchema, headers: ['ETag', 'Catamaran-Session'] },
      304: { description: 'The client has it.' },
    },
  } as const
  route(api, definition, async (call) => {
    const { services, tenant, params, session } = call
    assertClientCollection(params.collection)
    const record = await readRecord(services, collectionKey(tenant, params.collection), { session })
    const view = viewOf(params.collection, record)
    return answer(call, view, record ? { etag: etagOf(record), seen: [record.vector] } : {})
  })
}

function addPut(api: Api): void {
  const definition = {
    method: 'put',
    path: collectionPath,
    operationId: 'putCollection',
    tag,
    summary: 'Set the settings of a collection',
    description:
      'If-None-Match: * sets them first, If-Match changes them; 428 when neither is sent. They hold for what is written from then on, at both sites within a minute. `merge-fields` is taken only while the other site answers and can do it too.',
    scope: 'records:write',
    params: collectionParams,
    body: { schema: settingsSchema, mediaTypes: jsonTypes },
    requestHeaders: ['If-Match', 'If-None-Match', 'Idempotency-Key', 'Prefer', 'Catamaran-Session'],
    responses: {
      200: {
        description: 'The settings as they are now.',
        schema: collectionSchema,
        headers: ['ETag', 'Catamaran-Session', 'Idempotency-Replayed', 'Preference-Applied'],
      },
      201: { description: 'Set for the first time.', schema: collectionSchema, headers: ['ETag', 'Catamaran-Session'] },
    },
  } as const
  route(api, definition, async (call) => {
    const { services, tenant, params, body } = call
    assertClientCollection(params.collection)
    const { conflicts, rowSchema } = body
    if (rowSchema) assertRowSchema(rowSchema)
    const settings = { conflicts, ...(rowSchema ? { rowSchema } : {}) }
    const options = writeOptionsOf(call, settings, { required: true, mayCreate: true })
    if (conflicts === 'merge-fields') await assertPeerMergesFields(services)
    const key = collectionKey(tenant, params.collection)
    const written = await putOr412(() => writeRecord(services, key, options, (now) => nextBody(now, settings)))
    const { record, created, replayed, durability } = written
    return answer(call, viewOf(params.collection, record), {
      status: created ? 201 : 200,
      etag: etagOf(record),
      replayed,
      durability,
      seen: [record.vector],
    })
  })
}
