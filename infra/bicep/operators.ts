import type { Node } from 'web-tree-sitter'
import type { Value } from './value.ts'

/** What is needed to work out an expression's operands. */
export interface Operands {
  evaluate(node: Node): Value
  /** `.name` or `[index]` of a value; `node` is where it stands. */
  postfix(holder: Value, node: Node): Value
  problem(node: Node, text: string): void
}

type Lazy = () => Value
type Token = { readonly kind: 'operator'; readonly text: string } | { readonly kind: 'operand'; readonly read: Lazy }

/** How tightly each operator binds. Source: Bicep operators, operator precedence. */
const precedence: Readonly<Record<string, number>> = {
  '??': 1,
  '||': 2,
  '&&': 3,
  '==': 4,
  '!=': 4,
  '<': 5,
  '<=': 5,
  '>': 5,
  '>=': 5,
  '+': 6,
  '-': 6,
  '*': 7,
  '/': 7,
  '%': 7,
}

export const isOperation = ({ type }: Node): boolean =>
  /^(ternary|unary|binary|member|subscript)_expression$/.test(type)

/**
 * Works out operators. The grammar's tree is not to be trusted with their order (it lets `.name` bind less than `&&`), only
 * with what stands where; so the tree is laid out flat again, and put together by Bicep's own order.
 */
export function evaluateOperation(node: Node, operands: Operands): Value {
  const tokens = flatten(node, operands)
  let next = 0
  const operatorAhead = (): string => {
    const token = tokens[next]
    return token?.kind === 'operator' ? token.text : ''
  }
  const take = (text: string): boolean => {
    if (operatorAhead() !== text) return false
    next++
    return true
  }
  const unary = (): Lazy => {
    if (take('!')) {
      const inner = unary()
      return () => !inner()
    }
    const token = tokens[next++]
    if (token?.kind === 'operand') return token.read
    operands.problem(node, 'an operator without an operand')
    return () => null
  }
  const binary = (least: number): Lazy => {
    let left = unary()
    for (;;) {
      const operator = operatorAhead()
      const binds = precedence[operator]
      if (binds === undefined || binds < least) return left
      next++
      const [first, second] = [left, binary(binds + 1)]
      left = () => apply(operator, first, second)
    }
  }
  const ternary = (): Lazy => {
    const condition = binary(0)
    if (!take('?')) return condition
    const consequence = ternary()
    if (!take(':')) operands.problem(node, 'a condition without an alternative')
    const alternative = ternary()
    return () => (condition() ? consequence() : alternative())
  }
  const read = ternary()
  if (next < tokens.length) operands.problem(node, `the operator ${operatorAhead()} is beyond what is checked here`)
  return read()
}

function flatten(node: Node, operands: Operands): Token[] {
  const part = (name: string): Token[] => {
    const child = node.childForFieldName(name)
    return child ? flatten(child, operands) : []
  }
  const sign = (text: string): Token => ({ kind: 'operator', text })
  switch (node.type) {
    case 'binary_expression':
      return [...part('left'), sign(node.childForFieldName('operator')?.text ?? ''), ...part('right')]
    case 'ternary_expression':
      return [...part('condition'), sign('?'), ...part('consequence'), sign(':'), ...part('alternative')]
    case 'unary_expression':
      return [sign(node.childForFieldName('operator')?.text ?? node.text.slice(0, 1)), ...part('argument')]
    case 'member_expression':
    case 'subscript_expression': {
      const inner = part('object')
      const last = inner.at(-1)
      if (last?.kind !== 'operand') return inner
      return [...inner.slice(0, -1), { kind: 'operand', read: () => operands.postfix(last.read(), node) }]
    }
    default:
      return [{ kind: 'operand', read: () => operands.evaluate(node) }]
  }
}

function apply(operator: string, left: Lazy, right: Lazy): Value {
  const first = left()
  if (operator === '&&') return Boolean(first) && Boolean(right())
  if (operator === '||') return Boolean(first) || Boolean(right())
  if (operator === '??') return first ?? right()
  const second = right()
  const [a, b] = [Number(first), Number(second)]
  const results: Readonly<Record<string, Value>> = {
    '==': first === second,
    '!=': first !== second,
    '<': a < b,
    '<=': a <= b,
    '>': a > b,
    '>=': a >= b,
    '+': a + b,
    '-': a - b,
    '*': a * b,
    '/': Math.trunc(a / b),
    '%': a % b,
  }
  return results[operator] ?? null
}
