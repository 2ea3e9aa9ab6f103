import { isJsonObject, type JsonObject } from '../domain/json.ts'
import { columnTypes, type ColumnType } from './types.ts'

const rowFormats = ['csv', 'ndjson', 'json'] as const
export type RowFormat = (typeof rowFormats)[number]
export type ColumnTypes = Readonly<Record<string, ColumnType>>

export interface GoodRow {
  /** The line (from 1) on which it begins in the file. */
  readonly line: number
  readonly row: JsonObject
}

export interface BadRow {
  readonly line: number
  readonly error: string
}

/** A row, or why there is none. */
export type RowItem = GoodRow | BadRow

export interface RowOptions {
  readonly format: RowFormat
  /** For csv; found from the first lines when absent. */
  readonly delimiter?: string
  /** Found from the first bytes when absent. */
  readonly encoding?: string
  /** For csv: the type of each column by its name. Columns without one, and cells that don't fit theirs, stay text. */
  readonly types?: ColumnTypes
  /** A JSON Schema: a row that does not fit it is a bad row. */
  readonly schema?: JsonObject
}

/** The text of a row may be this long; longer ones are reported, not read. */
export const rowBytesMax = 1024 * 1024
export const columnsMax = 2_000

export const isRowFormat = (value: unknown): value is RowFormat => rowFormats.some((format) => format === value)

export const isColumnTypes = (value: unknown): value is ColumnTypes =>
  isJsonObject(value) && Object.values(value).every((type) => columnTypes.some((known) => known === type))
