import type { SchemaElement } from 'hyparquet'
import type { Json } from '../domain/json.ts'
import { daysOf, microsOf } from './instant.ts'
import { typeOfJson, type ColumnType } from './types.ts'

/** What Parquet keeps for a value; undefined when the value does not fit its column. */
type Kept = bigint | number | boolean | string | null | undefined

/** Every column may hold nulls. Times are microseconds in UTC. */
export function schemaElementOf(name: string, type: ColumnType): SchemaElement {
  const optional = { name, repetition_type: 'OPTIONAL' } as const
  switch (type) {
    case 'integer':
      return { ...optional, type: 'INT64' }
    case 'number':
      return { ...optional, type: 'DOUBLE' }
    case 'boolean':
      return { ...optional, type: 'BOOLEAN' }
    case 'date':
      return { ...optional, type: 'INT32', converted_type: 'DATE', logical_type: { type: 'DATE' } }
    case 'datetime':
      return {
        ...optional,
        type: 'INT64',
        converted_type: 'TIMESTAMP_MICROS',
        logical_type: { type: 'TIMESTAMP', isAdjustedToUTC: true, unit: 'MICROS' },
      }
    case 'string':
      return { ...optional, type: 'BYTE_ARRAY', converted_type: 'UTF8', logical_type: { type: 'STRING' } }
  }
}

/** A value as its column keeps it. A text column keeps everything else as JSON. */
export function keptAs(type: ColumnType, value: Json): Kept {
  if (value === null) return null
  switch (type) {
    case 'integer':
      return Number.isSafeInteger(value) ? BigInt(value as number) : undefined
    case 'number':
      return typeof value === 'number' ? value : undefined
    case 'boolean':
      return typeof value === 'boolean' ? value : undefined
    case 'date':
      return typeOfJson(value) === 'date' ? daysOf(value as string) : undefined
    case 'datetime':
      return typeOfJson(value) === 'datetime' ? microsOf(value as string) : undefined
    case 'string':
      return typeof value === 'string' ? value : JSON.stringify(value)
  }
}
