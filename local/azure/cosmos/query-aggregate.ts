import type { Json } from '../../../shared/domain/json.ts'
import { badRequest } from './errors.ts'
import type { Expression, Query } from './sql-ast.ts'
import { compareText, evaluate, type Scope, type Value } from './sql-evaluate.ts'
import { aggregateNames } from './sql-functions.ts'

export interface AggregateCall {
  readonly name: string
  readonly argument: Expression
  /** COUNT of something that is never undefined. */
  readonly counts: boolean
  readonly wrap: (value: Json) => Json[]
}

const isAggregate = (value: Expression): value is Expression & { kind: 'call' } =>
  value.kind === 'call' && aggregateNames.includes(value.name)

/** The aggregate of `SELECT VALUE COUNT(1)` or `SELECT COUNT(1) AS n`, if the query is one. */
export function aggregateCall(query: Query): AggregateCall | undefined {
  const { selection } = query
  if (selection.kind === 'all') return undefined
  const calls = selection.kind === 'value' ? [selection] : selection.items
  const found = calls.filter(({ value }) => isAggregate(value))
  if (found.length === 0) return undefined
  const only = found[0]
  if (calls.length > 1 || only === undefined || !isAggregate(only.value)) {
    throw badRequest('Several aggregates, or an aggregate beside a property, are not served by the local server.')
  }
  const [argument] = only.value.args
  if (argument === undefined) throw badRequest(`${only.value.name} takes one argument.`)
  const name = 'name' in only ? String(only.name) : undefined
  return {
    name: only.value.name,
    argument,
    counts: argument.kind === 'literal' || (argument.kind === 'path' && argument.steps.length === 0),
    wrap: (value) => (name === undefined ? [value] : [{ [name]: value }]),
  }
}

/** SUM and AVG of anything but numbers are undefined; MIN and MAX take numbers or text. */
export function aggregate(
  call: AggregateCall,
  documents: Iterable<{ readonly document: Json }>,
  scope: (document: Json) => Scope,
): Value {
  let [count, sum] = [0, 0]
  let allNumbers = true
  let best: Value
  for (const { document } of documents) {
    const value = evaluate(call.argument, scope(document))
    if (value === undefined) continue
    count += 1
    if (typeof value === 'number') sum += value
    else allNumbers = false
    if (best === undefined) best = value
    else if (typeof best === 'number' && typeof value === 'number') {
      best = call.name === 'MIN' ? Math.min(best, value) : Math.max(best, value)
    } else if (typeof best === 'string' && typeof value === 'string') {
      const before = compareText(value, best) < 0
      if (before === (call.name === 'MIN')) best = value
    }
  }
  if (call.name === 'COUNT') return count
  if (call.name === 'MIN' || call.name === 'MAX') return best
  if (!allNumbers) return undefined
  if (call.name === 'SUM') return sum
  return count === 0 ? undefined : sum / count
}
