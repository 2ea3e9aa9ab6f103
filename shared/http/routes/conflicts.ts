import * as z from '../zod.ts'
import { diffOf } from '../../core/conflict-diff.ts'
import {
  dismissConflict,
  getConflict,
  listConflicts,
  recordOf,
  restoreConflict,
  type Conflict,
} from '../../core/conflicts.ts'
import { etagOf } from '../../core/records.ts'
import type { Api } from '../api.ts'
import { afterOf, answer, answerPage, noContent, writeOptionsOf } from '../answer.ts'
import { jsonTypes, route } from '../route.ts'
import { cursorParam, idSchema, limitParam, pageOf } from '../schemas/common.ts'
import { conflictSchema, diffedConflictSchema, restoreFieldsSchema } from '../schemas/records.ts'
import { answerWritten, written } from './records.ts'

const tag = 'Conflicts'
const path = '/v1/conflicts/{id}'
const params = z.strictObject({ id: idSchema })

export function addConflictRoutes(api: Api): void {
  addList(api)
  addRead(api)
  addSettle(api)
}

const viewOf = ({ createdMs, stamp, ...rest }: Conflict): z.infer<typeof conflictSchema> => ({
  ...rest,
  version: stamp,
  createdAt: new Date(createdMs).toISOString(),
})

function addList(api: Api): void {
  const definition = {
    method: 'get',
    path: '/v1/conflicts',
    operationId: 'listConflicts',
    tag,
    summary: 'List the conflicts',
    description: 'The losing side of every pair of writes of which neither had seen the other.',
    scope: 'records:read',
    query: z
      .strictObject({
        collection: z.string().min(1).max(63).optional().openapi({ description: 'Of this collection only.' }),
        record: idSchema.optional().openapi({ description: 'Of the record with this id only; needs `collection`.' }),
        limit: limitParam,
        cursor: cursorParam,
      })
      .refine(({ collection, record }) => record === undefined || collection !== undefined, {
        message: 'A record is named together with its collection.',
        path: ['collection'],
      }),
    responses: { 200: { description: 'A page.', schema: pageOf(conflictSchema), headers: ['Link'] } },
  } as const
  route(api, definition, async (call) => {
    const { collection, record, limit, cursor } = call.query
    const scope = ['conflicts', call.tenant, collection ?? null, record ?? null]
    const page = { after: afterOf(call, scope, cursor), limit }
    const { items, next } = await listConflicts(call.services, call.tenant, page, { collection, record })
    return answerPage(call, scope, { items: items.map(viewOf), next, afterOf: (view) => view.id })
  })
}

function addRead(api: Api): void {
  const definition = {
    method: 'get',
    path,
    operationId: 'getConflict',
    tag,
    summary: 'Read a conflict',
    description: 'With the record as it is now, and place by place what restoring the losing side would change in it.',
    scope: 'records:read',
    params,
    responses: { 200: { description: 'The losing side.', schema: diffedConflictSchema } },
  } as const
  route(api, definition, async (call) => {
    const { services, tenant, params: named } = call
    const conflict = await getConflict(services, tenant, named.id)
    const record = await services.records.get(recordOf(tenant, conflict))
    const now = record ? { version: record.stamp, etag: etagOf(record), deleted: record.deleted } : null
    return answer(call, { ...viewOf(conflict), record: now, diff: diffOf(conflict, record) })
  })
}

function addSettle(api: Api): void {
  const restore = {
    method: 'post',
    path: `${path}/restore`,
    operationId: 'restoreConflict',
    tag,
    summary: 'Let the losing side win',
    description:
      'Writes the losing side, or the fields of it that are asked for, over the record as it is now and closes the conflict. 204 when the losing side was a delete.',
    scope: 'records:write',
    params,
    body: { schema: restoreFieldsSchema, mediaTypes: jsonTypes, optional: true },
    requestHeaders: ['If-Match', 'Idempotency-Key', 'Prefer'],
    responses: { 200: written, 201: written, 204: { description: 'The losing delete was done.' } },
  } as const
  route(api, restore, async (call) => {
    const paths = call.body?.fields
    const options = writeOptionsOf(call, paths && { fields: paths }, { required: false, mayCreate: false })
    const result = await restoreConflict(call.services, call.tenant, call.params.id, { ...options, paths })
    const { record, durability, replayed } = result
    return record.deleted
      ? noContent(call, { durability, replayed, seen: [record.vector] })
      : answerWritten(call, result)
  })
  const dismiss = {
    method: 'delete',
    path,
    operationId: 'dismissConflict',
    tag,
    summary: 'Dismiss a conflict',
    description: 'Leaves the record as it is and closes the conflict. Repeating it is harmless: it answers 404.',
    scope: 'records:write',
    params,
    responses: { 204: { description: 'Closed.' } },
  } as const
  route(api, dismiss, async (call) => {
    await dismissConflict(call.services, call.tenant, call.params.id)
    return noContent(call)
  })
}
