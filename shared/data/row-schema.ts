import { CatamaranError } from '../domain/errors.ts'
import { canonicalJson, isJsonObject, type Json, type JsonObject } from '../domain/json.ts'
import type { ColumnTypes } from './row.ts'
import type { ColumnType } from './types.ts'

/** A JSON Schema may have this many bytes of JSON, and be nested this deep. */
export const rowSchemaBytesMax = 64 * 1024
const schemaDepthMax = 32
const referencesMax = 8

const dialects: Readonly<Record<string, 'draft-07' | '2020-12'>> = {
  'http://json-schema.org/draft-07/schema': 'draft-07',
  'https://json-schema.org/draft/2020-12/schema': '2020-12',
}

/** Which JSON Schema this is; 2020-12 unless it says otherwise. Undefined when it is another. */
export function dialectOf({ $schema }: JsonObject): 'draft-07' | '2020-12' | undefined {
  if ($schema === undefined) return '2020-12'
  return typeof $schema === 'string' ? dialects[$schema.replace(/#$/, '')] : undefined
}

/** Throws `invalid-request` for a schema that is too large, of an unknown dialect, or refers to something outside itself. */
export function assertRowSchema(schema: JsonObject): void {
  const bytes = Buffer.byteLength(canonicalJsonOf(schema))
  if (bytes > rowSchemaBytesMax) throw refused(`has ${bytes} bytes, at most ${rowSchemaBytesMax} are taken`)
  if (!dialectOf(schema)) throw refused('is neither draft 2020-12 nor draft-07')
  assertLocal(schema)
}

function canonicalJsonOf(schema: JsonObject): string {
  assertDepth(schema, schemaDepthMax)
  return canonicalJson(schema)
}

const refused = (why: string): CatamaranError => new CatamaranError('invalid-request', `The row schema ${why}.`)

function assertDepth(value: Json, depth: number): void {
  if (typeof value !== 'object' || value === null) return
  if (depth === 0) throw refused(`is nested more than ${schemaDepthMax} deep`)
  for (const member of Object.values(value)) assertDepth(member, depth - 1)
}

/** Nothing is ever fetched: a reference leads to a place in the schema itself. */
function assertLocal(value: Json): void {
  if (typeof value !== 'object' || value === null) return
  for (const [name, member] of Object.entries(value)) {
    const isReference = name === '$ref' || name === '$dynamicRef'
    if (isReference && typeof member === 'string' && !member.startsWith('#')) {
      throw refused(`refers to ${JSON.stringify(member.slice(0, 100))}; only references within it (#...) are followed`)
    }
    assertLocal(member)
  }
}

/** The types of columns that the schema names outright; the others are found from the cells. */
export function declaredTypes(schema: JsonObject): ColumnTypes {
  const { properties } = schema
  if (!isJsonObject(properties)) return {}
  const types = Object.entries(properties).flatMap(([name, member]) => {
    const type = declaredType(schema, member, referencesMax)
    return type === undefined ? [] : [[name, type] as const]
  })
  return Object.fromEntries(types)
}

function declaredType(schema: JsonObject, member: Json, references: number): ColumnType | undefined {
  if (!isJsonObject(member)) return undefined
  const { type, format, $ref } = member
  if (typeof $ref === 'string' && references > 0) {
    return declaredType(schema, at(schema, $ref), references - 1)
  }
  const named = Array.isArray(type) ? type.filter((each) => each !== 'null') : [type]
  if (named.length !== 1) return undefined
  const [only] = named
  if (only === 'string') return format === 'date' ? 'date' : format === 'date-time' ? 'datetime' : 'string'
  return only === 'integer' || only === 'number' || only === 'boolean' ? only : undefined
}

/** What a reference of the form `#/a/b` (RFC 6901) leads to; null when nothing. */
function at(schema: JsonObject, reference: string): Json {
  let value: Json = schema
  for (const part of reference.slice(1).split('/').slice(1)) {
    const name = part.replaceAll('~1', '/').replaceAll('~0', '~')
    if (!isJsonObject(value) || !Object.hasOwn(value, name)) return null
    value = value[name] ?? null
  }
  return value
}
