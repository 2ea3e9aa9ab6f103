import type { JsonObject } from '../domain/json.ts'
import { detectDelimiter } from './delimiter.ts'
import { decodeHead, detectEncoding } from './encoding.ts'
import { peek } from './peek.ts'
import { declaredTypes } from './row-schema.ts'
import { columnsMax, type RowFormat } from './row.ts'
import { headBytes, rowBatches } from './rows.ts'
import { joinTypes, typeOfJson, typeOfText, type ColumnType } from './types.ts'
import { unpacked } from './unpack.ts'

/** Types are found from this many rows; a later cell that doesn't fit its column stays text. */
const rowsLookedAtMax = 1_000_000

interface RowInspection {
  readonly tabular: boolean
  readonly options: { readonly format: RowFormat; readonly encoding: string; readonly delimiter?: string }
  /** In the order in which the columns were met. */
  readonly types: Record<string, ColumnType>
  /** All rows were looked at. */
  readonly complete: boolean
}

/**
 * Finds encoding, delimiter and the type of every column in one pass over the file, bounded. Types that a schema declares
 * are taken from it.
 */
export async function inspectRows(
  open: () => AsyncIterable<Uint8Array>,
  {
    format,
    schema,
    signal,
  }: { readonly format: RowFormat; readonly schema?: JsonObject; readonly signal: AbortSignal },
): Promise<RowInspection> {
  const { head, all } = await peek(unpacked(open()), headBytes)
  await all.return(undefined)
  const encoding = detectEncoding(head) ?? 'utf-8'
  const text = decodeHead(head) ?? ''
  const options = { format, encoding, ...(format === 'csv' && { delimiter: detectDelimiter(text) ?? ',' }) }
  if (format === 'json' && !text.trimStart().startsWith('[')) {
    return { tabular: false, options, types: {}, complete: true }
  }
  const types = new Map<string, ColumnType | undefined>()
  const rows = await lookAt(rowBatches(open(), options), types, { isText: format === 'csv', signal })
  const declared = format === 'csv' && schema ? declaredTypes(schema) : {}
  const typeOf = (name: string): ColumnType =>
    (Object.hasOwn(declared, name) ? declared[name] : types.get(name)) ?? 'string'
  const found = Object.fromEntries([...types.keys()].map((name) => [name, typeOf(name)]))
  return { tabular: true, options, types: found, complete: rows <= rowsLookedAtMax }
}

/** Joins the types of the first rows into `types`; returns how many rows there are, or one more than are looked at. */
async function lookAt(
  batches: ReturnType<typeof rowBatches>,
  types: Map<string, ColumnType | undefined>,
  { isText, signal }: { readonly isText: boolean; readonly signal: AbortSignal },
): Promise<number> {
  let rows = 0
  for await (const batch of batches) {
    signal.throwIfAborted()
    for (const item of batch) {
      if (!('row' in item)) continue
      if (++rows > rowsLookedAtMax) return rows
      for (const name of Object.keys(item.row)) {
        const known = types.get(name)
        if (known === 'string' || (types.size >= columnsMax && !types.has(name))) continue
        const value = item.row[name] ?? null
        types.set(
          name,
          joinTypes(known, isText ? typeOfText(typeof value === 'string' ? value : '') : typeOfJson(value)),
        )
      }
    }
  }
  return rows
}
