import { createHash } from 'node:crypto'
import type { SQLInputValue } from 'node:sqlite'
import { type Json, jsonEqual } from '../../../shared/domain/json.ts'
import { withSystemProperties } from './documents.ts'
import { badRequest } from './errors.ts'
import { hasCompositeIndex } from './indexing.ts'
import { aggregate, aggregateCall } from './query-aggregate.ts'
import { type Position, resumeSql } from './query-resume.ts'
import type { Expression, Query } from './sql-ast.ts'
import { evaluate, type Scope, type Value } from './sql-evaluate.ts'
import { conditionSql, conjuncts, extractSql } from './sql-translate.ts'
import type { Container, CosmosStore, Row } from './store.ts'

export interface QueryRequest {
  readonly query: Query
  readonly parameters: ReadonlyMap<string, Value>
  /** The encoded partition key, or undefined for all partitions. */
  readonly partition: string | undefined
  readonly itemsMax: number
  readonly continuation: string | undefined
}

export interface QueryPage {
  readonly items: Json[]
  readonly continuation: string | undefined
  readonly bytes: number
}

interface Mark extends Position {
  /** Ties the mark to its query: another query must not resume from it. */
  readonly q: string
  /** Documents passed over for OFFSET, and results already given, for TOP and LIMIT. */
  readonly skipped: number
  readonly given: number
}

const pageBytesMax = 4 * 1024 * 1024

function readMark(request: QueryRequest, hash: string): Mark | undefined {
  if (request.continuation === undefined) return undefined
  try {
    const mark = JSON.parse(Buffer.from(request.continuation, 'base64').toString()) as Mark
    if (mark.q === hash) return mark
  } catch {}
  throw badRequest('The continuation token is not one of this query.')
}

function count(expression: Expression | undefined, parameters: QueryRequest['parameters']): number | undefined {
  if (expression === undefined) return undefined
  const value = evaluate(expression, { alias: '', document: undefined, parameters })
  if (typeof value !== 'number' || value < 0 || !Number.isInteger(value))
    throw badRequest('TOP, OFFSET and LIMIT take whole numbers.')
  return value
}

function project(query: Query, document: Value, parameters: QueryRequest['parameters']): Value {
  const scope: Scope = { alias: query.alias, document, parameters }
  const { selection } = query
  if (selection.kind === 'all') return document
  if (selection.kind === 'value') return evaluate(selection.value, scope)
  return Object.fromEntries(
    selection.items.flatMap(({ name, value }) => {
      const result = evaluate(value, scope)
      return result === undefined ? [] : [[name, result]]
    }),
  )
}

interface Scan {
  readonly sql: string
  readonly values: SQLInputValue[]
  readonly residual: readonly Expression[]
}

function scanOf(container: Container, request: QueryRequest, mark: Mark | undefined): Scan {
  const { query, parameters, partition } = request
  if (query.orderBy.length > 1 && !hasCompositeIndex(container.policy, query.orderBy)) {
    throw badRequest('The order by query does not have a corresponding composite index that it can be served from.')
  }
  const where = ['(expires IS NULL OR expires > ?)']
  const values: SQLInputValue[] = [Math.floor(Date.now() / 1000)]
  const residual: Expression[] = []
  const key = partition ?? partitionFromFilter(container, request)
  if (key !== undefined) {
    where.push('pk = ?')
    values.push(key)
  }
  for (const conjunct of conjuncts(query.where?.condition)) {
    const piece = conditionSql(conjunct, { alias: query.alias, parameters })
    if (piece === undefined) residual.push(conjunct)
    else {
      where.push(piece.sql)
      values.push(...piece.values)
    }
  }
  const sort = query.orderBy.map(({ path, descending }) => {
    const sql = extractSql(path)
    if (sql === undefined) throw badRequest(`ORDER BY over ${path.join('.')} is not served.`)
    return { sql, descending }
  })
  // A composite index does not hold documents that lack one of its properties.
  if (sort.length > 1) where.push(...sort.map(({ sql }) => `${sql.replace('json_extract(', 'json_type(')} IS NOT NULL`))
  const resume = resumeSql(sort, mark)
  if (resume !== undefined) {
    where.push(resume.sql)
    values.push(...resume.values)
  }
  const backwards = sort[0]?.descending === true
  const order = [
    ...sort.map(({ sql, descending }) => `${sql}${descending ? ' DESC' : ''}`),
    `seq${backwards ? ' DESC' : ''}`,
  ]
  const columns = ['seq, pk, id, body, etag, ts, lsn', ...sort.map(({ sql }, at) => `${sql} AS o${at}`)]
  return {
    sql: `SELECT ${columns.join(', ')} FROM ${container.table} WHERE ${where.join(' AND ')} ORDER BY ${order.join(', ')}`,
    values,
    residual,
  }
}

/** `c.pk = "x"` names the partition as well as the header does. */
function partitionFromFilter(container: Container, request: QueryRequest): string | undefined {
  const path = container.partitionPaths[0]?.join('/')
  if (container.partitionPaths.length !== 1 || path === undefined) return undefined
  for (const conjunct of conjuncts(request.query.where?.condition)) {
    if (conjunct.kind !== 'binary' || conjunct.operator !== '=') continue
    for (const [side, other] of [
      [conjunct.left, conjunct.right],
      [conjunct.right, conjunct.left],
    ] as const) {
      if (side.kind !== 'path' || side.root !== request.query.alias || side.steps.join('/') !== path) continue
      if (other.kind !== 'literal' && other.kind !== 'parameter') continue
      const value = evaluate(other, { alias: '', document: undefined, parameters: request.parameters })
      if (value !== undefined) return JSON.stringify([value])
    }
  }
  return undefined
}

/** One page of a query's results. Memory follows the page, except for DISTINCT. */
export function runQuery(store: CosmosStore, container: Container, request: QueryRequest): QueryPage {
  const { query, parameters } = request
  const hash = createHash('sha256').update(query.text).digest('base64').slice(0, 12)
  const mark = readMark(request, hash)
  const scan = scanOf(container, request, mark)
  const matching = function* (): Generator<{ row: Row; order: Json[]; document: Json }> {
    for (const raw of store.db.prepare(scan.sql).iterate(...scan.values)) {
      const row = raw as unknown as Row & Record<string, Json>
      const document = JSON.parse(withSystemProperties(container, row)) as Json
      const scope: Scope = { alias: query.alias, document, parameters }
      if (scan.residual.some((condition) => evaluate(condition, scope) !== true)) continue
      yield { row, order: query.orderBy.map((_, at) => row[`o${at}`] ?? null), document }
    }
  }
  const call = aggregateCall(query)
  if (call !== undefined) {
    if (call.name === 'COUNT' && call.counts && scan.residual.length === 0) {
      const total = store.get(`SELECT COUNT(*) AS n FROM (${scan.sql})`, ...scan.values)
      return { items: call.wrap(Number(total?.n)), continuation: undefined, bytes: 64 }
    }
    const value = aggregate(call, matching(), (document) => ({ alias: query.alias, document, parameters }))
    return { items: value === undefined ? [] : call.wrap(value), continuation: undefined, bytes: 64 }
  }
  const offset = count(query.offset, parameters) ?? 0
  const limit = Math.min(count(query.top, parameters) ?? Infinity, count(query.limit, parameters) ?? Infinity)
  const itemsMax = query.distinct ? Number.MAX_SAFE_INTEGER : request.itemsMax
  const items: Json[] = []
  let [skipped, given, bytes] = [mark?.skipped ?? 0, mark?.given ?? 0, 0]
  let position: Position | undefined = mark
  for (const { row, order, document } of matching()) {
    if (given >= limit) return { items, continuation: undefined, bytes }
    if (items.length >= itemsMax || (bytes > pageBytesMax && !query.distinct)) {
      const next: Mark = { q: hash, skipped, given, o: position?.o ?? [], s: position?.s ?? 0 }
      return { items, continuation: Buffer.from(JSON.stringify(next)).toString('base64'), bytes }
    }
    position = { o: order, s: row.seq }
    const result = project(query, document, parameters)
    if (result === undefined || (query.distinct && items.some((item) => jsonEqual(item, result)))) continue
    if (skipped < offset) {
      skipped += 1
      continue
    }
    items.push(result)
    given += 1
    bytes += row.body.length
  }
  return { items, continuation: undefined, bytes }
}
