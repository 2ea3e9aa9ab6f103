import { detectDelimiter } from './delimiter.ts'
import { detectEncoding } from './encoding.ts'
import { unpacked } from './gzip.ts'
import type { RowFormat } from './row.ts'
import { rowsOf } from './rows.ts'
import { joinTypes, typeOfJson, typeOfText, type ColumnType } from './types.ts'

/** Types are found from this many rows; a later cell that doesn't fit its column stays text. */
const rowsLookedAtMax = 1_000_000
const columnsKeptMax = 2_000

interface RowInspection {
  readonly tabular: boolean
  readonly options: { readonly format: RowFormat; readonly encoding: string; readonly delimiter?: string }
  readonly types: Record<string, ColumnType>
  /** All rows were looked at. */
  readonly complete: boolean
}

/** Finds encoding, delimiter and the type of every column in one pass over the file, bounded. */
export async function inspectRows(
  open: () => AsyncIterable<Uint8Array>,
  { format, signal }: { readonly format: RowFormat; readonly signal: AbortSignal },
): Promise<RowInspection> {
  const { encoding, delimiter } = await inspectHead(open())
  const options = { format, encoding, ...(format === 'csv' && { delimiter }) }
  const types = new Map<string, ColumnType | undefined>()
  let rows = 0
  let complete = true
  if (format === 'json' && !(await beginsWithArray(open()))) return { tabular: false, options, types: {}, complete }
  for await (const item of rowsOf(open(), options)) {
    signal.throwIfAborted()
    if (!('row' in item)) continue
    if (++rows > rowsLookedAtMax) {
      complete = false
      break
    }
    for (const [name, value] of Object.entries(item.row)) {
      const known = types.get(name)
      if (known === 'string' || (types.size >= columnsKeptMax && !types.has(name))) continue
      types.set(
        name,
        joinTypes(known, format === 'csv' ? typeOfText(typeof value === 'string' ? value : '') : typeOfJson(value)),
      )
    }
  }
  const found = Object.fromEntries([...types].map(([name, type]) => [name, type ?? 'string']))
  return { tabular: true, options, types: found, complete }
}

async function inspectHead(source: AsyncIterable<Uint8Array>): Promise<{ encoding: string; delimiter: string }> {
  const head = await headOf(source)
  const encoding = detectEncoding(head) ?? 'utf-8'
  const text = new TextDecoder(encoding).decode(head, { stream: true })
  return { encoding, delimiter: detectDelimiter(text) ?? ',' }
}

async function beginsWithArray(source: AsyncIterable<Uint8Array>): Promise<boolean> {
  const head = await headOf(source)
  return new TextDecoder(detectEncoding(head) ?? 'utf-8').decode(head, { stream: true }).trimStart().startsWith('[')
}

async function headOf(source: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const chunks: Uint8Array[] = []
  let bytes = 0
  for await (const chunk of unpacked(source)) {
    chunks.push(chunk)
    bytes += chunk.length
    if (bytes >= 64 * 1024) break
  }
  return Buffer.concat(chunks)
}
