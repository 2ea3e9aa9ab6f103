import * as z from '../zod.ts'
import { groupDeadLetters, replayDeadLetters } from '../../core/dead-letter-replay.ts'
import { type DeadLetter, deadLetterKinds, getDeadLetter, listDeadLetters } from '../../core/dead-letters.ts'
import { replayDeadLetter } from '../../core/replay-letter.ts'
import type { Api } from '../api.ts'
import { afterOf, answer, answerPage, noContent } from '../answer.ts'
import { sealCursor } from '../cursor.ts'
import { type AnyCall, jsonTypes, route } from '../route.ts'
import { cursorParam, idSchema, jsonObjectSchema, limitParam, pageOf, timeSchema } from '../schemas/common.ts'

const tag = 'Replication'
const path = '/v1/replication/dead-letters'
const replayLimitMax = 500
const kindSchema = z.enum(deadLetterKinds)
const countSchema = z.number().int()

const deadLetterSchema = z
  .object({
    id: z.string(),
    kind: kindSchema,
    cause: z.string(),
    payload: jsonObjectSchema,
    firstAt: timeSchema,
    lastAt: timeSchema,
    times: countSchema,
  })
  .openapi('DeadLetter')

const causesSchema = z
  .object({
    items: z.array(
      z.object({
        kind: kindSchema,
        cause: z.string().openapi({ description: 'Without ids and numbers; a replay takes it as it is.' }),
        count: countSchema,
        firstAt: timeSchema,
        lastAt: timeSchema,
        example: z.string().openapi({ description: 'The id of one of them.' }),
      }),
    ),
    more: z.boolean().openapi({ description: 'There are more than 5,000 letters; the others were not looked at.' }),
  })
  .openapi('DeadLetterCauses')

const replayRequestSchema = z.strictObject({
  kind: kindSchema.optional(),
  cause: z.string().min(1).max(500).optional().openapi({ description: 'As the list of causes shows it.' }),
  limit: z.number().int().min(1).max(replayLimitMax).default(100),
  cursor: cursorParam,
})

const replayReportSchema = z
  .object({
    replayed: countSchema.openapi({ description: 'Begun again, and gone.' }),
    failed: countSchema.openapi({ description: 'Failed again; they stay, with the new cause.' }),
    gone: countSchema.openapi({ description: 'Replayed by somebody else meanwhile.' }),
    failures: z.array(z.object({ id: z.string(), detail: z.string() })).openapi({ description: 'Some that failed.' }),
    stopped: z
      .object({ code: z.string(), detail: z.string() })
      .nullable()
      .openapi({ description: 'What kept the rest from being tried, such as `peer-unavailable`.' }),
    next: z.string().nullable().openapi({ description: 'The cursor to go on with, null at the end.' }),
  })
  .openapi('DeadLetterReplay')

/** Dead letters belong to a site, so a cursor of the other site is not valid here. */
const scopeOf = ({ services }: AnyCall): string[] => ['dead-letters', services.site]

const viewOf = ({ firstMs, lastMs, ...rest }: DeadLetter) => ({ ...rest, ...timesOf({ firstMs, lastMs }) })

const timesOf = ({ firstMs, lastMs }: Pick<DeadLetter, 'firstMs' | 'lastMs'>) => ({
  firstAt: new Date(firstMs).toISOString(),
  lastAt: new Date(lastMs).toISOString(),
})

export function addDeadLetterRoutes(api: Api): void {
  addList(api)
  addCauses(api)
  addReplayOne(api)
  addReplayMany(api)
}

function addList(api: Api): void {
  const list = {
    method: 'get',
    path,
    operationId: 'listDeadLetters',
    tag,
    summary: 'List the dead letters',
    description: 'Work of this site that failed for good, with its cause.',
    scope: 'replication:operate',
    query: z.strictObject({ limit: limitParam, cursor: cursorParam }),
    responses: { 200: { description: 'A page.', schema: pageOf(deadLetterSchema), headers: ['Link'] } },
  } as const
  route(api, list, async (call) => {
    const page = { after: afterOf(call, scopeOf(call), call.query.cursor), limit: call.query.limit }
    const { items, next } = await listDeadLetters(call.services, page)
    return answerPage(call, scopeOf(call), { items: items.map(viewOf), next, afterOf: (letter) => letter.id })
  })
  const read = {
    method: 'get',
    path: `${path}/{id}`,
    operationId: 'getDeadLetter',
    tag,
    summary: 'Read a dead letter',
    scope: 'replication:operate',
    params: z.strictObject({ id: idSchema }),
    responses: { 200: { description: 'The work and why it failed.', schema: deadLetterSchema } },
  } as const
  route(api, read, async (call) => answer(call, viewOf(await getDeadLetter(call.services, call.params.id))))
}

function addCauses(api: Api): void {
  const definition = {
    method: 'get',
    path: '/v1/replication/dead-letter-causes',
    operationId: 'listDeadLetterCauses',
    tag,
    summary: 'Dead letters by cause',
    description: 'The most frequent cause first.',
    scope: 'replication:operate',
    responses: { 200: { description: 'The causes.', schema: causesSchema } },
  } as const
  route(api, definition, async (call) => {
    const { groups, more } = await groupDeadLetters(call.services)
    const items = groups.map(({ firstMs, lastMs, ...rest }) => ({ ...rest, ...timesOf({ firstMs, lastMs }) }))
    return answer(call, { items, more })
  })
}

function addReplayOne(api: Api): void {
  const definition = {
    method: 'post',
    path: `${path}/{id}/replay`,
    operationId: 'replayDeadLetter',
    tag,
    summary: 'Try a dead letter again',
    scope: 'replication:operate',
    params: z.strictObject({ id: idSchema }),
    responses: { 204: { description: 'Begun again; the dead letter is gone.' } },
  } as const
  route(api, definition, async (call) => {
    await replayDeadLetter(call.services, call.params.id)
    return noContent(call)
  })
}

function addReplayMany(api: Api): void {
  const definition = {
    method: 'post',
    path: `${path}/replay`,
    operationId: 'replayDeadLetters',
    tag,
    summary: 'Try many dead letters again',
    description:
      'All, or those of a kind or a cause. A call looks at up to `limit` letters and works for up to 15 seconds; go on with `next`. It may be repeated, and be made twice at once. It stops early, and says why, when trying on would be idle.',
    scope: 'replication:operate',
    body: { schema: replayRequestSchema, mediaTypes: jsonTypes, optional: true },
    responses: { 200: { description: 'What came of it.', schema: replayReportSchema } },
  } as const
  route(api, definition, async (call) => {
    const { kind, cause, limit, cursor } = replayRequestSchema.parse(call.body ?? {})
    const after = afterOf(call, scopeOf(call), cursor)
    const { next, ...report } = await replayDeadLetters(call.services, { kind, cause, limit, after })
    const { signing } = call.api.options
    const sealed = next === undefined ? null : sealCursor(signing, scopeOf(call), { after: next })
    return answer(call, { ...report, next: sealed })
  })
}
