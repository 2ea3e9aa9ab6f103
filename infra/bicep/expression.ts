import type { Node } from 'web-tree-sitter'
import { functions } from './functions.ts'
import { evaluateOperation, isOperation, type Operands } from './operators.ts'
import { runtimeProperties } from './runtime-properties.ts'
import { lineOf } from './syntax.ts'
import { type Fields, isFields, isList, Resource, textOf, type Value } from './value.ts'

/** What the names in an expression stand for. */
export interface Scope {
  lookUp(name: string, node: Node): Value
  /** Text of a file named relative to the one that is being read. */
  load(path: string, node: Node): string
  problem(node: Node, text: string): void
  /** A resource declared within the body of another. */
  nested(node: Node): void
}

export function evaluate(node: Node, scope: Scope): Value {
  if (isOperation(node)) return evaluateOperation(node, operandsIn(scope))
  switch (node.type) {
    case 'boolean':
      return node.text === 'true'
    case 'null':
      return null
    case 'number':
      return Number(node.text)
    case 'string':
      return evaluateText(node, scope)
    case 'identifier':
      return scope.lookUp(node.text, node)
    case 'array':
      return node.namedChildren.filter(({ type }) => type !== 'comment').map((item) => evaluate(item, scope))
    case 'object':
      return evaluateObject(node, scope)
    case 'for_statement':
      return evaluateFor(node, scope, evaluate)
    case 'parenthesized_expression':
      return evaluate(only(node), scope)
    case 'call_expression':
      return evaluateCall(node, scope)
    default:
      scope.problem(node, `${node.type} is beyond the part of Bicep that is checked here`)
      return null
  }
}

export function field(node: Node, name: string): Node {
  const child = node.childForFieldName(name)
  if (!child) throw new Error(`Line ${lineOf(node)}: ${node.type} without ${name}`)
  return child
}

export const only = (node: Node): Node => {
  const child = node.namedChildren.find(({ type }) => type !== 'comment')
  if (!child) throw new Error(`Line ${lineOf(node)}: ${node.type} holds nothing`)
  return child
}

const escapes: Readonly<Record<string, string>> = { n: '\n', r: '\r', t: '\t' }
const unescaped = (text: string): string => text.replace(/\\(.)/g, (_, letter: string) => escapes[letter] ?? letter)

/** From the source itself: the tree counts the spaces before an interpolation as part of it. */
function evaluateText(node: Node, scope: Scope): string {
  const quotes = node.text.startsWith("'''") ? 3 : 1
  const plain = quotes === 3 ? (text: string): string => text.replace(/^\n/, '') : unescaped
  const pieces: string[] = []
  let from = quotes
  for (const piece of node.namedChildren) {
    if (piece.type !== 'interpolation') continue
    pieces.push(plain(node.text.slice(from, piece.startIndex - node.startIndex + piece.text.indexOf('${'))))
    pieces.push(textOf(evaluate(only(piece), scope)))
    from = piece.endIndex - node.startIndex
  }
  return [...pieces, plain(node.text.slice(from, -quotes))].join('')
}

function evaluateObject(node: Node, scope: Scope): Fields {
  const fields: Record<string, Value> = {}
  for (const property of node.namedChildren) {
    if (property.type !== 'object_property') continue
    const [key, value] = property.namedChildren.filter(({ type }) => type !== 'comment')
    if (key?.type === 'resource_declaration') scope.nested(key)
    else if (key && value) {
      const name = key.type === 'string' ? evaluateText(key, scope) : key.text
      if (name in fields) scope.problem(key, `${name} is given twice`)
      fields[name] = evaluate(value, scope)
    }
  }
  return fields
}

/** `[for item in list: body]` or `[for (item, index) in list: body]`. */
export function evaluateFor<Item>(node: Node, scope: Scope, each: (body: Node, scope: Scope) => Item): Item[] {
  const initial = node.childForFieldName('initializer')
  const parameters = node.namedChildren.find(({ type }) => type === 'for_loop_parameters')
  const [name, indexName] = initial ? [initial.text] : (parameters?.namedChildren.map(({ text }) => text) ?? [])
  const body = field(node, 'body')
  const from = node.namedChildren.find(
    ({ id, type }) => id !== initial?.id && id !== parameters?.id && type !== 'comment',
  )
  const items = from ? evaluate(from, scope) : null
  if (!isList(items)) {
    scope.problem(node, 'a loop over what is no list')
    return []
  }
  return items.map((item, index) => {
    const lookUp: Scope['lookUp'] = (wanted, at) => {
      if (wanted === name) return item
      return wanted === indexName ? index : scope.lookUp(wanted, at)
    }
    return each(body, { ...scope, lookUp })
  })
}

const operandsIn = (scope: Scope): Operands => ({
  evaluate: (node) => evaluate(node, scope),
  postfix: (holder, node) => {
    if (node.type === 'member_expression') return member(holder, field(node, 'property').text, node, scope)
    return itemAt(holder, evaluate(field(node, 'index'), scope), node, scope)
  },
  problem: (node, text) => scope.problem(node, text),
})

function evaluateCall(node: Node, scope: Scope): Value {
  const name = field(node, 'function').text
  const given = field(node, 'arguments').namedChildren.filter(({ type }) => type !== 'comment')
  const args = given.map((argument) => evaluate(argument, scope))
  if (name === 'loadTextContent') return scope.load(textOf(args[0] ?? ''), node)
  if (name === 'loadJsonContent') return JSON.parse(scope.load(textOf(args[0] ?? ''), node)) as Value
  const call = functions[name]
  if (!call) scope.problem(node, `there is no function ${name} here`)
  return call?.(args) ?? null
}

function itemAt(holder: Value, index: Value, node: Node, scope: Scope): Value {
  if (isFields(holder) && unfinished in holder) return member(holder, textOf(index), node, scope)
  const found = isList(holder) ? holder[Number(index)] : isFields(holder) ? holder[textOf(index)] : undefined
  if (found === undefined) scope.problem(node, `nothing is at ${node.text}`)
  return found ?? null
}

/** A part of what only Azure knows, while its path is being read. */
const unfinished = Symbol('unfinished')
interface Unfinished extends Fields {
  readonly [unfinished]: { readonly resource: Resource; readonly path: string }
}

function member(holder: Value, name: string, node: Node, scope: Scope): Value {
  if (holder instanceof Resource) {
    if (name === 'id' || name === 'name' || name === 'type')
      return name === 'name' ? textOf(holder.at('name') ?? '') : holder[name]
    return runtime(holder, name, node, scope)
  }
  if (isFields(holder) && unfinished in holder) {
    const { resource, path } = (holder as Unfinished)[unfinished]
    return runtime(resource, `${path}.${name}`, node, scope)
  }
  const found = isFields(holder) ? holder[name] : undefined
  if (found === undefined) scope.problem(node, `${node.text} does not exist`)
  return found ?? null
}

function runtime(resource: Resource, path: string, node: Node, scope: Scope): Value {
  if (resource.type === 'module') {
    if (path === 'outputs') return resource.at('outputs') ?? {}
    scope.problem(node, `a module has no ${path}`)
    return null
  }
  const known = runtimeProperties[resource.type] ?? {}
  const made = known[path]?.(resource)
  if (made !== undefined) return made
  if (Object.keys(known).some((other) => other.startsWith(`${path}.`))) {
    return { [unfinished]: { resource, path } } as unknown as Unfinished
  }
  scope.problem(node, `${resource.type} has no ${path} that is known to exist`)
  return null
}
