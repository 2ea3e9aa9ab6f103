import { badRequest, type CosmosError } from './errors.ts'
import type { Expression, PathStep, Projection, Query, Selection, SortKey } from './sql-ast.ts'
import { ExpressionParser } from './sql-expression-parser.ts'
import { tokenize } from './sql-lexer.ts'

const unsupported = (what: string): CosmosError => badRequest(`${what} is not served by the local Cosmos DB server.`)

function selection(parser: ExpressionParser): Selection {
  if (parser.takeSymbol('*')) return { kind: 'all' }
  if (parser.takeWord('VALUE')) {
    const start = parser.peek().start
    const value = parser.expression()
    return { kind: 'value', value, span: { start, end: parser.previousEnd() } }
  }
  const items: Projection[] = []
  do {
    const start = parser.peek().start
    const value = parser.expression()
    const span = { start, end: parser.previousEnd() }
    const aliased = parser.takeWord('AS')
    const next = parser.peek()
    let name: string | undefined
    if (aliased || (next.kind === 'word' && !['FROM', 'WHERE', 'ORDER'].includes(next.text.toUpperCase()))) {
      name = parser.word()
    }
    items.push({ name: name ?? defaultName(value, items.length), value, span })
  } while (parser.takeSymbol(','))
  return { kind: 'list', items }
}

function defaultName(value: Expression, index: number): string {
  if (value.kind !== 'path') return `$${index + 1}`
  const last = value.steps.at(-1)
  return last === undefined ? value.root : String(last)
}

function sortKeys(parser: ExpressionParser, alias: string): SortKey[] {
  const keys: SortKey[] = []
  do {
    const start = parser.peek().start
    const value = parser.expression()
    const span = { start, end: parser.previousEnd() }
    if (value.kind !== 'path' || value.root !== alias || value.steps.length === 0) {
      throw badRequest('Unsupported ORDER BY clause. ORDER BY item expression could not be mapped to a document path.')
    }
    const descending = parser.takeWord('DESC')
    if (!descending) parser.takeWord('ASC')
    keys.push({ path: value.steps as PathStep[], descending, span })
  } while (parser.takeSymbol(','))
  return keys
}

function from(parser: ExpressionParser): string {
  const source = parser.word()
  if (parser.takeWord('IN')) throw unsupported('FROM ... IN')
  let alias = source
  if (parser.takeWord('AS')) alias = parser.word()
  else {
    const next = parser.peek()
    if (next.kind === 'word' && !['WHERE', 'ORDER', 'JOIN', 'OFFSET', 'GROUP'].includes(next.text.toUpperCase())) {
      alias = parser.word()
    }
  }
  if (parser.takeWord('JOIN')) throw unsupported('JOIN')
  return alias
}

/** Parses one SELECT of the NoSQL query language. Throws 400 (sub status 0) for what cannot be read or is not served. */
export function parseQuery(text: string): Query {
  const parser = new ExpressionParser(tokenize(text))
  if (!parser.takeWord('SELECT')) throw parser.unexpected()
  const distinct = parser.takeWord('DISTINCT')
  const top = parser.takeWord('TOP') ? parser.primary() : undefined
  const selected = selection(parser)
  const alias = parser.takeWord('FROM') ? from(parser) : 'c'
  let where: Query['where']
  if (parser.takeWord('WHERE')) {
    const start = parser.peek().start
    const condition = parser.expression()
    where = { condition, span: { start, end: parser.previousEnd() } }
  }
  if (parser.takeWord('GROUP')) throw unsupported('GROUP BY')
  let orderBy: SortKey[] = []
  let orderBySpan: Query['orderBySpan']
  if (parser.takeWord('ORDER')) {
    if (!parser.takeWord('BY')) throw parser.unexpected()
    const start = parser.peek().start
    orderBy = sortKeys(parser, alias)
    orderBySpan = { start, end: parser.previousEnd() }
  }
  let offset: Expression | undefined
  let limit: Expression | undefined
  if (parser.takeWord('OFFSET')) {
    offset = parser.primary()
    if (!parser.takeWord('LIMIT')) throw parser.unexpected()
    limit = parser.primary()
  }
  if (parser.peek().kind !== 'end') throw parser.unexpected()
  return { text, alias, distinct, top, selection: selected, where, orderBy, orderBySpan, offset, limit }
}
