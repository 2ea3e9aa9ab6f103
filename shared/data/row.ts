import { isJsonObject, type JsonObject } from '../domain/json.ts'
import { columnTypes, type ColumnType } from './types.ts'

const rowFormats = ['csv', 'ndjson', 'json'] as const
export type RowFormat = (typeof rowFormats)[number]
export type ColumnTypes = Readonly<Record<string, ColumnType>>

/** A row, or why there is none. `line` is the line (from 1) on which it begins in the file. */
export type RowItem =
  | { readonly line: number; readonly row: JsonObject }
  | { readonly line: number; readonly error: string }

export interface RowOptions {
  readonly format: RowFormat
  /** For csv; found from the first lines when absent. */
  readonly delimiter?: string
  /** Found from the first bytes when absent. */
  readonly encoding?: string
  /** For csv: the type of each column by its name. Columns without one, and cells that don't fit theirs, stay text. */
  readonly types?: ColumnTypes
}

/** A row may be this long; longer ones are reported, not read. */
export const rowBytesMax = 1024 * 1024
export const columnsMax = 2_000

export const isRowFormat = (value: unknown): value is RowFormat => rowFormats.some((format) => format === value)

export const isColumnTypes = (value: unknown): value is ColumnTypes =>
  isJsonObject(value) && Object.values(value).every((type) => columnTypes.some((known) => known === type))
