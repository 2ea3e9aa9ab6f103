import * as z from '../zod.ts'
import { listConflicts } from '../../core/conflicts.ts'
import { reconcile } from '../../core/reconcile.ts'
import { replicationStatus } from '../../core/replication-status.ts'
import type { Api } from '../api.ts'
import { answer } from '../answer.ts'
import { route } from '../route.ts'
import { reportSchema } from '../schemas/common.ts'
import { addDeadLetterRoutes } from './replication-dead-letters.ts'
import { addReplicationPauseRoutes } from './replication-pause.ts'

const tag = 'Replication'
const conflictsMax = 200

const warningSchema = z.object({
  code: z.string().openapi({ description: 'Stable.' }),
  detail: z.string().openapi({ description: 'In plain words.' }),
})

const statusSchema = z
  .looseObject({
    site: z.string(),
    peer: z.string(),
    warnings: z.array(warningSchema).openapi({ description: 'What somebody should look at; empty when all is well.' }),
  })
  .openapi('ReplicationStatus')

export function addReplicationRoutes(api: Api): void {
  addStatus(api)
  addReconcile(api)
  addDeadLetterRoutes(api)
  addReplicationPauseRoutes(api)
}

function addStatus(api: Api): void {
  const definition = {
    method: 'get',
    path: '/v1/replication',
    operationId: 'getReplication',
    tag,
    summary: 'How replication stands',
    description:
      'Lag each way, age of the feed, what is paused, undelivered, dirty, quarantined or missing, dead letters, the last reconcile and the scrub; the conflicts are those of the key’s tenant. Moments are milliseconds since 1970, counts end at a bound (`more`).',
    scope: 'replication:read',
    responses: { 200: { description: 'The state at this site.', schema: statusSchema } },
  } as const
  route(api, definition, async (call) => {
    const [status, conflicts] = await Promise.all([
      replicationStatus(call.services),
      listConflicts(call.services, call.tenant, { limit: conflictsMax }),
    ])
    const { items, next } = conflicts
    return answer(call, { ...status, conflicts: { count: items.length, more: next !== undefined } })
  })
}

function addReconcile(api: Api): void {
  const definition = {
    method: 'post',
    path: '/v1/replication/reconcile',
    operationId: 'reconcile',
    tag,
    summary: 'Reconcile now',
    description: 'Compares both sites and mends what differs. Safe to repeat.',
    scope: 'replication:operate',
    responses: { 200: { description: 'What was found and done.', schema: reportSchema } },
  } as const
  route(api, definition, async (call) => answer(call, await reconcile(call.services)))
}
