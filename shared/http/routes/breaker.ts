import * as z from '../zod.ts'
import { freezeBreaker, rejectBreaker, releaseBreaker, type Decision } from '../../core/breaker-control.ts'
import { breakerView } from '../../core/breaker-view.ts'
import { answer } from '../answer.ts'
import type { Api } from '../api.ts'
import { jsonTypes, route, type AnyCall } from '../route.ts'
import { reportSchema, timeSchema } from '../schemas/common.ts'

const tag = 'Replication'
const path = '/v1/replication/breaker'
const forMinutesMax = 24 * 60

const tenantSchema = z
  .string()
  .regex(/^[a-z0-9_][a-z0-9_-]{0,127}$/)
  .optional()
  .openapi({ description: 'Only this tenant. Without it: everything that the peer sends.' })
const reasonSchema = z
  .string()
  .trim()
  .min(5)
  .max(500)
  .openapi({ description: 'Why, for those who read it later.', example: 'The tenant has cancelled; ticket 4711' })

const decisionSchema = z.strictObject({ tenant: tenantSchema, reason: reasonSchema })
const releaseSchema = decisionSchema.extend({
  forMinutes: z
    .int()
    .min(0)
    .max(forMinutesMax)
    .default(0)
    .openapi({ description: 'Lets through what is deleted in the next minutes, too, uncounted.' }),
})
const rejectSchema = decisionSchema.extend({
  since: timeSchema.optional().openapi({
    description:
      'Brings back what was let through since then, two weeks at most, frozen or not; since an hour before the first freeze otherwise.',
  }),
})

const responses = {
  200: { description: 'How the breaker stands now.', schema: reportSchema },
} as const

/** The breaker on mass deletion by the other site. */
export function addBreakerRoutes(api: Api): void {
  addView(api)
  addFreeze(api)
  addRelease(api)
  addReject(api)
}

const decisionOf = (call: AnyCall, { tenant, reason }: { tenant?: string | undefined; reason: string }): Decision => ({
  tenant,
  reason,
  by: call.caller.keyId,
})

const view = async (call: AnyCall): Promise<Response> => answer(call, await breakerView(call.services))

function addView(api: Api): void {
  const definition = {
    method: 'get',
    path,
    operationId: 'getBreaker',
    tag,
    summary: 'What the breaker counts and holds',
    description:
      'Per tenant and for everything: what the peer deleted or overwrote here within the last hour, the limits, since when it is frozen, how often something was held back, with examples.',
    scope: 'replication:read',
    responses,
  } as const
  route(api, definition, view)
}

function addFreeze(api: Api): void {
  const definition = {
    method: 'post',
    path: `${path}/freeze`,
    operationId: 'freezeBreaker',
    tag,
    summary: 'Hold back deletes from the other site',
    description: 'Whatever their number; writes go on. Safe to repeat.',
    scope: 'replication:operate',
    body: { schema: decisionSchema, mediaTypes: jsonTypes },
    responses,
  } as const
  route(api, definition, async (call) => {
    await freezeBreaker(call.services, decisionOf(call, call.body))
    return view(call)
  })
}

function addRelease(api: Api): void {
  const definition = {
    method: 'post',
    path: `${path}/release`,
    operationId: 'releaseBreaker',
    tag,
    summary: 'Let through what is held',
    description: 'The next reconcile brings it. 409 when nothing is frozen.',
    scope: 'replication:operate',
    body: { schema: releaseSchema, mediaTypes: jsonTypes },
    responses,
  } as const
  route(api, definition, async (call) => {
    const forMs = call.body.forMinutes * 60_000
    await releaseBreaker(call.services, { ...decisionOf(call, call.body), forMs })
    return view(call)
  })
}

function addReject(api: Api): void {
  const definition = {
    method: 'post',
    path: `${path}/reject`,
    operationId: 'rejectBreaker',
    tag,
    summary: 'Refuse what is held, and bring back what was let through',
    description:
      'This site asserts its records anew, so that the other site gets them back as well. Without a tenant: those of all tenants. 409 when nothing is frozen and `since` is not given.',
    scope: 'replication:operate',
    body: { schema: rejectSchema, mediaTypes: jsonTypes },
    responses,
  } as const
  route(api, definition, async (call) => {
    const { since } = call.body
    const sinceMs = since === undefined ? undefined : Date.parse(since)
    await rejectBreaker(call.services, { ...decisionOf(call, call.body), sinceMs })
    return view(call)
  })
}
