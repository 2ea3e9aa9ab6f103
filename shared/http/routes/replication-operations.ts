import * as z from '../zod.ts'
import type { Operation, OperationKind } from '../../core/operation.ts'
import { fractionOf, leftMsOf, summaryOf } from '../../core/operation-report.ts'
import { cancelOperation, listOperations, readOperation, startOperation } from '../../core/operation-store.ts'
import type { Json } from '../../domain/json.ts'
import type { Api } from '../api.ts'
import { afterOf, answer, answerPage, idempotencyOf } from '../answer.ts'
import { type AnyCall, jsonTypes, route, tracedServices } from '../route.ts'
import { cursorParam, idSchema, integerParam, pageOf, timeSchema } from '../schemas/common.ts'

const tag = 'Replication'
const path = '/v1/replication/operations'
const params = z.strictObject({ id: idSchema })

const countsSchema = z.record(z.string(), z.number().int()).openapi({ additionalProperties: { type: 'integer' } })

const operationSchema = z
  .object({
    id: z.string(),
    kind: z.enum(['backfill', 'verify', 'repair']),
    site: z.string(),
    state: z.enum(['running', 'done', 'failed', 'cancelled']),
    dryRun: z.boolean(),
    deep: z.boolean(),
    recordsPerSecond: z.number().int().optional(),
    bytesPerSecond: z.number().int().optional(),
    startedAt: timeSchema,
    updatedAt: timeSchema,
    endedAt: timeSchema.optional(),
    progress: z.object({
      phase: z.string(),
      fraction: z.number().openapi({ description: '0 to 1, of the whole.' }),
      secondsLeft: z.number().int().optional().openapi({ description: 'An estimate, should it go on as it went.' }),
      waitingFor: z.string().optional(),
    }),
    counts: countsSchema.openapi({ description: 'What was looked at and moved.' }),
    found: countsSchema.openapi({ description: 'What was wrong, by kind.' }),
    examples: z.array(z.object({ kind: z.string(), what: z.string(), detail: z.string() })),
    summary: z.array(z.string()).openapi({ description: 'The report in plain words.' }),
    error: z.string().optional(),
  })
  .openapi('Operation')

const requestSchema = z
  .strictObject({
    dryRun: z.boolean().default(false).openapi({ description: 'Say what would be done, and change nothing.' }),
    deep: z
      .boolean()
      .default(false)
      .openapi({ description: 'Read the bytes of every object at both sites, and compare records word by word.' }),
    recordsPerSecond: z.number().int().min(10).max(1_000_000).optional(),
    bytesPerSecond: z
      .number()
      .int()
      .min(100_000)
      .max(100_000_000_000)
      .optional()
      .openapi({ description: 'Of records moved, and of objects moved or read.' }),
  })
  .openapi('OperationRequest')

/** Long work on a whole site: begun here, then driven by the site's own job queue. */
export function addReplicationOperationRoutes(api: Api): void {
  addStart(api, {
    kind: 'backfill',
    summary: 'Fill one site from the other',
    description:
      'Walks through all records and moves, each way, what one site lacks, then the objects. Meant for a site that is new, wiped, or restored from a backup; begin it at the full one.',
  })
  addStart(api, {
    kind: 'verify',
    summary: 'Compare both sites completely',
    description:
      'Records by digests of what the base tables hold, objects by size and checksums. Changes nothing. A dry run says how much there is to compare.',
  })
  addStart(api, {
    kind: 'repair',
    summary: 'Compare both sites completely, and mend what differs',
    description: 'Records by exchange, objects by copies from the side that holds them whole. Nothing is removed.',
  })
  addReads(api)
  addCancel(api)
}

function viewOf(operation: Operation, nowMs: number): z.infer<typeof operationSchema> {
  const { id, kind, site, state, recordsPerSecond, bytesPerSecond, endedMs, error } = operation
  const leftMs = leftMsOf(operation, nowMs)
  return {
    id,
    kind,
    site,
    state,
    dryRun: operation.dryRun,
    deep: operation.deep,
    ...(recordsPerSecond === undefined ? {} : { recordsPerSecond }),
    ...(bytesPerSecond === undefined ? {} : { bytesPerSecond }),
    startedAt: new Date(operation.startedMs).toISOString(),
    updatedAt: new Date(operation.updatedMs).toISOString(),
    ...(endedMs === undefined ? {} : { endedAt: new Date(endedMs).toISOString() }),
    progress: {
      phase: operation.phase,
      fraction: fractionOf(operation),
      ...(leftMs === undefined ? {} : { secondsLeft: Math.ceil(leftMs / 1000) }),
      ...(operation.waitingFor === undefined ? {} : { waitingFor: operation.waitingFor }),
    },
    counts: { ...operation.counters },
    found: { ...operation.found },
    examples: [...operation.examples],
    summary: summaryOf(operation),
    ...(error === undefined ? {} : { error }),
  }
}

const answerOperation = (call: AnyCall, operation: Operation, status: 200 | 202 = 200): Response =>
  answer(call, viewOf(operation, call.services.clock.now()), {
    status,
    ...(status === 202 ? { location: `${path}/${operation.id}` } : {}),
  })

interface Start {
  readonly kind: OperationKind
  readonly summary: string
  readonly description: string
}

function addStart(api: Api, { kind, summary, description }: Start): void {
  const definition = {
    method: 'post',
    path: `/v1/replication/${kind}`,
    operationId: kind,
    tag,
    summary,
    description: `${description} One operation runs at a time: 409 while another does.`,
    scope: 'replication:operate',
    body: { schema: requestSchema, mediaTypes: jsonTypes, optional: true },
    requestHeaders: ['Idempotency-Key'],
    responses: { 202: { description: 'Begun.', schema: operationSchema, headers: ['Location'] } },
  } as const
  route(api, definition, async (call) => {
    // Absent when the request has no content.
    const body = call.body as typeof call.body | undefined
    const idempotency = idempotencyOf(call, (body ?? null) as Json)
    const operation = await startOperation(tracedServices(call), {
      dryRun: false,
      deep: false,
      ...body,
      kind,
      ...(idempotency ? { request: `${idempotency.key} ${idempotency.print}` } : {}),
    })
    return answerOperation(call, operation, 202)
  })
}

function addReads(api: Api): void {
  const list = {
    method: 'get',
    path,
    operationId: 'listOperations',
    tag,
    summary: 'List the operations of this site',
    description: 'The running one first, then those of the last 90 days, newest first.',
    scope: 'replication:operate',
    query: z.strictObject({ limit: integerParam(1, 100, 20, 'The most operations of a page.'), cursor: cursorParam }),
    responses: { 200: { description: 'A page.', schema: pageOf(operationSchema), headers: ['Link'] } },
  } as const
  route(api, list, async (call) => {
    const scope = ['operations', call.services.site]
    const page = { after: afterOf(call, scope, call.query.cursor), limit: call.query.limit }
    const { items, next } = await listOperations(call.services, page)
    const nowMs = call.services.clock.now()
    return answerPage(call, scope, { items: items.map((each) => viewOf(each, nowMs)), next })
  })
  const read = {
    method: 'get',
    path: `${path}/{id}`,
    operationId: 'getOperation',
    tag,
    summary: 'Read an operation',
    description: 'Its progress, what it found, and an estimate of the time left.',
    scope: 'replication:operate',
    params,
    responses: { 200: { description: 'The operation.', schema: operationSchema } },
  } as const
  route(api, read, async (call) => answerOperation(call, await readOperation(call.services, call.params.id)))
}

function addCancel(api: Api): void {
  const definition = {
    method: 'post',
    path: `${path}/{id}/cancel`,
    operationId: 'cancelOperation',
    tag,
    summary: 'Cancel an operation',
    description: 'It ends where it stands; what it has done stays done. Safe to repeat.',
    scope: 'replication:operate',
    params,
    responses: { 200: { description: 'The operation as it ended.', schema: operationSchema } },
  } as const
  route(api, definition, async (call) => answerOperation(call, await cancelOperation(call.services, call.params.id)))
}
