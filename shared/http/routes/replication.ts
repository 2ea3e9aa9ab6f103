import { z } from '@hono/zod-openapi'
import { listDeadLetters, replayDeadLetter } from '../../core/dead-letters.ts'
import { reconcile } from '../../core/reconcile.ts'
import { replicationStatus } from '../../core/replication-status.ts'
import type { Api } from '../api.ts'
import { afterOf, answer, answerPage, noContent } from '../answer.ts'
import { route } from '../route.ts'
import {
  cursorParam,
  idSchema,
  jsonObjectSchema,
  limitParam,
  pageOf,
  reportSchema,
  timeSchema,
} from '../schemas/common.ts'
import { addReplicationPauseRoutes } from './replication-pause.ts'

const tag = 'Replication'

const deadLetterSchema = z
  .object({
    id: z.string(),
    kind: z.string(),
    cause: z.string(),
    payload: jsonObjectSchema,
    firstAt: timeSchema,
    lastAt: timeSchema,
    times: z.number().int(),
  })
  .openapi('DeadLetter')

export function addReplicationRoutes(api: Api): void {
  addStatus(api)
  addDeadLetters(api)
  addReplicationPauseRoutes(api)
}

function addStatus(api: Api): void {
  const status = {
    method: 'get',
    path: '/v1/replication',
    operationId: 'getReplication',
    tag,
    summary: 'How replication stands',
    description: 'Lag each way, queue depth, dead letters, the last reconcile.',
    scope: 'replication:read',
    responses: { 200: { description: 'The state at this site.', schema: reportSchema } },
  } as const
  route(api, status, async (call) => answer(call, await replicationStatus(call.services)))
  const run = {
    method: 'post',
    path: '/v1/replication/reconcile',
    operationId: 'reconcile',
    tag,
    summary: 'Reconcile now',
    description: 'Compares both sites and mends what differs. Safe to repeat.',
    scope: 'replication:operate',
    responses: { 200: { description: 'What was found and done.', schema: reportSchema } },
  } as const
  route(api, run, async (call) => answer(call, await reconcile(call.services)))
}

function addDeadLetters(api: Api): void {
  const list = {
    method: 'get',
    path: '/v1/replication/dead-letters',
    operationId: 'listDeadLetters',
    tag,
    summary: 'List the dead letters',
    description: 'Work of this site that failed for good, with its cause.',
    scope: 'replication:operate',
    query: z.strictObject({ limit: limitParam, cursor: cursorParam }),
    responses: { 200: { description: 'A page.', schema: pageOf(deadLetterSchema), headers: ['Link'] } },
  } as const
  route(api, list, async (call) => {
    // Dead letters belong to a site, so a cursor of the other site is not valid here.
    const scope = ['dead-letters', call.services.site]
    const page = { after: afterOf(call, scope, call.query.cursor), limit: call.query.limit }
    const { items, next } = await listDeadLetters(call.services, page)
    const views = items.map(({ firstMs, lastMs, ...letter }) => ({
      ...letter,
      firstAt: new Date(firstMs).toISOString(),
      lastAt: new Date(lastMs).toISOString(),
    }))
    return answerPage(call, scope, { items: views, next, afterOf: (letter) => letter.id })
  })
  const replay = {
    method: 'post',
    path: '/v1/replication/dead-letters/{id}/replay',
    operationId: 'replayDeadLetter',
    tag,
    summary: 'Try a dead letter again',
    scope: 'replication:operate',
    params: z.strictObject({ id: idSchema }),
    responses: { 204: { description: 'Begun again; the dead letter is gone.' } },
  } as const
  route(api, replay, async (call) => {
    await replayDeadLetter(call.services, call.params.id)
    return noContent(call)
  })
}
