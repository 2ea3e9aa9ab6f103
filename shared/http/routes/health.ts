import * as z from '../zod.ts'
import type { Api } from '../api.ts'
import { answer } from '../answer.ts'
import { makeHealthCheck } from '../health.ts'
import { route } from '../route.ts'

const tag = 'Health'

const liveSchema = z.object({ status: z.literal('ok'), site: z.string() }).openapi('Live')
const readySchema = z
  .object({
    status: z.enum(['ok', 'degraded', 'unavailable']),
    site: z.string(),
    dependencies: z.array(
      z.object({
        name: z.string(),
        ok: z.boolean(),
        tookMs: z.number(),
        optional: z.boolean().openapi({ description: 'The site works without it.' }),
        code: z.string().optional(),
      }),
    ),
  })
  .openapi('Ready')

export function addHealthRoutes(api: Api): void {
  const live = {
    method: 'get',
    path: '/v1/health/live',
    operationId: 'live',
    tag,
    summary: 'Whether this process answers',
    scope: 'public',
    responses: { 200: { description: 'It does.', schema: liveSchema } },
  } as const
  route(api, live, (call) => Promise.resolve(answer(call, { status: 'ok', site: call.services.site })))
  const ready = {
    method: 'get',
    path: '/v1/health/ready',
    operationId: 'ready',
    tag,
    summary: 'Whether this site can do its work',
    description: 'Each dependency with its state. Without its peer a site is degraded, but ready.',
    scope: 'public',
    responses: {
      200: { description: 'ok or degraded', schema: readySchema },
      503: { description: 'unavailable', schema: readySchema },
    },
  } as const
  const check = makeHealthCheck(api.services)
  route(api, ready, async (call) => {
    const health = await check()
    return call.c.json(health, health.status === 'unavailable' ? 503 : 200)
  })
}
