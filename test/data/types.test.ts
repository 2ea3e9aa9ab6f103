import { expect, test } from '@jest/globals'
import fc from 'fast-check'
import { detectDelimiter } from '../../shared/data/delimiter.ts'
import { inspectRows } from '../../shared/data/inspect.ts'
import { joinTypes, typeOfText, valueOf, type ColumnType } from '../../shared/data/types.ts'

test.each<[string, ColumnType | undefined]>([
  ['', undefined],
  ['0', 'integer'],
  ['-12', 'integer'],
  ['9007199254740991', 'integer'],
  ['9007199254740993', 'string'],
  ['007', 'string'],
  ['+49', 'string'],
  ['-0', 'string'],
  ['1.50', 'number'],
  ['-0.25', 'number'],
  ['1e6', 'number'],
  ['1e999', 'string'],
  ['0.12345678901234567890', 'string'],
  ['1,5', 'string'],
  ['True', 'boolean'],
  ['yes', 'string'],
  ['2024-02-29', 'date'],
  ['2023-02-29', 'string'],
  ['2024-13-01', 'string'],
  ['2024-02-29T23:59:59.123Z', 'datetime'],
  ['2024-02-29 23:59', 'datetime'],
  ['2024-02-29T24:00:00Z', 'string'],
  ['2024-02-29T10:00:00+05:30', 'datetime'],
  ['NaN', 'string'],
  ['Infinity', 'string'],
  ['0x10', 'string'],
])('%j is %s', (text, type) => {
  expect(typeOfText(text)).toBe(type)
})

test('a number that was recognised never loses a digit', () => {
  fc.assert(
    fc.property(fc.double({ noNaN: true, noDefaultInfinity: true }), (value) => {
      const text = String(value)
      const read = valueOf(text, 'number')
      expect(typeof read === 'number' ? read : Number(read)).toBe(Object.is(value, -0) ? 0 : value)
    }),
  )
})

test('joining types is commutative and associative', () => {
  const types = fc.constantFrom<ColumnType | undefined>(
    'integer',
    'number',
    'boolean',
    'date',
    'datetime',
    'string',
    undefined,
  )
  fc.assert(
    fc.property(types, types, types, (a, b, c) => {
      expect(joinTypes(a, b)).toBe(joinTypes(b, a))
      expect(joinTypes(joinTypes(a, b), c)).toBe(joinTypes(a, joinTypes(b, c)))
    }),
  )
})

test('the columns of a table get their types over all rows', async () => {
  const lines = ['id,zip,price,when,flag,empty']
  for (let id = 1; id <= 3_000; id++)
    lines.push(`${id},${id === 2_900 ? '00501' : 10_000 + id},${id / 4},2024-01-01,true,`)
  async function* source(): AsyncGenerator<Uint8Array> {
    yield Buffer.from(lines.join('\n'))
  }
  const found = await inspectRows(source, { format: 'csv', signal: new AbortController().signal })
  expect(found).toMatchObject({
    tabular: true,
    complete: true,
    options: { format: 'csv', delimiter: ',', encoding: 'utf-8' },
  })
  expect(found.types).toEqual({
    id: 'integer',
    zip: 'string',
    price: 'number',
    when: 'date',
    flag: 'boolean',
    empty: 'string',
  })
})

test('prose has no delimiter', () => {
  expect(detectDelimiter('Dear all,\nthe boat leaves at nine.\nBring water, hats, and oars.\n')).toBeUndefined()
})
