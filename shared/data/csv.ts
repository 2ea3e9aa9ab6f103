import { Readable } from 'node:stream'
import { parse, type Info, type Parser } from 'csv-parse'
import { CatamaranError } from '../domain/errors.ts'
import type { JsonObject } from '../domain/json.ts'
import { detectDelimiter } from './delimiter.ts'
import { headerNames, looksLikeHeader } from './header.ts'
import { columnsMax, rowBytesMax, type ColumnTypes, type RowItem } from './row.ts'
import { valueOf, type ColumnType } from './types.ts'

const headCharacters = 64 * 1024

interface ParsedRecord {
  readonly record: readonly string[]
  readonly info: Info
}

/** Rows of delimited text with a header (RFC 4180, read leniently). A row of another width than the header is reported. */
export async function* csvRows(
  text: AsyncIterable<string>,
  options: { readonly delimiter?: string; readonly types?: ColumnTypes },
): AsyncGenerator<RowItem> {
  const { head, all } = await withHead(text)
  const skipped: RowItem[] = []
  const parser = csvParser(options.delimiter ?? detectDelimiter(head) ?? ',', skipped)
  const input = Readable.from(all)
  input.on('error', (error) => parser.destroy(error))
  let columns: Column[] | undefined
  try {
    for await (const { record, info } of input.pipe(parser) as AsyncIterable<ParsedRecord>) {
      const line = info.lines - lineEndsIn(record)
      // The parser reads ahead: what it skipped may lie behind this row.
      while ((skipped[0]?.line ?? Infinity) < line) yield skipped.shift() as RowItem
      if (columns) yield rowOf(record, columns, line)
      else {
        if (record.length > columnsMax)
          throw new CatamaranError('invalid-media', `The file has more than ${columnsMax} columns`)
        const header = looksLikeHeader(record)
        columns = columnsOf(header ? headerNames(record) : headerNames(record.map(() => '')), options.types)
        if (!header) yield rowOf(record, columns, line)
      }
    }
    yield* skipped
  } finally {
    input.destroy()
    parser.destroy()
  }
}

const lineEndsIn = (record: readonly string[]): number => {
  let ends = 0
  for (const cell of record) for (let at = cell.indexOf('\n'); at >= 0; at = cell.indexOf('\n', at + 1)) ends++
  return ends
}

interface Column {
  readonly name: string
  readonly type: ColumnType
}

const columnsOf = (names: readonly string[], types: ColumnTypes | undefined): Column[] =>
  names.map((name) => ({ name, type: (types && Object.hasOwn(types, name) && types[name]) || 'string' }))

function csvParser(delimiter: string, skipped: RowItem[]): Parser {
  return parse({
    delimiter,
    info: true,
    relax_column_count: true,
    relax_quotes: true,
    skip_empty_lines: true,
    skip_records_with_error: true,
    max_record_size: rowBytesMax,
    on_skip: (error) => {
      const line = typeof error?.lines === 'number' ? error.lines : 0
      skipped.push({ line, error: (error?.message ?? 'The row cannot be read').slice(0, 200) })
      return undefined
    },
  })
}

function rowOf(record: readonly string[], columns: readonly Column[], line: number): RowItem {
  if (record.length !== columns.length) {
    return { line, error: `The row has ${record.length} fields, the header has ${columns.length}` }
  }
  const row: JsonObject = {}
  for (let index = 0; index < columns.length; index++) {
    const column = columns[index] as Column
    const value = valueOf((record[index] ?? '').trim(), column.type)
    // A column may be named as an inherited member is: define, never assign.
    if (column.name === '__proto__')
      Object.defineProperty(row, column.name, { value, enumerable: true, configurable: true, writable: true })
    else row[column.name] = value
  }
  return { line, row }
}

/** The first characters, and the whole text all the same. */
async function withHead(text: AsyncIterable<string>): Promise<{ head: string; all: AsyncGenerator<string> }> {
  const iterator = text[Symbol.asyncIterator]()
  let head = ''
  while (head.length < headCharacters) {
    const next = await iterator.next()
    if (next.done) break
    head += next.value
  }
  return { head, all: resumed(head, iterator) }
}

async function* resumed(head: string, rest: AsyncIterator<string>): AsyncGenerator<string> {
  try {
    if (head !== '') yield head
    for (let next = await rest.next(); !next.done; next = await rest.next()) yield next.value
  } finally {
    await rest.return?.()
  }
}
