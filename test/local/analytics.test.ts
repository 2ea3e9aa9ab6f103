import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createReadStream } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { analyticsProcess } from '../../shared/adapters/analytics-process.ts'
import { runQuery } from '../../local/analytics/query.ts'
import { parquetFile } from '../../shared/data/parquet-writer.ts'
import type { AnalyticsResult, AnalyticsTable } from '../../shared/ports/analytics.ts'

const program = fileURLToPath(new URL('../../local/analytics/engine.ts', import.meta.url))
const engine = analyticsProcess({ program, wallMsMax: 20_000 })
const hasty = analyticsProcess({ program, wallMsMax: 4_000 })
const never = new AbortController().signal

let folder: string
let secret: string
let cities: AnalyticsTable
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'catamaran-analytics-'))
  secret = join(folder, 'secret.txt')
  await writeFile(secret, 'the secret of another tenant')
  const path = join(folder, 'cities.parquet')
  await writeFile(join(folder, 'other.parquet'), 'PAR1')
  await using file = await parquetFile(path, { name: 'string', size: 'integer', at: 'datetime', ratio: 'number' })
  for (let n = 0; n < 3_000; n++) {
    file.add({ name: `city ${n % 3}`, size: n === 0 ? 2 ** 53 - 1 : n, at: '2024-01-01T00:00:00Z', ratio: n / 4 })
  }
  await file.finish()
  const { length } = await readFile(path)
  cities = {
    name: 'cities',
    bytes: length,
    open: async () => Readable.toWeb(createReadStream(path)) as ReadableStream<Uint8Array>,
  }
})
afterAll(() => rm(folder, { recursive: true, force: true }))

const query = (sql: string, on = engine, rowsMax = 1_000): Promise<AnalyticsResult> =>
  on.query({ sql, tables: [cities], rowsMax }, never)

test('a query finds what is there, with its types', async () => {
  const sql =
    'SELECT name, count(*) n, max(size) most, min("at") began, avg(ratio) mean FROM cities GROUP BY 1 ORDER BY 1'
  expect(await query(sql)).toEqual({
    columns: [
      { name: 'name', type: 'VARCHAR' },
      { name: 'n', type: 'BIGINT' },
      { name: 'most', type: 'BIGINT' },
      { name: 'began', type: 'TIMESTAMP WITH TIME ZONE' },
      { name: 'mean', type: 'DOUBLE' },
    ],
    rows: [
      ['city 0', '1000', '9007199254740991', '2024-01-01 00:00:00+00', 374.625],
      ['city 1', '1000', '2998', '2024-01-01 00:00:00+00', 374.875],
      ['city 2', '1000', '2999', '2024-01-01 00:00:00+00', 375.125],
    ],
    truncated: false,
  })
})

test('rows and their bytes are bounded', async () => {
  const some = await query('SELECT size FROM cities', engine, 10)
  expect([some.rows.length, some.truncated]).toEqual([10, true])
  const wide = await query("SELECT repeat('x', 20000) FROM cities")
  expect(wide.rows.length).toBeLessThan(220)
  expect(wide.truncated).toBe(true)
})

test('no statement reads or writes a file, reaches the network, or loosens what binds it', async () => {
  const asked: string[] = []
  const server = createServer((request, response) => {
    asked.push(request.url ?? '')
    response.end()
  })
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve))
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/x`
  const before = await readdir(folder)
  const attacks = [
    `SELECT * FROM read_text('${secret}')`,
    `SELECT * FROM read_blob('${secret}')`,
    `SELECT * FROM read_csv('${secret}')`,
    `SELECT * FROM '${secret}'`,
    `SELECT * FROM read_parquet('${join(folder, 'other.parquet')}')`,
    `SELECT * FROM read_parquet('${folder}/*.parquet')`,
    `SELECT * FROM read_text('0.parquet/../../../../../../../../../../${secret}')`,
    `SELECT * FROM query('SELECT * FROM read_text(''${secret}'')')`,
    `SELECT * FROM query_table('${secret}')`,
    `SELECT * FROM glob('${folder}/*')`,
    `SELECT * FROM read_json('/proc/self/environ')`,
    `SELECT * FROM read_parquet('${url}.parquet')`,
    `SELECT * FROM read_csv('s3://bucket/x.csv')`,
    `COPY cities TO '${join(folder, 'out.csv')}'`,
    `COPY (SELECT 1) TO '${join(folder, 'out.csv')}'`,
    `EXPORT DATABASE '${folder}'`,
    `ATTACH '${join(folder, 'x.db')}' AS x`,
    'INSTALL httpfs',
    'LOAD httpfs',
    'SET enable_external_access = true',
    `SET allowed_paths = ['${secret}']`,
    'SET lock_configuration = false',
    "PRAGMA memory_limit = '8GB'",
    'CALL force_checkpoint()',
    `SELECT * FROM sniff_csv('${secret}')`,
    `SELECT * FROM parquet_metadata('${join(folder, 'other.parquet')}')`,
    `SELECT * FROM read_ndjson_objects('${secret}')`,
    'CREATE TABLE t AS SELECT 1',
    'DROP VIEW cities',
    `SELECT 1; SELECT * FROM read_text('${secret}')`,
    `CREATE SECRET s (TYPE s3)`,
    'SELECT',
    '',
  ]
  const loosened: string[] = []
  const tables = [{ name: 'cities', path: join(folder, 'cities.parquet') }]
  for (const sql of attacks) {
    const answer = await runQuery({ sql, tables, rowsMax: 10 })
    if (answer.ok || answer.code !== 'invalid-request' || answer.detail.includes('the secret of')) {
      loosened.push(`${sql}: ${JSON.stringify(answer)}`)
    }
  }
  server.close()
  expect(loosened).toEqual([])
  expect(asked).toEqual([])
  expect(await readdir(folder)).toEqual(before)
}, 180_000)

test('what it is told of itself holds no path of the site and no secret', async () => {
  const { rows } = await query(
    "SELECT current_setting('enable_external_access'), current_setting('lock_configuration')",
  )
  expect(rows).toEqual([[false, true]])
  const broken = query('SELECT * FROM nothing_of_the_kind')
  await expect(broken).rejects.toMatchObject({
    code: 'invalid-request',
    message: expect.not.stringContaining(tmpdir()),
  })
})

test('a query without end is ended, one that wants all memory too', async () => {
  const endless = 'WITH RECURSIVE r(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM r) SELECT count(*) FROM r'
  await expect(query(endless, hasty)).rejects.toMatchObject({ code: expect.stringMatching(/timed-out|too-large/) })
  await expect(query('SELECT count(*) FROM range(100000000000) a', hasty)).rejects.toMatchObject({ code: 'timed-out' })
  const large = 'SELECT list(a) FROM range(200000000) t(a)'
  await expect(query(large)).rejects.toMatchObject({ code: 'too-large' })
}, 120_000)

test('nothing is left behind, also when the caller goes away', async () => {
  const ours = async () => (await readdir(tmpdir())).filter((name) => name.startsWith('catamaran-query-'))
  const before = await ours()
  const going = new AbortController()
  const asked = engine.query(
    { sql: 'SELECT count(*) FROM range(100000000000) a', tables: [cities], rowsMax: 1 },
    going.signal,
  )
  setTimeout(() => going.abort(new Error('gone away')), 300)
  await expect(asked).rejects.toThrow('gone away')
  expect(await ours()).toEqual(before)
})
