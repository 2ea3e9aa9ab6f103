import * as z from '../zod.ts'
import { type Pause, pauseReplication, resumeReplication } from '../../core/pause.ts'
import { type Way, ways } from '../../ports/peer.ts'
import type { Api } from '../api.ts'
import { answer } from '../answer.ts'
import { jsonTypes, route } from '../route.ts'
import { timeSchema } from '../schemas/common.ts'

const tag = 'Replication'
const reasonCharsMax = 500

const reasonSchema = z.strictObject({
  reason: z.string().trim().min(1).max(reasonCharsMax).openapi({ description: 'Shown to whoever looks next.' }),
})

const pauseSchema = z
  .object({
    way: z.enum(ways),
    paused: z.boolean(),
    since: timeSchema.optional(),
    reason: z.string().optional(),
    by: z.string().optional().openapi({ description: 'The id of the API key that asked for it.' }),
  })
  .openapi('ReplicationPause')

const effects: Readonly<Record<Way, { readonly pause: string; readonly resume: string }>> = {
  outgoing: {
    pause:
      'This site offers nothing to the other until resumed. Changes stay marked as undelivered, nothing is lost. A client that has itself seen a write here and asks at the other site is still answered there.',
    resume: 'Delivers what has gathered at once.',
  },
  incoming: {
    pause:
      'This site applies nothing of the other until resumed, and tells it so. Sessions that have seen what is not here yet are answered 503 `replication-paused`.',
    resume: 'Fetches what has gathered at once.',
  },
}

/** Stops and starts each way of the replication at this site. */
export function addReplicationPauseRoutes(api: Api): void {
  for (const way of ways) {
    addPause(api, way)
    addResume(api, way)
  }
}

const nameOf = (verb: string, way: Way): string => `${verb}${way.slice(0, 1).toUpperCase()}${way.slice(1)}`

const viewOf = (way: Way, { atMs, reason, by }: Pause) => ({
  way,
  paused: true,
  since: new Date(atMs).toISOString(),
  reason,
  by,
})

function addPause(api: Api, way: Way): void {
  const definition = {
    method: 'post',
    path: `/v1/replication/${way}/pause`,
    operationId: nameOf('pause', way),
    tag,
    summary: `Pause ${way} replication at this site`,
    description: `${effects[way].pause} In effect within seconds, survives restarts, and may be repeated: the first moment stays, the reason is the latest.`,
    scope: 'replication:operate',
    body: { schema: reasonSchema, mediaTypes: jsonTypes },
    responses: { 200: { description: 'Paused.', schema: pauseSchema } },
  } as const
  route(api, definition, async (call) => {
    const pause = await pauseReplication(call.services, way, { reason: call.body.reason, by: call.caller.keyId })
    return answer(call, viewOf(way, pause))
  })
}

function addResume(api: Api, way: Way): void {
  const definition = {
    method: 'post',
    path: `/v1/replication/${way}/resume`,
    operationId: nameOf('resume', way),
    tag,
    summary: `Resume ${way} replication at this site`,
    description: `${effects[way].resume} May be repeated.`,
    scope: 'replication:operate',
    responses: { 200: { description: 'It flows.', schema: pauseSchema } },
  } as const
  route(api, definition, async (call) => {
    await resumeReplication(call.services, way, call.caller.keyId)
    return answer(call, { way, paused: false })
  })
}
