import * as z from '../zod.ts'
import { parquetOf, queryTables } from '../../core/analytics-query.ts'
import { tableColumns } from '../../core/media-columns.ts'
import { sqlEngines, tableDdl } from '../../data/table-ddl.ts'
import { CatamaranError } from '../../domain/errors.ts'
import type { Api } from '../api.ts'
import { answer } from '../answer.ts'
import { jsonTypes, route } from '../route.ts'
import { assetIdSchema } from '../schemas/assets.ts'
import { jsonSchema } from '../schemas/common.ts'
import { storeSchema, tableNameSchema } from '../schemas/tables.ts'
import { assetParams, assetPath } from './assets.ts'

const tag = 'Analytics'
const sqlCharactersMax = 10_000
const tablesMax = 10
const rowsMax = 5_000

const querySchema = z
  .strictObject({
    sql: z
      .string()
      .min(1)
      .max(sqlCharactersMax)
      .openapi({ example: 'SELECT country, count(*) FROM cities GROUP BY 1' }),
    tables: z
      .record(tableNameSchema, assetIdSchema)
      .refine((tables) => Object.keys(tables).length <= tablesMax, `At most ${tablesMax} tables.`)
      .openapi({
        description: 'Ids of data files, or of exports, by the names that the query gives them.',
        example: { cities: 'a1' },
      }),
    limit: z.number().int().min(1).max(rowsMax).default(1_000),
  })
  .openapi('AnalyticsQuery')

const resultSchema = z
  .object({
    columns: z.array(z.object({ name: z.string(), type: z.string() })),
    rows: z.array(z.array(jsonSchema)),
    truncated: z.boolean().openapi({ description: 'There would have been more rows.' }),
  })
  .openapi('AnalyticsResult')

export function addAnalyticsRoutes(api: Api): void {
  addQuery(api)
  addDefinition(api)
}

function addQuery(api: Api): void {
  const definition = {
    method: 'post',
    path: '/v1/analytics/query',
    operationId: 'queryTables',
    tag,
    summary: 'Query data files with SQL',
    description:
      'One SELECT (DuckDB) over the Parquet copies of up to ten data files, 256 MiB together, in 15 seconds. It sees those tables and nothing else. A site without an engine of its own answers 503: there, Athena or Synapse query the same files by the statements that `table-definition` gives.',
    scope: 'assets:read',
    body: { schema: querySchema, mediaTypes: jsonTypes },
    responses: { 200: { description: 'What the query found.', schema: resultSchema } },
  } as const
  route(api, definition, async (call) => {
    const { analytics } = api.options
    if (!analytics) throw new CatamaranError('unavailable', 'This site has no query engine of its own.')
    const { sql, tables, limit } = call.body
    const query = { sql, tables, rowsMax: limit }
    const { signal } = call.c.req.raw
    return answer(call, await queryTables(call.services, analytics, call.tenant, { query, signal }))
  })
}

function addDefinition(api: Api): void {
  const definition = {
    method: 'get',
    path: `${assetPath}/table-definition`,
    operationId: 'getTableDefinition',
    tag,
    summary: 'SQL that makes the rows a table elsewhere',
    description: 'For whoever may read the store itself, in Athena, Synapse serverless or DuckDB.',
    scope: 'assets:read',
    params: assetParams,
    query: z.strictObject({
      engine: z.enum(sqlEngines),
      name: tableNameSchema.openapi({ description: 'Of the view that is made.' }),
      store: storeSchema,
    }),
    responses: {
      200: { description: 'The statements.', schema: z.object({ engine: z.string(), sql: z.string() }) },
    },
  } as const
  route(api, definition, async (call) => {
    const { services, tenant, params, query } = call
    const { engine, name, store } = query
    const { rendition, media } = await parquetOf(services, tenant, params.id)
    const url = `${store}/${rendition.objectKey}`
    return answer(call, { engine, sql: tableDdl(engine, { name, columns: tableColumns(media), url }) })
  })
}
