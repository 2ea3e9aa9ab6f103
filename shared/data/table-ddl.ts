import { athenaTypes, backQuoted, bracketed, doubleQuoted, literal, synapseTypes } from './sql-words.ts'
import type { ColumnType } from './types.ts'

export const sqlEngines = ['athena', 'synapse', 'duckdb'] as const
export type SqlEngine = (typeof sqlEngines)[number]

export interface Table {
  readonly name: string
  readonly columns: readonly { readonly name: string; readonly type: ColumnType }[]
  /** The URL of the Parquet file. */
  readonly url: string
}

/** Statements that make a Parquet file a view of this name in a cloud's own query engine, or in DuckDB. */
export function tableDdl(engine: SqlEngine, table: Table): string {
  switch (engine) {
    case 'athena':
      return athenaDdl(table)
    case 'synapse':
      return synapseDdl(table)
    case 'duckdb':
      return `CREATE OR REPLACE VIEW ${doubleQuoted(table.name)} AS SELECT * FROM read_parquet(${literal(table.url)});\n`
  }
}

/** A table is a folder there, and other renditions lie in it: the view reads the one file. */
function athenaDdl({ name, columns, url }: Table): string {
  const folder = url.slice(0, url.lastIndexOf('/') + 1)
  const files = `${name}_files`
  const fields = columns.map((column) => `  ${backQuoted(column.name)} ${athenaTypes[column.type]}`).join(',\n')
  return [
    `CREATE EXTERNAL TABLE IF NOT EXISTS ${backQuoted(files)} (\n${fields}\n)`,
    `STORED AS PARQUET\nLOCATION ${literal(folder)};\n`,
    `CREATE OR REPLACE VIEW ${doubleQuoted(name)} AS`,
    `SELECT * FROM ${doubleQuoted(files)} WHERE "$path" = ${literal(url)};\n`,
  ].join('\n')
}

function synapseDdl({ name, columns, url }: Table): string {
  const fields = columns.map((column) => `  ${bracketed(column.name)} ${synapseTypes[column.type]}`).join(',\n')
  return [
    `CREATE OR ALTER VIEW ${bracketed(name)} AS`,
    `SELECT * FROM OPENROWSET(BULK ${literal(url)}, FORMAT = 'PARQUET')`,
    `WITH (\n${fields}\n) AS [rows];\n`,
  ].join('\n')
}
