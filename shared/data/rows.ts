import { csvRows } from './csv.ts'
import { decodeText, isEncoding } from './encoding.ts'
import { unpacked } from './gzip.ts'
import { jsonRows } from './json-array.ts'
import { ndjsonRows } from './ndjson.ts'
import type { RowItem, RowOptions } from './row.ts'

/**
 * Streams the rows of a CSV, TSV, NDJSON or JSON-array file, packed with gzip or not, at flat memory.
 * A bad row is reported with its line and doesn't stop the rest. Rows from CSV have every column of the header.
 * Throws `invalid-media` when the file as a whole can't be read (damaged gzip, a JSON file that is no array).
 */
export async function* rowsOf(source: AsyncIterable<Uint8Array>, options: RowOptions): AsyncGenerator<RowItem> {
  const encoding = isEncoding(options.encoding) ? options.encoding : undefined
  const text = decodeText(unpacked(source), encoding)
  if (options.format === 'csv') yield* csvRows(text, options)
  else if (options.format === 'ndjson') yield* ndjsonRows(text)
  else yield* jsonRows(text)
}
