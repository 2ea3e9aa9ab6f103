import type { SqlEngine } from './table-ddl.ts'
import { athenaTypes, backQuoted, bracketed, doubleQuoted, literal, synapseTypes } from './sql-words.ts'
import type { ColumnType } from './types.ts'

export interface ExportTable {
  readonly name: string
  readonly columns: readonly { readonly name: string; readonly type: ColumnType }[]
  /** The folder that holds a folder for each day, without a slash at its end. */
  readonly folder: string
  /** What each day's folder is called, before the day. */
  readonly prefix: string
  /** The first day that there may be, as 2026-01-31. */
  readonly since: string
  /** What names one row's subject; then a second view shows the last state of each that is not deleted. */
  readonly subject?: readonly string[]
}

/** The day of a row's export, by which a query need not read the others. */
const dayColumn = 'export_date'

/** Statements that make all days of a tenant's exports one table, each day a partition, those to come included. */
export function exportDdl(engine: SqlEngine, table: ExportTable): string {
  const make = { athena, synapse, duckdb }[engine]
  return make(table) + latest(engine, table)
}

/** The engine finds the days by itself, without a crawler or a statement for each. */
function athena({ name, columns, folder, prefix, since }: ExportTable): string {
  const fields = columns.map((column) => `  ${backQuoted(column.name)} ${athenaTypes[column.type]}`).join(',\n')
  const properties = {
    'projection.enabled': 'true',
    [`projection.${dayColumn}.type`]: 'date',
    [`projection.${dayColumn}.format`]: 'yyyy-MM-dd',
    [`projection.${dayColumn}.range`]: `${since},NOW`,
    'storage.location.template': `${folder}/${prefix}\${${dayColumn}}/`,
  }
  return [
    `CREATE EXTERNAL TABLE IF NOT EXISTS ${backQuoted(name)} (\n${fields}\n)`,
    `PARTITIONED BY (${backQuoted(dayColumn)} string)`,
    `STORED AS PARQUET\nLOCATION ${literal(`${folder}/`)}`,
    `TBLPROPERTIES (\n${Object.entries(properties)
      .map(([key, value]) => `  ${literal(key)} = ${literal(value)}`)
      .join(',\n')}\n);\n`,
  ].join('\n')
}

function synapse({ name, columns, folder, prefix }: ExportTable): string {
  const fields = columns.map((column) => `  ${bracketed(column.name)} ${synapseTypes[column.type]}`).join(',\n')
  return [
    `CREATE OR ALTER VIEW ${bracketed(name)} AS`,
    `SELECT [rows].*, [rows].filepath(1) AS ${bracketed(dayColumn)}`,
    `FROM OPENROWSET(BULK ${literal(`${folder}/${prefix}*/*`)}, FORMAT = 'PARQUET')`,
    `WITH (\n${fields}\n) AS [rows];\n`,
  ].join('\n')
}

function duckdb({ name, columns, folder, prefix }: ExportTable): string {
  const day = `regexp_extract(filename, ${literal(`${prefix}([0-9-]+)/[^/]*$`)}, 1)`
  return [
    `CREATE OR REPLACE VIEW ${doubleQuoted(name)} AS`,
    `SELECT ${columns.map((column) => doubleQuoted(column.name)).join(', ')}, ${day} AS ${doubleQuoted(dayColumn)}`,
    `FROM read_parquet(${literal(`${folder}/${prefix}*/*`)}, filename = true);\n`,
  ].join('\n')
}

/** Stamps sort as text in order of time. */
function latest(engine: SqlEngine, { name, columns, subject }: ExportTable): string {
  if (!subject) return ''
  const quoted = engine === 'synapse' ? bracketed : doubleQuoted
  const create = engine === 'synapse' ? 'CREATE OR ALTER VIEW' : 'CREATE OR REPLACE VIEW'
  const isLive = engine === 'synapse' ? `${quoted('deleted')} = 0` : `NOT ${quoted('deleted')}`
  const order = `PARTITION BY ${subject.map(quoted).join(', ')} ORDER BY ${quoted('stamp')} DESC`
  return [
    `\n${create} ${quoted(`${name}_latest`)} AS`,
    `SELECT ${columns.map((column) => quoted(column.name)).join(', ')} FROM (`,
    `  SELECT *, ROW_NUMBER() OVER (${order}) AS ${quoted('nth')} FROM ${quoted(name)}`,
    `) AS ${quoted('states')} WHERE ${quoted('nth')} = 1 AND ${isLive};\n`,
  ].join('\n')
}
