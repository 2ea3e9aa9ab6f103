import type { ColumnType } from './types.ts'

export const athenaTypes: Readonly<Record<ColumnType, string>> = {
  integer: 'bigint',
  number: 'double',
  boolean: 'boolean',
  date: 'date',
  datetime: 'timestamp',
  string: 'string',
}

export const synapseTypes: Readonly<Record<ColumnType, string>> = {
  integer: 'BIGINT',
  number: 'FLOAT',
  boolean: 'BIT',
  date: 'DATE',
  datetime: 'DATETIME2(6)',
  string: 'VARCHAR(8000) COLLATE Latin1_General_100_BIN2_UTF8',
}

export const literal = (text: string): string => `'${text.replaceAll("'", "''")}'`
export const doubleQuoted = (name: string): string => `"${name.replaceAll('"', '""')}"`
export const backQuoted = (name: string): string => `\`${name.replaceAll('`', '``')}\``
export const bracketed = (name: string): string => `[${name.replaceAll(']', ']]')}]`
