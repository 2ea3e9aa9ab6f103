import type { Json } from '../../../shared/domain/json.ts'
import type { Expression, PathStep } from './sql-ast.ts'
import { evaluate, type Scope } from './sql-evaluate.ts'

export interface SqlPiece {
  readonly sql: string
  readonly values: (string | number)[]
}

const columns: Record<string, { readonly sql: string; readonly type: 'string' | 'number' }> = {
  id: { sql: 'id', type: 'string' },
  _ts: { sql: 'ts', type: 'number' },
  _etag: { sql: 'etag', type: 'string' },
}

const jsonPath = (steps: readonly PathStep[]): string =>
  `'$${steps
    .map((step) => (typeof step === 'number' ? `[${step}]` : `."${step}"`))
    .join('')
    .replaceAll("'", "''")}'`

/** SQLite's own path syntax cannot carry every member name; such paths are evaluated outside of SQLite. */
const expressible = (steps: readonly PathStep[]): boolean =>
  steps.length > 0 && steps.every((step) => typeof step === 'number' || /^[^"\\\u0000-\u001f]+$/u.test(step))

/** The SQLite expression of a property's value; index definitions and queries must use the very same text. */
export function extractSql(steps: readonly PathStep[]): string | undefined {
  if (!expressible(steps)) return undefined
  const column = steps.length === 1 ? columns[String(steps[0])] : undefined
  if (column !== undefined) return column.sql
  if (steps.length === 1 && ['_rid', '_self', '_attachments', '_lsn'].includes(String(steps[0]))) return undefined
  return `json_extract(body,${jsonPath(steps)})`
}

const typeTest = (steps: readonly PathStep[], types: string): string =>
  `json_type(body,${jsonPath(steps)}) IN (${types})`

/** The least text greater than every text that starts with `prefix`, or undefined when there is none. */
export function afterPrefix(prefix: string): string | undefined {
  const points = [...prefix].map((character) => character.codePointAt(0) ?? 0)
  while (points.length > 0) {
    const last = points.pop() ?? 0
    if (last < 0x10ffff) {
      const next = last + 1 >= 0xd800 && last + 1 <= 0xdfff ? 0xe000 : last + 1
      return String.fromCodePoint(...points, next)
    }
  }
  return undefined
}

const never: SqlPiece = { sql: '0', values: [] }
const swapped: Record<string, string> = { '=': '=', '!=': '!=', '<': '>', '<=': '>=', '>': '<', '>=': '<=' }

function comparison(steps: readonly PathStep[], operator: string, value: Json | undefined): SqlPiece | undefined {
  const sql = extractSql(steps)
  if (sql === undefined) return undefined
  const column = steps.length === 1 ? columns[String(steps[0])] : undefined
  if (typeof value === 'string' || typeof value === 'number') {
    if (column !== undefined)
      return column.type === typeof value ? { sql: `${sql} ${operator} ?`, values: [value] } : never
    const types = typeof value === 'string' ? "'text'" : "'integer','real'"
    return { sql: `(${sql} ${operator} ? AND ${typeTest(steps, types)})`, values: [value] }
  }
  if (column !== undefined || value === undefined) return never
  if (operator !== '=') return undefined
  if (value === null) return { sql: typeTest(steps, "'null'"), values: [] }
  if (typeof value === 'boolean') return { sql: typeTest(steps, `'${value}'`), values: [] }
  return undefined
}

const isConstant = (expression: Expression): boolean =>
  expression.kind === 'literal' ||
  expression.kind === 'parameter' ||
  (expression.kind === 'negate' && isConstant(expression.operand))

function startsWith(steps: readonly PathStep[], prefix: Json | undefined): SqlPiece | undefined {
  if (typeof prefix !== 'string') return undefined
  const from = comparison(steps, '>=', prefix)
  const end = afterPrefix(prefix)
  const to = end === undefined ? { sql: '1', values: [] } : comparison(steps, '<', end)
  if (from === undefined || to === undefined) return undefined
  return { sql: `(${from.sql} AND ${to.sql})`, values: [...from.values, ...to.values] }
}

const join = (pieces: (SqlPiece | undefined)[], word: 'AND' | 'OR'): SqlPiece | undefined => {
  const known = pieces.filter((piece) => piece !== undefined)
  if (known.length < pieces.length) return undefined
  if (known.length === 0) return never
  return {
    sql: `(${known.map((piece) => piece.sql).join(` ${word} `)})`,
    values: known.flatMap((piece) => piece.values),
  }
}

function inList(steps: readonly PathStep[], values: readonly (Json | undefined)[]): SqlPiece | undefined {
  const sql = extractSql(steps)
  if (sql !== undefined && values.length > 0 && values.every((value) => typeof value === 'string')) {
    const marks = values.map(() => '?').join(',')
    const typed = sql === 'id' || sql === 'etag' ? '' : ` AND ${typeTest(steps, "'text'")}`
    return sql === 'ts' ? never : { sql: `(${sql} IN (${marks})${typed})`, values: [...values] }
  }
  return join(
    values.map((value) => comparison(steps, '=', value)),
    'OR',
  )
}

/**
 * The SQLite condition that is true for exactly the documents for which this one is true; undefined when there is
 * none here. It may be false where the language says undefined, so it must not be negated.
 */
export function conditionSql(expression: Expression, scope: Omit<Scope, 'document'>): SqlPiece | undefined {
  const constant = (value: Expression): Json | undefined => evaluate(value, { ...scope, document: undefined })
  const stepsOf = (value: Expression | undefined): readonly PathStep[] | undefined =>
    value?.kind === 'path' && value.root === scope.alias ? value.steps : undefined
  if (expression.kind === 'literal' && expression.value === true) return { sql: '1', values: [] }
  if (expression.kind === 'binary') {
    const { operator, left, right } = expression
    if (operator === 'AND' || operator === 'OR') {
      return join([conditionSql(left, scope), conditionSql(right, scope)], operator)
    }
    const mirrored = swapped[operator]
    if (mirrored === undefined) return undefined
    const leftSteps = stepsOf(left)
    const rightSteps = stepsOf(right)
    if (leftSteps !== undefined && isConstant(right)) return comparison(leftSteps, operator, constant(right))
    if (rightSteps !== undefined && isConstant(left)) return comparison(rightSteps, mirrored, constant(left))
    return undefined
  }
  if (expression.kind === 'between') {
    const steps = stepsOf(expression.operand)
    if (steps === undefined || !isConstant(expression.low) || !isConstant(expression.high)) return undefined
    return join(
      [comparison(steps, '>=', constant(expression.low)), comparison(steps, '<=', constant(expression.high))],
      'AND',
    )
  }
  if (expression.kind === 'in' && !expression.negated && expression.list.every(isConstant)) {
    const steps = stepsOf(expression.operand)
    return steps === undefined ? undefined : inList(steps, expression.list.map(constant))
  }
  if (expression.kind === 'not' && expression.operand.kind === 'call' && expression.operand.name === 'IS_DEFINED') {
    const steps = stepsOf(expression.operand.args[0])
    if (steps === undefined || columns[String(steps[0])] !== undefined || extractSql(steps) === undefined)
      return undefined
    return { sql: `json_type(body,${jsonPath(steps)}) IS NULL`, values: [] }
  }
  if (expression.kind === 'call' && expression.args.length > 0) return callSql(expression, stepsOf, constant)
  return undefined
}

function callSql(
  call: Expression & { kind: 'call' },
  stepsOf: (value: Expression | undefined) => readonly PathStep[] | undefined,
  constant: (value: Expression) => Json | undefined,
): SqlPiece | undefined {
  const steps = stepsOf(call.args[0])
  if (steps === undefined || extractSql(steps) === undefined) return undefined
  if (call.name === 'IS_DEFINED' && columns[String(steps[0])] === undefined) {
    return { sql: `json_type(body,${jsonPath(steps)}) IS NOT NULL`, values: [] }
  }
  const prefix = call.args[1]
  if (call.name === 'STARTSWITH' && call.args.length === 2 && prefix !== undefined && isConstant(prefix)) {
    return startsWith(steps, constant(prefix))
  }
  return undefined
}

/** Cuts a condition at its outermost ANDs. */
export function conjuncts(expression: Expression | undefined): Expression[] {
  if (expression === undefined) return []
  if (expression.kind === 'binary' && expression.operator === 'AND') {
    return [...conjuncts(expression.left), ...conjuncts(expression.right)]
  }
  return [expression]
}
