import { z } from '@hono/zod-openapi'
import { dismissConflict, getConflict, listConflicts, restoreConflict, type Conflict } from '../../core/conflicts.ts'
import { CatamaranError } from '../../domain/errors.ts'
import type { Api } from '../api.ts'
import { afterOf, answer, answerPage, noContent, writeOptionsOf } from '../answer.ts'
import { route } from '../route.ts'
import { cursorParam, idSchema, limitParam, pageOf } from '../schemas/common.ts'
import { conflictSchema } from '../schemas/records.ts'
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
    query: z.strictObject({ limit: limitParam, cursor: cursorParam }),
    responses: { 200: { description: 'A page.', schema: pageOf(conflictSchema), headers: ['Link'] } },
  } as const
  route(api, definition, async (call) => {
    const scope = ['conflicts', call.tenant]
    const page = { after: afterOf(call, scope, call.query.cursor), limit: call.query.limit }
    const { items, next } = await listConflicts(call.services, call.tenant, page)
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
    scope: 'records:read',
    params,
    responses: { 200: { description: 'The losing side.', schema: conflictSchema } },
  } as const
  route(api, definition, async (call) => {
    const conflict = await getConflict(call.services, call.tenant, call.params.id)
    if (!conflict) throw new CatamaranError('not-found', 'There is no such conflict; it may have been settled already.')
    return answer(call, viewOf(conflict))
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
      'Writes the losing side over the record as it is now and closes the conflict. 204 when the losing side was a delete.',
    scope: 'records:write',
    params,
    requestHeaders: ['If-Match', 'Idempotency-Key', 'Prefer'],
    responses: { 200: written, 201: written, 204: { description: 'The losing delete was done.' } },
  } as const
  route(api, restore, async (call) => {
    const options = writeOptionsOf(call, undefined, { required: false, mayCreate: false })
    const result = await restoreConflict(call.services, call.tenant, call.params.id, options)
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
