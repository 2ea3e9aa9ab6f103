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

const athenaTypes: Readonly<Record<ColumnType, string>> = {
  integer: 'bigint',
  number: 'double',
  boolean: 'boolean',
  date: 'date',
  datetime: 'timestamp',
  string: 'string',
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

const synapseTypes: Readonly<Record<ColumnType, string>> = {
  integer: 'BIGINT',
  number: 'FLOAT',
  boolean: 'BIT',
  date: 'DATE',
  datetime: 'DATETIME2(6)',
  string: 'VARCHAR(8000) COLLATE Latin1_General_100_BIN2_UTF8',
}

function synapseDdl({ name, columns, url }: Table): string {
  const fields = columns.map((column) => `  ${bracketed(column.name)} ${synapseTypes[column.type]}`).join(',\n')
  return [
    `CREATE OR ALTER VIEW ${bracketed(name)} AS`,
    `SELECT * FROM OPENROWSET(BULK ${literal(url)}, FORMAT = 'PARQUET')`,
    `WITH (\n${fields}\n) AS [rows];\n`,
  ].join('\n')
}

const literal = (text: string): string => `'${text.replaceAll("'", "''")}'`
const doubleQuoted = (name: string): string => `"${name.replaceAll('"', '""')}"`
const backQuoted = (name: string): string => `\`${name.replaceAll('`', '``')}\``
const bracketed = (name: string): string => `[${name.replaceAll(']', ']]')}]`
