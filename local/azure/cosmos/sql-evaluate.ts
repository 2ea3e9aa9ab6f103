import { isJsonObject, type Json, jsonEqual } from '../../../shared/domain/json.ts'
import { badRequest } from './errors.ts'
import type { BinaryOperator, Expression, PathStep } from './sql-ast.ts'
import { callFunction, likePattern } from './sql-functions.ts'

export type Value = Json | undefined

export interface Scope {
  readonly alias: string
  readonly document: Value
  readonly parameters: ReadonlyMap<string, Value>
}

export function atPath(value: Value, steps: readonly PathStep[]): Value {
  let at = value
  for (const step of steps) {
    if (typeof step === 'number') at = Array.isArray(at) ? at[step] : undefined
    else at = isJsonObject(at) && Object.hasOwn(at, step) ? at[step] : undefined
  }
  return at
}

/** By Unicode code point, which is the order of UTF-8 bytes. */
export function compareText(a: string, b: string): number {
  return a === b ? 0 : Buffer.compare(Buffer.from(a), Buffer.from(b))
}

const typeName = (value: Json): string => (value === null ? 'null' : Array.isArray(value) ? 'array' : typeof value)

/** Comparing different types is undefined, as is ordering arrays and objects. */
function compare(operator: BinaryOperator, a: Value, b: Value): Value {
  if (a === undefined || b === undefined || typeName(a) !== typeName(b)) return undefined
  if (operator === '=') return jsonEqual(a, b)
  if (operator === '!=') return !jsonEqual(a, b)
  let order: number
  if (typeof a === 'string' && typeof b === 'string') order = compareText(a, b)
  else if (typeof a === 'number' && typeof b === 'number') order = a - b
  else if (typeof a === 'boolean' && typeof b === 'boolean') order = Number(a) - Number(b)
  else if (a === null) order = 0
  else return undefined
  if (operator === '<') return order < 0
  if (operator === '<=') return order <= 0
  return operator === '>' ? order > 0 : order >= 0
}

function arithmetic(operator: BinaryOperator, a: Value, b: Value): Value {
  if (operator === '||') return typeof a === 'string' && typeof b === 'string' ? a + b : undefined
  if (typeof a !== 'number' || typeof b !== 'number') return undefined
  const result = { '+': a + b, '-': a - b, '*': a * b, '/': a / b, '%': a % b }[operator as '+']
  return Number.isFinite(result) ? result : undefined
}

function logical(operator: 'AND' | 'OR', left: Value, right: () => Value): Value {
  const decisive = operator === 'OR'
  if (left === decisive) return decisive
  const other = right()
  if (other === decisive) return decisive
  return typeof left === 'boolean' && typeof other === 'boolean' ? !decisive : undefined
}

function binary(expression: Expression & { kind: 'binary' }, scope: Scope): Value {
  const { operator } = expression
  const left = evaluate(expression.left, scope)
  const right = (): Value => evaluate(expression.right, scope)
  switch (operator) {
    case 'AND':
    case 'OR':
      return logical(operator, left, right)
    case '??':
      return left === undefined ? right() : left
    case '=':
    case '!=':
    case '<':
    case '<=':
    case '>':
    case '>=':
      return compare(operator, left, right())
    case '+':
    case '-':
    case '*':
    case '/':
    case '%':
    case '||':
      return arithmetic(operator, left, right())
  }
}

const negate = (value: Value): Value => (typeof value === 'boolean' ? !value : undefined)

/** The value of an expression for one document; undefined is the language's own undefined. */
export function evaluate(expression: Expression, scope: Scope): Value {
  switch (expression.kind) {
    case 'literal':
      return expression.value
    case 'parameter': {
      if (!scope.parameters.has(expression.name)) throw badRequest(`Parameter ${expression.name} was not given.`)
      return scope.parameters.get(expression.name)
    }
    case 'path':
      if (expression.root !== scope.alias) {
        throw badRequest(`Identifier '${expression.root}' could not be resolved.`)
      }
      return atPath(scope.document, expression.steps)
    case 'binary':
      return binary(expression, scope)
    case 'not':
      return negate(evaluate(expression.operand, scope))
    case 'negate': {
      const value = evaluate(expression.operand, scope)
      return typeof value === 'number' ? -value : undefined
    }
    case 'in': {
      const value = evaluate(expression.operand, scope)
      const found = expression.list.some((item) => compare('=', value, evaluate(item, scope)) === true)
      return expression.negated ? !found : found
    }
    case 'between': {
      const value = evaluate(expression.operand, scope)
      const low = compare('>=', value, evaluate(expression.low, scope))
      return logical('AND', low, () => compare('<=', value, evaluate(expression.high, scope)))
    }
    case 'like': {
      const value = evaluate(expression.operand, scope)
      const pattern = evaluate(expression.pattern, scope)
      if (typeof value !== 'string' || typeof pattern !== 'string') return undefined
      return likePattern(pattern).test(value) !== expression.negated
    }
    case 'call':
      return callFunction(
        expression.name,
        expression.args.map((arg) => evaluate(arg, scope)),
      )
    case 'array':
      return expression.items.map((item) => evaluate(item, scope)).filter((item) => item !== undefined)
    case 'object':
      return Object.fromEntries(
        expression.members.flatMap(({ name, value }) => {
          const result = evaluate(value, scope)
          return result === undefined ? [] : [[name, result]]
        }),
      )
  }
}
