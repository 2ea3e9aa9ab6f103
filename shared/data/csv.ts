import { Readable } from 'node:stream'
import { CatamaranError } from '../domain/errors.ts'
import type { JsonObject } from '../domain/json.ts'
import { headerNames, looksLikeHeader } from './header.ts'
import { type CutRecord, RecordParser } from './record-parser.ts'
import { cellRow } from './row-fault.ts'
import { columnsMax, rowBytesMax, type ColumnTypes, type RowItem } from './row.ts'
import { valueOf, type ColumnType } from './types.ts'

/**
 * Rows of delimited text with a header (RFC 4180, read leniently), in UTF-8 or decoded. A row of another width than the
 * header is reported.
 */
export async function* csvBatches(
  content: AsyncIterable<string | Uint8Array>,
  options: { readonly delimiter: string; readonly types?: ColumnTypes },
): AsyncGenerator<RowItem[]> {
  const parser = new RecordParser({
    delimiter: options.delimiter,
    bom: true,
    relax_column_count: true,
    relax_quotes: true,
    skip_empty_lines: true,
    skip_records_with_error: true,
    max_record_size: rowBytesMax,
  })
  const input = Readable.from(content)
  input.on('error', (error) => parser.destroy(error))
  const reader = rowReader(options.types)
  try {
    for await (const records of input.pipe(parser) as AsyncIterable<CutRecord[]>) {
      const batch = records.flatMap((record) => reader(record) ?? [])
      if (batch.length > 0) yield batch
    }
  } finally {
    input.destroy()
    parser.destroy()
  }
}

interface Columns {
  readonly names: readonly string[]
  readonly types: readonly ColumnType[]
  readonly namesLength: number
}

/** Takes records in their order; the first gives the columns, and is a row itself when it looks like one. */
function rowReader(types: ColumnTypes | undefined): (record: CutRecord) => RowItem | undefined {
  let columns: Columns | undefined
  return (record) => {
    if (!('cells' in record)) return record
    const { cells, lastLine } = record
    const line = lastLine - lineEndsIn(cells)
    if (columns) return rowOf(cells, columns, line)
    if (cells.length > columnsMax)
      throw new CatamaranError('invalid-media', `The file has more than ${columnsMax} columns`)
    const header = looksLikeHeader(cells)
    columns = columnsOf(header ? headerNames(cells) : headerNames(cells.map(() => '')), types)
    return header ? undefined : rowOf(cells, columns, line)
  }
}

const columnsOf = (names: readonly string[], types: ColumnTypes | undefined): Columns => ({
  names,
  types: names.map((name) => (types && Object.hasOwn(types, name) && types[name]) || 'string'),
  namesLength: names.reduce((sum, name) => sum + name.length + 4, 0),
})

function lineEndsIn(cells: readonly string[]): number {
  let ends = 0
  for (const cell of cells) for (let at = cell.indexOf('\n'); at >= 0; at = cell.indexOf('\n', at + 1)) ends++
  return ends
}

function rowOf(cells: readonly string[], { names, types, namesLength }: Columns, line: number): RowItem {
  if (cells.length !== names.length) {
    return { line, error: `The row has ${cells.length} fields, the header has ${names.length}` }
  }
  const row: JsonObject = {}
  let length = namesLength
  for (let index = 0; index < names.length; index++) {
    const name = names[index] as string
    const cell = cells[index] as string
    length += cell.length
    const value = valueOf(cell.trim(), types[index] as ColumnType)
    // A column may be named as an inherited member is: define, never assign.
    if (name === '__proto__')
      Object.defineProperty(row, name, { value, enumerable: true, configurable: true, writable: true })
    else row[name] = value
  }
  return cellRow(line, row, length)
}
