import { badRequest, type CosmosError } from './errors.ts'
import type { BinaryOperator, Expression, PathStep } from './sql-ast.ts'
import type { Token } from './sql-lexer.ts'

/** Loosest first. AND binds BETWEEN's own AND at the comparison level, so it never reaches this table. */
const levels: readonly (readonly string[])[] = [
  ['??'],
  ['OR'],
  ['AND'],
  ['=', '!=', '<>', '<', '<=', '>', '>='],
  ['||'],
  ['+', '-'],
  ['*', '/', '%'],
]
const comparisonLevel = 3
const nestingMax = 100

/** A recursive-descent parser of scalar expressions over a token list. */
export class ExpressionParser {
  readonly #tokens: readonly Token[]
  #at = 0
  #depth = 0

  constructor(tokens: readonly Token[]) {
    this.#tokens = tokens
  }

  peek(): Token {
    const token = this.#tokens[this.#at] ?? this.#tokens.at(-1)
    if (token === undefined) throw badRequest('Syntax error: empty query.')
    return token
  }

  next(): Token {
    const token = this.peek()
    this.#at += 1
    return token
  }

  previousEnd(): number {
    return this.#tokens[this.#at - 1]?.end ?? 0
  }

  unexpected(): CosmosError {
    const token = this.peek()
    const near = token.kind === 'end' ? 'end of query' : token.text
    return badRequest(`Syntax error, incorrect syntax near '${near}' at ${token.start}.`)
  }

  #isWord(word: string): boolean {
    const token = this.peek()
    return token.kind === 'word' && token.text.toUpperCase() === word
  }

  takeWord(word: string): boolean {
    const found = this.#isWord(word)
    if (found) this.#at += 1
    return found
  }

  takeSymbol(symbol: string): boolean {
    const token = this.peek()
    const found = token.kind === 'symbol' && token.text === symbol
    if (found) this.#at += 1
    return found
  }

  #expectSymbol(symbol: string): void {
    if (!this.takeSymbol(symbol)) throw this.unexpected()
  }

  word(): string {
    if (this.peek().kind !== 'word') throw this.unexpected()
    return this.next().text
  }

  expression(level = 0): Expression {
    if (level >= levels.length) return this.#unary()
    if (level === 0) {
      this.#depth += 1
      if (this.#depth > nestingMax) throw badRequest('The query is nested too deeply.')
    }
    let left: Expression
    if (level === comparisonLevel && this.#isWord('NOT')) {
      this.next()
      left = { kind: 'not', operand: this.expression(comparisonLevel) }
    } else left = this.expression(level + 1)
    if (level === comparisonLevel) left = this.#predicateTail(left)
    for (;;) {
      const operator = this.#takeOperator(levels[level] ?? [])
      if (operator === undefined) break
      left = { kind: 'binary', operator, left, right: this.expression(level + 1) }
    }
    if (level === 0) this.#depth -= 1
    return left
  }

  #takeOperator(operators: readonly string[]): BinaryOperator | undefined {
    const token = this.peek()
    if (token.kind !== 'symbol' && token.kind !== 'word') return undefined
    const text = token.text.toUpperCase()
    if (!operators.includes(text)) return undefined
    this.next()
    return (text === '<>' ? '!=' : text) as BinaryOperator
  }

  #predicateTail(operand: Expression): Expression {
    const negated = this.#isWord('NOT')
    const mark = this.#at
    if (negated) this.next()
    if (this.takeWord('IN')) {
      this.#expectSymbol('(')
      return { kind: 'in', operand, list: this.#list(')'), negated }
    }
    if (this.takeWord('LIKE')) return { kind: 'like', operand, pattern: this.expression(comparisonLevel + 1), negated }
    if (this.takeWord('BETWEEN')) {
      const low = this.expression(comparisonLevel + 1)
      if (!this.takeWord('AND')) throw this.unexpected()
      const between: Expression = { kind: 'between', operand, low, high: this.expression(comparisonLevel + 1) }
      return negated ? { kind: 'not', operand: between } : between
    }
    this.#at = mark
    return operand
  }

  #list(close: string): Expression[] {
    const items: Expression[] = []
    if (this.takeSymbol(close)) return items
    do items.push(this.expression())
    while (this.takeSymbol(','))
    this.#expectSymbol(close)
    return items
  }

  #unary(): Expression {
    if (this.takeSymbol('-')) return { kind: 'negate', operand: this.#unary() }
    if (this.takeSymbol('+')) return this.#unary()
    return this.primary()
  }

  primary(): Expression {
    const token = this.next()
    if (token.kind === 'number') return { kind: 'literal', value: Number(token.text) }
    if (token.kind === 'string') return { kind: 'literal', value: token.text }
    if (token.kind === 'parameter') return { kind: 'parameter', name: token.text }
    if (token.kind === 'word') return this.#word(token.text)
    if (token.kind === 'symbol' && token.text === '(') {
      const inner = this.expression()
      this.#expectSymbol(')')
      return inner
    }
    if (token.kind === 'symbol' && token.text === '[') return { kind: 'array', items: this.#list(']') }
    if (token.kind === 'symbol' && token.text === '{') return this.#object()
    this.#at -= 1
    throw this.unexpected()
  }

  #object(): Expression {
    const members: { name: string; value: Expression }[] = []
    if (this.takeSymbol('}')) return { kind: 'object', members }
    do {
      const name = this.next()
      if (name.kind !== 'string' && name.kind !== 'word') throw this.unexpected()
      this.#expectSymbol(':')
      members.push({ name: name.text, value: this.expression() })
    } while (this.takeSymbol(','))
    this.#expectSymbol('}')
    return { kind: 'object', members }
  }

  #word(text: string): Expression {
    const lower = text.toLowerCase()
    if (lower === 'true' || lower === 'false') return { kind: 'literal', value: lower === 'true' }
    if (lower === 'null') return { kind: 'literal', value: null }
    if (lower === 'undefined') return { kind: 'literal', value: undefined }
    if (this.takeSymbol('(')) return { kind: 'call', name: text.toUpperCase(), args: this.#list(')') }
    const steps: PathStep[] = []
    for (;;) {
      if (this.takeSymbol('.')) steps.push(this.word())
      else if (this.takeSymbol('[')) {
        const step = this.next()
        if (step.kind === 'number') steps.push(Number(step.text))
        else if (step.kind === 'string') steps.push(step.text)
        else throw this.unexpected()
        this.#expectSymbol(']')
      } else break
    }
    return { kind: 'path', root: text, steps }
  }
}
