import { canonicalJson, isJsonObject, type Json, type JsonObject } from '../domain/json.ts'
import { clientBodyBytesMax } from '../domain/limits.ts'
import type { RowItem } from './row.ts'

const depthMax = 64
/** One character may become an escape of six bytes, one digit of an exponent more. */
const bytesPerCharacterMax = 6

/** A row that came from JSON, or why no record can hold it. `length` is how many characters it was read from. */
export function jsonRow(line: number, row: JsonObject, length: number): RowItem {
  const error = valueFault(row, depthMax) ?? sizeFault(row, length)
  return error === undefined ? { line, row } : { line, error }
}

/** The same for a row of cells, which is flat and holds nothing but what a record holds. */
export function cellRow(line: number, row: JsonObject, length: number): RowItem {
  const error = sizeFault(row, length)
  return error === undefined ? { line, row } : { line, error }
}

function sizeFault(row: JsonObject, length: number): string | undefined {
  if (length * bytesPerCharacterMax <= clientBodyBytesMax) return undefined
  const bytes = Buffer.byteLength(canonicalJson(row))
  return bytes <= clientBodyBytesMax
    ? undefined
    : `The row has ${bytes} bytes of JSON, a record holds ${clientBodyBytesMax}`
}

function valueFault(value: Json, depth: number): string | undefined {
  if (typeof value === 'string') return value.isWellFormed() ? undefined : 'The row holds text that is no valid Unicode'
  if (typeof value === 'number') return Number.isFinite(value) ? undefined : 'The row holds a number that is too large'
  if (typeof value !== 'object' || value === null) return undefined
  if (depth === 0) return `The row is nested more than ${depthMax} deep`
  const members = Array.isArray(value) ? value : Object.values(value)
  for (const member of members) {
    const fault = valueFault(member, depth - 1)
    if (fault !== undefined) return fault
  }
  if (isJsonObject(value) && !Object.keys(value).every((name) => name.isWellFormed())) {
    return 'The row holds a name that is no valid Unicode'
  }
  return undefined
}
