import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DuckDBInstance } from '@duckdb/node-api'
import { expect, test } from '@jest/globals'
import { parquetFile } from '../../shared/data/parquet-writer.ts'
import { tableDdl } from '../../shared/data/table-ddl.ts'

const columns = [
  { name: 'id', type: 'integer' },
  { name: "it's", type: 'number' },
  { name: 'ok', type: 'boolean' },
  { name: 'day', type: 'date' },
  { name: 'at', type: 'datetime' },
  { name: 'na`me]"', type: 'string' },
] as const

test('Athena: a table over the folder, and a view of the one file', () => {
  const url = 's3://bucket/objects/t1/a1/0123'
  expect(
    tableDdl('athena', { name: 'cities', columns, url }),
  ).toBe(`CREATE EXTERNAL TABLE IF NOT EXISTS \`cities_files\` (
  \`id\` bigint,
  \`it's\` double,
  \`ok\` boolean,
  \`day\` date,
  \`at\` timestamp,
  \`na\`\`me]"\` string
)
STORED AS PARQUET
LOCATION 's3://bucket/objects/t1/a1/';

CREATE OR REPLACE VIEW "cities" AS
SELECT * FROM "cities_files" WHERE "$path" = 's3://bucket/objects/t1/a1/0123';
`)
})

test('Synapse: a view of the file with its types', () => {
  const url = 'https://account.dfs.core.windows.net/objects/objects/t1/a1/0123'
  expect(tableDdl('synapse', { name: 'cities', columns, url })).toBe(`CREATE OR ALTER VIEW [cities] AS
SELECT * FROM OPENROWSET(BULK '${url}', FORMAT = 'PARQUET')
WITH (
  [id] BIGINT,
  [it's] FLOAT,
  [ok] BIT,
  [day] DATE,
  [at] DATETIME2(6),
  [na\`me]]"] VARCHAR(8000) COLLATE Latin1_General_100_BIN2_UTF8
) AS [rows];
`)
})

test('DuckDB runs what it is given', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'catamaran-ddl-'))
  try {
    const path = join(folder, "it's.parquet")
    await using file = await parquetFile(path, Object.fromEntries(columns.map(({ name, type }) => [name, type])))
    file.add({ id: 1, 'na`me]"': 'x' })
    await file.finish()
    const connection = await (await DuckDBInstance.create(':memory:', { threads: '1' })).connect()
    await connection.run(tableDdl('duckdb', { name: 'ci"ties', columns, url: `file://${path}` }))
    const read = await connection.runAndReadAll('SELECT id::INT, "na`me]""" FROM "ci""ties"')
    expect(read.getRowsJson()).toEqual([[1, 'x']])
    connection.closeSync()
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
})
