import type { Json, JsonObject } from '../../../shared/domain/json.ts'
import { evaluate, type Value } from './sql-evaluate.ts'
import type { Query, Span } from './sql-ast.ts'

const placeholder = '{documentdb-formattableorderbyquery-filter}'

/**
 * What the gateway answers to `x-ms-cosmos-is-query-plan-request`: how the client is to spread a query over partition
 * ranges. Sorted queries are rewritten so that the client can merge; all others it may send on as they are, since here
 * one range holds everything.
 */
export function queryPlan(query: Query, parameters: ReadonlyMap<string, Value>): JsonObject {
  const sorted = query.orderBy.length > 0
  const number = (value: Query['top']): Json => {
    const result = value === undefined ? undefined : evaluate(value, { alias: '', document: undefined, parameters })
    return sorted ? (result ?? null) : null
  }
  return {
    partitionedQueryExecutionInfoVersion: 2,
    queryInfo: {
      distinctType: 'None',
      top: number(query.top),
      offset: number(query.offset),
      limit: number(query.limit),
      orderBy: query.orderBy.map(({ descending }) => (descending ? 'Descending' : 'Ascending')),
      orderByExpressions: query.orderBy.map(({ span }) => query.text.slice(span.start, span.end)),
      groupByExpressions: [],
      groupByAliases: [],
      aggregates: [],
      groupByAliasToAggregateType: {},
      rewrittenQuery: sorted ? rewritten(query) : '',
      hasSelectValue: query.selection.kind === 'value',
      hasNonStreamingOrderBy: false,
    },
    queryRanges: [{ min: '', max: 'FF', isMinInclusive: true, isMaxInclusive: false }],
  }
}

function rewritten(query: Query): string {
  const text = (span: Span): string => query.text.slice(span.start, span.end)
  const items = query.orderBy.map(({ span }) => `{"item": ${text(span)}}`).join(', ')
  const { selection } = query
  let payload = query.alias
  if (selection.kind === 'value') payload = text(selection.span)
  if (selection.kind === 'list') {
    payload = `{${selection.items.map(({ name, span }) => `${JSON.stringify(name)}: ${text(span)}`).join(', ')}}`
  }
  const filter = query.where === undefined ? placeholder : `(${text(query.where.span)}) AND (${placeholder})`
  const order = query.orderBySpan === undefined ? '' : text(query.orderBySpan)
  return (
    `SELECT ${query.alias}._rid, [${items}] AS orderByItems, ${payload} AS payload ` +
    `FROM ${query.alias} WHERE ${filter} ORDER BY ${order}`
  )
}
