import type { Node } from 'web-tree-sitter'
import { evaluate, type Scope } from './expression.ts'
import { isFields, isList, textOf, type Value } from './value.ts'

/** A parameter of a Bicep file, with what its decorators ask of it. */
export interface Parameter {
  readonly name: string
  readonly type: string
  readonly fallback: (() => Value) | undefined
  readonly limits: Readonly<Record<string, Value>>
}

export function parameterOf(node: Node, decorators: Node | undefined, scope: Scope): Parameter {
  const [name, type, fallback] = node.namedChildren
  const calls = decorators?.namedChildren.map((decorator) => decorator.namedChildren[0]) ?? []
  const limits = calls.flatMap((call) => {
    const [argument] = call?.childForFieldName('arguments')?.namedChildren ?? []
    return call && argument
      ? [[call.childForFieldName('function')?.text ?? '', evaluate(argument, scope)] as const]
      : []
  })
  return {
    name: name?.text ?? '',
    type: type?.text ?? '',
    fallback: fallback && (() => evaluate(fallback, scope)),
    limits: Object.fromEntries(limits),
  }
}

/** Why a value cannot be a parameter's, if so. */
export function valueProblem({ name, type, limits }: Parameter, value: Value | undefined): string | undefined {
  if (value === undefined) return `the parameter ${name} is not given`
  if (typeOf(value) !== type) return `the parameter ${name} is ${typeOf(value)}, not ${type}`
  const { allowed, minLength, maxLength, minValue, maxValue } = limits
  if (isList(allowed) && !allowed.includes(value)) return `${name} may not be ${textOf(value)}`
  const size = typeof value === 'string' || isList(value) ? value.length : Number(value)
  const [least, most] = [minLength ?? minValue, maxLength ?? maxValue]
  if (typeof least === 'number' && size < least) return `${name} is less than ${least}`
  if (typeof most === 'number' && size > most) return `${name} is more than ${most}`
  return undefined
}

function typeOf(value: Value): string {
  if (isList(value)) return 'array'
  if (typeof value === 'number') return 'int'
  if (typeof value === 'boolean') return 'bool'
  return isFields(value) ? 'object' : typeof value
}
