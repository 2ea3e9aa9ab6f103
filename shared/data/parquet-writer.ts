import { type FileHandle, open } from 'node:fs/promises'
import { ByteWriter, ParquetWriter } from 'hyparquet-writer'
import type { JsonObject } from '../domain/json.ts'
import { keptAs, schemaElementOf } from './parquet-column.ts'
import { columnsMax, type ColumnTypes } from './row.ts'
import { joinTypes, typeOfJson, type ColumnType } from './types.ts'

const { hasOwn } = Object
const groupRowsMax = 25_000
/** Of a row group, as it is held in memory before it is written. */
const groupBytesMax = 8 * 1024 ** 2
const valueBytes = 16
/** Every cell costs time and memory, empty or not: a table of more than these is not written when so few of them hold a value. */
const cellsFree = 4_000_000
const filledShareMin = 0.05

export interface ParquetFile extends AsyncDisposable {
  /** True when the rows held are enough for a row group: then `flush` is to be awaited. */
  add(row: JsonObject): boolean
  flush(): Promise<void>
  /** Writes what is left and the end; the file is whole then, when `misfits` is empty. */
  finish(): Promise<void>
  /**
   * Columns that hold values their type does not take, or that `types` does not name, with the type that takes them all.
   * Nothing is written from the first on: the rows are to be written again, with these types.
   */
  readonly misfits: ReadonlyMap<string, ColumnType>
  /** With `stopsWhenSparse`: nearly all cells of a large table are empty. Nothing more is written; the file is of no use. */
  isSparse(): boolean
}

/** Writes rows to a Parquet file, a row group at a time, with a column for each of `types`. */
export async function parquetFile(
  path: string,
  types: ColumnTypes,
  { stopsWhenSparse = false } = {},
): Promise<ParquetFile> {
  const columns = Object.entries(types).map(([name, type]) => ({ name, type, data: [] as unknown[] }))
  const file = await open(path, 'w')
  const writer = new ByteWriter()
  const root = { name: 'schema', num_children: columns.length }
  const schema = [root, ...columns.map(({ name, type }) => schemaElementOf(name, type))]
  const parquet = new ParquetWriter({ writer, schema, createdBy: 'catamaran' })
  const known = new Set(columns.map(({ name }) => name))
  const misfits = new Map<string, ColumnType>()
  let held = 0
  let heldBytes = 0
  let [cells, filled] = [0, 0]
  const isSparse = (): boolean => stopsWhenSparse && cells > cellsFree && filled < cells * filledShareMin

  const flush = async (): Promise<void> => {
    if (held > 0 && misfits.size === 0) {
      const columnData = columns.map(({ name, data }) => ({ name, data }))
      await parquet.write({ columnData, rowGroupSize: held })
    }
    for (const column of columns) column.data = []
    ;[held, heldBytes] = [0, 0]
    await writeOut(file, writer)
  }
  return {
    misfits,
    isSparse,
    add(row) {
      if (isSparse()) return false
      held++
      cells += known.size + misfits.size
      filled += Object.keys(row).length
      for (const { name, type, data } of columns) {
        const value = hasOwn(row, name) ? (row[name] ?? null) : null
        const kept = keptAs(misfits.get(name) ?? type, value)
        if (kept === undefined) misfits.set(name, widened(misfits.get(name) ?? type, typeOfJson(value)))
        if (misfits.size > 0) continue
        data.push(kept)
        heldBytes += valueBytes + (typeof kept === 'string' ? kept.length * 2 : 0)
      }
      noteNewColumns(row, known, misfits)
      return held >= groupRowsMax || heldBytes >= groupBytesMax
    },
    flush,
    async finish() {
      await flush()
      await parquet.finish()
      await writeOut(file, writer)
    },
    [Symbol.asyncDispose]: () => file.close(),
  }
}

function noteNewColumns(row: JsonObject, known: ReadonlySet<string>, misfits: Map<string, ColumnType>): void {
  for (const name of Object.keys(row)) {
    if (known.has(name) || (!misfits.has(name) && known.size + misfits.size >= columnsMax)) continue
    misfits.set(name, joinTypes(misfits.get(name), typeOfJson(row[name] ?? null)) ?? 'string')
  }
}

/** A time that is told too finely for its own type has no other type than text. */
const widened = (type: ColumnType, found: ColumnType | undefined): ColumnType =>
  type === found ? 'string' : (joinTypes(type, found) ?? 'string')

async function writeOut(file: FileHandle, writer: ByteWriter): Promise<void> {
  const bytes = writer.getBytes()
  for (let at = 0; at < bytes.length; ) at += (await file.write(bytes, at)).bytesWritten
  writer.index = 0
}
