import { csvBatches } from './csv.ts'
import { detectDelimiter } from './delimiter.ts'
import { decodeHead, decodeText, detectEncoding, isEncoding } from './encoding.ts'
import { jsonBatches } from './json-array.ts'
import { ndjsonBatches } from './ndjson.ts'
import { peek } from './peek.ts'
import type { RowItem, RowOptions } from './row.ts'
import { unpacked } from './unpack.ts'

/** What encoding and delimiter are found from. */
export const headBytes = 64 * 1024

/**
 * Streams the rows of a CSV, TSV, NDJSON or JSON-array file, packed with gzip, zstd or not, at flat memory.
 * A bad row is reported with its line and doesn't stop the rest. Rows from CSV have every column of the header.
 * Throws `invalid-media` when the file as a whole can't be read (damaged packing, a JSON file that is no array), or its
 * schema can't be used.
 */
export async function* rowBatches(
  source: AsyncIterable<Uint8Array>,
  options: RowOptions,
): AsyncGenerator<readonly RowItem[]> {
  const batches = formatBatches(source, options)
  if (options.schema === undefined) return yield* batches
  // The validator is large, and few files are held to a schema.
  const { schemaCheck } = await import('./schema-check.ts')
  // An empty cell holds nothing; whether that is allowed is what `required` says.
  const check = schemaCheck(options.schema, { dropNulls: options.format === 'csv' })
  for await (const batch of batches) yield check(batch)
}

/** The same, one by one. */
export async function* rowsOf(source: AsyncIterable<Uint8Array>, options: RowOptions): AsyncGenerator<RowItem> {
  for await (const batch of rowBatches(source, options)) yield* batch
}

async function* formatBatches(source: AsyncIterable<Uint8Array>, options: RowOptions): AsyncGenerator<RowItem[]> {
  const { format, types } = options
  const { head, all } = await peek(unpacked(source), headBytes)
  const encoding = isEncoding(options.encoding) ? options.encoding : (detectEncoding(head) ?? 'utf-8')
  if (format === 'ndjson') yield* ndjsonBatches(decodeText(all, encoding))
  else if (format === 'json') yield* jsonBatches(decodeText(all, encoding))
  else {
    const delimiter = options.delimiter ?? detectDelimiter(decodeHead(head) ?? '') ?? ','
    yield* csvBatches(encoding === 'utf-8' ? all : decodeText(all, encoding), { delimiter, ...(types && { types }) })
  }
}
