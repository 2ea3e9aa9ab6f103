import * as z from '../zod.ts'
import { readExportSettings, writeExportSettings } from '../../core/export-daily.ts'
import { listExports, readExport, requestExport } from '../../core/exports.ts'
import { exportDdl } from '../../data/export-ddl.ts'
import { sqlEngines } from '../../data/table-ddl.ts'
import { CatamaranError } from '../../domain/errors.ts'
import { dayMs, exportAssetId, exportColumns, exportId, exportKinds } from '../../domain/export.ts'
import { historyMs } from '../../domain/limits.ts'
import type { Api } from '../api.ts'
import { afterOf, answer, answerPage } from '../answer.ts'
import { jsonTypes, route, tracedServices } from '../route.ts'
import { cursorParam, integerParam, pageOf } from '../schemas/common.ts'
import { storeSchema, tableNameSchema } from '../schemas/tables.ts'

const tag = 'Analytics'
const path = '/v1/exports/{kind}/{date}'
const kindSchema = z.enum(exportKinds)
const dateSchema = z
  .string()
  .regex(/^\d{4}-\d{2}-\d{2}$/, 'A day in UTC.')
  .openapi({ example: '2026-11-21' })
const params = z.strictObject({ kind: kindSchema, date: dateSchema })

const exportSchema = z
  .object({
    kind: kindSchema,
    date: dateSchema,
    site: z.string().openapi({ description: 'The site that makes it, or made it.' }),
    state: z.enum(['waiting', 'done', 'failed']),
    attempts: z.number().int(),
    asset: z.string().openapi({ description: 'The asset that it becomes, with a rendition `parquet`.' }),
    rows: z.number().int().optional(),
    bytes: z.number().int().optional(),
    sha256: z.string().optional(),
    complete: z
      .boolean()
      .optional()
      .openapi({ description: 'Whether all that the other site wrote that day had come to the one that made it.' }),
    error: z.object({ code: z.string(), detail: z.string() }).optional(),
  })
  .openapi('Export')

export function addExportRoutes(api: Api): void {
  addList(api)
  addRequest(api)
  addRead(api)
  addDefinition(api)
  addSettings(api)
}

function addList(api: Api): void {
  const definition = {
    method: 'get',
    path: '/v1/exports',
    operationId: 'listExports',
    tag,
    summary: 'List exports',
    scope: 'records:read',
    query: z.strictObject({ limit: integerParam(1, 100, 50, 'The most exports of a page.'), cursor: cursorParam }),
    responses: { 200: { description: 'A page.', schema: pageOf(exportSchema), headers: ['Link'] } },
  } as const
  route(api, definition, async (call) => {
    const { limit, cursor } = call.query
    const scope = ['exports', call.tenant]
    const page = await listExports(call.services, call.tenant, { after: afterOf(call, scope, cursor), limit })
    return answerPage(call, scope, { ...page, afterOf: exportId, seen: [] })
  })
}

function addRequest(api: Api): void {
  const definition = {
    method: 'post',
    path: '/v1/exports',
    operationId: 'makeExport',
    tag,
    summary: 'Export a day as Parquet',
    description:
      'All states that the records of your collections took on that day, or what became of your assets, in the background, once: the export is an asset then, at both sites. Asked for again it stays as it is; one that failed is begun again.',
    scope: 'records:write',
    body: { schema: params.openapi('ExportRequest'), mediaTypes: jsonTypes },
    responses: { 202: { description: 'It is made, or will be.', schema: exportSchema } },
  } as const
  route(api, definition, async (call) =>
    answer(call, await requestExport(tracedServices(call), call.tenant, call.body), { status: 202 }),
  )
}

function addRead(api: Api): void {
  const definition = {
    method: 'get',
    path,
    operationId: 'getExport',
    tag,
    summary: 'Read how an export is getting on',
    scope: 'records:read',
    params,
    responses: { 200: { description: 'The export.', schema: exportSchema } },
  } as const
  route(api, definition, async (call) => {
    const found = await readExport(call.services, call.tenant, call.params)
    if (!found) throw new CatamaranError('not-found', 'Nobody has asked for this export.')
    return answer(call, found)
  })
}

function addDefinition(api: Api): void {
  const definition = {
    method: 'get',
    path: '/v1/export-tables/{kind}',
    operationId: 'getExportDefinition',
    tag,
    summary: 'SQL that makes all exports of a kind one table elsewhere',
    description:
      'For whoever may read the store itself, in Athena, Synapse serverless or DuckDB. Each day is a partition; those to come need no new statement.',
    scope: 'records:read',
    params: z.strictObject({ kind: kindSchema }),
    query: z.strictObject({ engine: z.enum(sqlEngines), name: tableNameSchema, store: storeSchema }),
    responses: { 200: { description: 'The statements.', schema: z.object({ engine: z.string(), sql: z.string() }) } },
  } as const
  route(api, definition, async (call) => {
    const { services, tenant, query } = call
    const { kind } = call.params
    const { engine, name, store } = query
    const table = {
      name,
      columns: Object.entries(exportColumns[kind]).map(([column, type]) => ({ name: column, type })),
      folder: `${store}/objects/${tenant}`,
      prefix: exportAssetId({ kind, date: '' }),
      // Nothing older can have been exported since, and what was exported earlier may be added by hand.
      since: new Date(services.clock.now() - historyMs - dayMs).toISOString().slice(0, 10),
      ...(kind === 'records' ? { subject: ['collection', 'id'] } : {}),
    }
    return answer(call, { engine, sql: exportDdl(engine, table) })
  })
}

const settingsSchema = z
  .strictObject({ kinds: z.array(kindSchema).max(exportKinds.length) })
  .openapi('ExportSettings', { description: 'None, and days are exported when they are asked for alone.' })

function addSettings(api: Api): void {
  const shared = { path: '/v1/export-settings', tag } as const
  const shown = { 200: { description: 'What is exported each day.', schema: settingsSchema } }
  const read = {
    ...shared,
    method: 'get',
    operationId: 'getExportSettings',
    summary: 'Read what is exported each day',
    scope: 'records:read',
    responses: shown,
  } as const
  route(api, read, async (call) => answer(call, await readExportSettings(call.services, call.tenant)))
  const write = {
    ...shared,
    method: 'put',
    operationId: 'putExportSettings',
    summary: 'Have each day exported',
    description: 'By the site that is asked, or by the other one while that is away.',
    scope: 'records:write',
    body: { schema: settingsSchema, mediaTypes: jsonTypes },
    responses: shown,
  } as const
  route(api, write, async (call) =>
    answer(call, await writeExportSettings(call.services, call.tenant, call.body.kinds)),
  )
}
