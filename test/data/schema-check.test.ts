import { expect, test } from '@jest/globals'
import { assertRowSchema, declaredTypes } from '../../shared/data/row-schema.ts'
import type { RowItem, RowOptions } from '../../shared/data/row.ts'
import { rowsOf } from '../../shared/data/rows.ts'
import { schemaCheck } from '../../shared/data/schema-check.ts'
import type { JsonObject } from '../../shared/domain/json.ts'

async function read(text: string, options: RowOptions): Promise<RowItem[]> {
  async function* source(): AsyncGenerator<Uint8Array> {
    yield Buffer.from(text)
  }
  const items: RowItem[] = []
  for await (const item of rowsOf(source(), options)) items.push(item)
  return items
}

const person: JsonObject = {
  type: 'object',
  required: ['name', 'age'],
  properties: {
    name: { type: 'string', minLength: 1 },
    age: { type: 'integer', minimum: 0 },
    zip: { $ref: '#/$defs/zip' },
    born: { type: ['string', 'null'], format: 'date' },
    seen: { type: 'string', format: 'date-time' },
  },
  $defs: { zip: { type: 'string', pattern: '^[0-9]{5}$' } },
}

test('rows that do not fit are reported with line, place and reason, and the rest goes on', async () => {
  const text =
    'name,age,zip,born,seen\nAda,36,01234,1815-12-10,\nBob,,,,\nCy,-1,,,\nDi,x,,,\nEd,1,123,,\nFy,2,,1999-02-30,\nGo,3,,,2024-01-01T00:00\n'
  const items = await read(text, { format: 'csv', schema: person, types: declaredTypes(person) })
  expect(items).toEqual([
    { line: 2, row: { name: 'Ada', age: 36, zip: '01234', born: '1815-12-10', seen: null } },
    { line: 3, error: "The row must have required property 'age'" },
    { line: 4, error: '/age must be >= 0' },
    { line: 5, error: '/age must be integer' },
    { line: 6, error: '/zip must match pattern "^[0-9]{5}$"' },
    { line: 7, error: '/born must match format "date"' },
    { line: 8, error: '/seen must match format "date-time"' },
  ])
  const ndjson = await read('{"name":"Ada","age":null}\n{"name":"","age":1}\n{"name":"B","age":1}', {
    format: 'ndjson',
    schema: person,
  })
  expect(ndjson.map((item) => ('row' in item ? item.row : item.error))).toEqual([
    '/age must be integer',
    '/name must NOT have fewer than 1 characters',
    { name: 'B', age: 1 },
  ])
})

test('the types that a schema declares are taken for the columns', () => {
  expect(declaredTypes(person)).toEqual({
    name: 'string',
    age: 'integer',
    zip: 'string',
    born: 'date',
    seen: 'datetime',
  })
  expect(declaredTypes({ properties: { a: { $ref: '#/properties/a' }, b: true, c: { enum: [1] } } })).toEqual({})
})

test('draft-07 is understood when it says so, other dialects are refused', async () => {
  const schema = {
    $schema: 'http://json-schema.org/draft-07/schema#',
    definitions: { n: { type: 'number' } },
    properties: { a: { $ref: '#/definitions/n' } },
  }
  expect(await read('{"a":"x"}', { format: 'ndjson', schema })).toEqual([{ line: 1, error: '/a must be number' }])
  expect(() => assertRowSchema({ $schema: 'http://json-schema.org/draft-04/schema#' })).toThrow('neither')
})

const nested = (depth: number): JsonObject => (depth === 0 ? {} : { not: nested(depth - 1) })

test.each<[string, JsonObject]>([
  ['a reference to a URL', { $ref: 'http://127.0.0.1:9/schema' }],
  ['a reference to a file', { properties: { a: { $ref: 'file:///etc/passwd' } } }],
  ['too deep', nested(40)],
  ['too large', { description: 'x'.repeat(70_000) }],
])('%s is refused when the schema is set', (_, schema) => {
  expect(() => assertRowSchema(schema)).toThrow(expect.objectContaining({ code: 'invalid-request' }))
  expect(() => schemaCheck(schema, { dropNulls: false })).toThrow(expect.objectContaining({ code: 'invalid-media' }))
})

test.each<[string, JsonObject]>([
  ['a type that is none', { type: 'decimal' }],
  ['a pattern that is none', { properties: { a: { pattern: '(' } } }],
  ['a reference to nothing', { $ref: '#/$defs/none' }],
])('%s makes the file fail with a reason', (_, schema) => {
  expect(() => schemaCheck(schema, { dropNulls: false })).toThrow(
    expect.objectContaining({
      code: 'invalid-media',
      message: expect.stringContaining('The row schema cannot be used'),
    }),
  )
})

test('a schema that never ends is stopped', () => {
  const check = schemaCheck(
    { $ref: '#/$defs/a', $defs: { a: { allOf: [{ $ref: '#/$defs/a' }] } } },
    { dropNulls: false },
  )
  expect(() => check([{ line: 1, row: {} }])).toThrow(expect.objectContaining({ code: 'invalid-media' }))
})

test('a pattern that takes for ever costs its row and no more', () => {
  const check = schemaCheck({ properties: { a: { pattern: '^(a+)+$' } } }, { dropNulls: false })
  const batch = ['aaa', `${'a'.repeat(60)}!`, 'b'].map((a, index) => ({ line: index + 1, row: { a } }))
  const startMs = performance.now()
  expect(check(batch)).toEqual([
    batch[0],
    { line: 2, error: 'The schema takes too long on this row' },
    { line: 3, error: '/a must match pattern "^(a+)+$"' },
  ])
  expect(performance.now() - startMs).toBeLessThan(3_000)
})

test('references that multiply are stopped too', () => {
  const $defs = Object.fromEntries(
    Array.from({ length: 40 }, (_, index) => [
      `d${index}`,
      { allOf: [{ $ref: `#/$defs/d${index + 1}` }, { $ref: `#/$defs/d${index + 1}` }] },
    ]),
  )
  const check = schemaCheck({ $ref: '#/$defs/d0', $defs: { ...$defs, d40: { type: 'object' } } }, { dropNulls: false })
  expect(check([{ line: 1, row: {} }])).toEqual([{ line: 1, error: 'The schema takes too long on this row' }])
})

test('inherited members are no members', () => {
  const check = schemaCheck({ required: ['constructor'] }, { dropNulls: false })
  expect(check([{ line: 1, row: {} }])).toEqual([
    { line: 1, error: "The row must have required property 'constructor'" },
  ])
})
