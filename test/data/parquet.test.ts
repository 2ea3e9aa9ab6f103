import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DuckDBInstance } from '@duckdb/node-api'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { asyncBufferFromFile, parquetMetadataAsync, parquetReadObjects } from 'hyparquet'
import { microsOf } from '../../shared/data/instant.ts'
import { parquetFile } from '../../shared/data/parquet-writer.ts'
import type { ColumnTypes } from '../../shared/data/row.ts'
import type { JsonObject } from '../../shared/domain/json.ts'

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'catamaran-parquet-'))
})
afterAll(() => rm(folder, { recursive: true, force: true }))

let files = 0

async function write(types: ColumnTypes, rows: Iterable<JsonObject>) {
  const path = join(folder, `${++files}.parquet`)
  await using file = await parquetFile(path, types)
  for (const row of rows) if (file.add(row)) await file.flush()
  await file.finish()
  const buffer = await asyncBufferFromFile(path)
  return { path, file, buffer, read: () => parquetReadObjects({ file: buffer }) }
}

test('every type comes back as it went in, nulls and absent members as null', async () => {
  const types = { id: 'integer', ratio: 'number', yes: 'boolean', day: 'date', at: 'datetime', name: 'string' } as const
  const rows = [
    {
      id: 9_007_199_254_740_991,
      ratio: -0.1,
      yes: true,
      day: '2024-02-29',
      at: '2024-02-29T23:59:59.123456Z',
      name: 'Zürich\n"a"',
    },
    { id: -1, ratio: 1e300, yes: false, day: '0099-12-31', at: '1969-12-31 23:59', name: '' },
    { id: null, ratio: null, yes: null, day: null, at: '2024-01-01T00:00:00+05:30', name: { nested: [1, 'x'] } },
    {},
  ]
  const { read, file } = await write(types, rows)
  expect(file.misfits.size).toBe(0)
  expect(await read()).toEqual([
    {
      id: 9_007_199_254_740_991n,
      ratio: -0.1,
      yes: true,
      day: new Date('2024-02-29'),
      at: new Date('2024-02-29T23:59:59.123Z'),
      name: 'Zürich\n"a"',
    },
    { id: -1n, ratio: 1e300, yes: false, day: new Date('0099-12-31'), at: new Date('1969-12-31T23:59:00Z'), name: '' },
    { id: null, ratio: null, yes: null, day: null, at: new Date('2023-12-31T18:30:00Z'), name: '{"nested":[1,"x"]}' },
    { id: null, ratio: null, yes: null, day: null, at: null, name: null },
  ])
})

test('DuckDB reads it with the same types and values', async () => {
  const types = { id: 'integer', ratio: 'number', yes: 'boolean', day: 'date', at: 'datetime', name: 'string' } as const
  const rows = Array.from({ length: 60_000 }, (_, n) => ({
    id: n - 5,
    ratio: n / 7,
    yes: n % 3 === 0,
    day: '2024-02-29',
    at: `2024-01-01T00:00:${10 + (n % 50)}.000001Z`,
    name: n % 2 === 0 ? null : `naïve ${n % 1_000}`,
  }))
  const { path } = await write(types, rows)
  const connection = await (await DuckDBInstance.create(':memory:', { threads: '1' })).connect()
  const described = await connection.runAndReadAll(`DESCRIBE SELECT * FROM read_parquet('${path}')`)
  expect(described.getRowsJson().map(([name, type]) => [name, type])).toEqual([
    ['id', 'BIGINT'],
    ['ratio', 'DOUBLE'],
    ['yes', 'BOOLEAN'],
    ['day', 'DATE'],
    ['at', 'TIMESTAMP WITH TIME ZONE'],
    ['name', 'VARCHAR'],
  ])
  const sums = await connection.runAndReadAll(
    `SELECT count(*)::INT, sum(id)::DOUBLE, sum(ratio), count(*) FILTER (WHERE yes)::INT, count(name)::INT, count(DISTINCT name)::INT,
     min(day)::VARCHAR, min(epoch_us("at"))::VARCHAR FROM read_parquet('${path}')`,
  )
  const [found = []] = sums.getRowsJson()
  const total = rows.reduce((sum, { ratio }) => sum + ratio, 0)
  expect(found[2]).toBeCloseTo(total, 3)
  expect(found.toSpliced(2, 1)).toEqual([
    60_000,
    1_799_670_000,
    20_000,
    30_000,
    500,
    '2024-02-29',
    String(Date.UTC(2024, 0, 1, 0, 0, 10) * 1_000 + 1),
  ])
  connection.closeSync()
})

test('many rows are many row groups, and each holds what it should', async () => {
  const count = 120_000
  function* rows(): Generator<JsonObject> {
    for (let n = 0; n < count; n++) yield { n, text: `row ${n}` }
  }
  const { buffer, read } = await write({ n: 'integer', text: 'string' }, rows())
  const metadata = await parquetMetadataAsync(buffer)
  expect(Number(metadata.num_rows)).toBe(count)
  expect(metadata.row_groups.length).toBeGreaterThanOrEqual(3)
  const found = await read()
  expect(found.length).toBe(count)
  expect(found.every(({ n, text }, index) => n === BigInt(index) && text === `row ${index}`)).toBe(true)
})

test('what does not fit is told with the type that takes it all, new columns too', async () => {
  const types = { a: 'integer', b: 'integer', c: 'date', d: 'datetime', e: 'boolean' } as const
  const rows = [
    { a: 1, b: 1 },
    { a: 1.5, b: 'x' },
    { c: '2024-01-01T00:00:00Z', d: '2024-01-01T00:00:00.123456789Z', e: 0 },
    { f: 1 },
    { f: 2.5 },
  ]
  const { file } = await write(types, rows)
  const wider = Object.fromEntries(file.misfits)
  expect(wider).toEqual({ a: 'number', b: 'string', c: 'string', d: 'string', e: 'string', f: 'number' })
  const again = await write({ ...types, ...wider } as ColumnTypes, rows)
  expect(again.file.misfits.size).toBe(0)
  expect((await again.read())[1]).toEqual({ a: 1.5, b: 'x', c: null, d: null, e: null, f: null })
})

test('hostile column names are names', async () => {
  const row = JSON.parse('{"__proto__":1,"constructor":"x","a.b":true,"":2,"2020":3}') as JsonObject
  const types = JSON.parse(
    '{"__proto__":"integer","constructor":"string","a.b":"boolean","":"integer","2020":"integer"}',
  ) as ColumnTypes
  const { buffer } = await write(types, [row])
  const { schema } = await parquetMetadataAsync(buffer)
  expect(
    schema
      .slice(1)
      .map(({ name }) => name)
      .sort(),
  ).toEqual(['', '2020', '__proto__', 'a.b', 'constructor'])
})

test('the same rows make the same bytes', async () => {
  const rows = Array.from({ length: 2_000 }, (_, n) => ({ n, at: '2024-01-01' }))
  const [one, two] = [await write({ n: 'integer', at: 'date' }, rows), await write({ n: 'integer', at: 'date' }, rows)]
  expect((await readFile(one.path)).equals(await readFile(two.path))).toBe(true)
})

test.each([
  ['1970-01-01', 0n],
  ['0001-01-01', -62_135_596_800_000_000n],
  ['9999-12-31T23:59:59.999999Z', 253_402_300_799_999_999n],
  ['2024-01-01T00:00:00-0330', 1_704_079_800_000_000n],
  ['2024-01-01T00:00:00.1234567Z', undefined],
])('%s is %s microseconds after 1970', (text, micros) => {
  expect(microsOf(text)).toBe(micros)
})
