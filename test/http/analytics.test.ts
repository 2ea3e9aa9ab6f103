import { createHash } from 'node:crypto'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from '@jest/globals'
import { analyticsProcess } from '../../shared/adapters/analytics-process.ts'
import { writeMedia } from '../../shared/core/media-store.ts'
import { parquetFile } from '../../shared/data/parquet-writer.ts'
import { objectKeyOf, type MediaBody } from '../../shared/domain/asset.ts'
import { testClouds, type TestClouds } from './fixture.ts'

const program = fileURLToPath(new URL('../../local/analytics/engine.ts', import.meta.url))
const analytics = analyticsProcess({ program, wallMsMax: 20_000 })

/** An asset of tenant acme with a Parquet copy of three rows at the first site. */
async function withTable(clouds: TestClouds, id: string): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'catamaran-http-'))
  try {
    const path = join(folder, 'rows.parquet')
    await using file = await parquetFile(path, { n: 'integer', name: 'string' })
    for (const n of [1, 2, 3]) file.add({ n, name: `row ${n}` })
    await file.finish()
    const bytes = await readFile(path)
    const sha256 = createHash('sha256').update(bytes).digest('hex')
    const objectKey = objectKeyOf('acme', id, sha256)
    const mediaType = 'application/vnd.apache.parquet'
    await clouds.aws.services.objects.put(objectKey, bytes, { mediaType })
    await clouds.aws.call('POST', '/v1/assets', { json: { id, name: 'a.csv', mediaType: 'text/csv' } })
    const about = { name: 'parquet', version: 1, objectKey, mediaType, bytes: bytes.length, sha256, crc64nvme: '0' }
    const columns = ['n', 'name'].map((name) => ({ name, type: name === 'n' ? 'integer' : 'string' }))
    const media: MediaBody = {
      status: 'ready',
      version: 'v1',
      job: 'j',
      site: 'aws',
      properties: { columns },
      renditions: [{ ...about, properties: { rows: 3, widened: [{ name: 'n', type: 'number' }] } }],
    }
    await writeMedia(clouds.aws.services, 'acme', id, () => media)
    await clouds.sites.flush()
    return objectKey
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

const ask = (id: string) => ({ sql: 'SELECT sum(n)::INT AS total FROM t', tables: { t: id } })

test('a tenant queries its own tables, and no other', async () => {
  const clouds = await testClouds({ analytics })
  const { aws, azure, keys, keyWith } = clouds
  await withTable(clouds, 'table')
  const found = await aws.call('POST', '/v1/analytics/query', { json: ask('table') })
  expect([found.status, found.json]).toEqual([
    200,
    { columns: [{ name: 'total', type: 'INTEGER' }], rows: [[6]], truncated: false },
  ])
  expect((await aws.call('POST', '/v1/analytics/query', { json: ask('table'), key: keys.other })).status).toBe(404)
  expect((await aws.call('POST', '/v1/analytics/query', { json: ask('none') })).status).toBe(404)
  await aws.call('POST', '/v1/assets', { json: { id: 'note', name: 'a.txt', mediaType: 'text/plain' } })
  expect((await aws.call('POST', '/v1/analytics/query', { json: ask('note') })).status).toBe(409)
  const writer = await keyWith(['assets:write'])
  expect((await aws.call('POST', '/v1/analytics/query', { json: ask('table'), key: writer })).status).toBe(403)
  // Its record is there, its bytes are not yet.
  const there = await azure.call('POST', '/v1/analytics/query', { json: ask('table') })
  expect([there.status, there.json['code'], there.headers.get('retry-after')]).toEqual([503, 'unavailable', '2'])
  const wrong = await aws.call('POST', '/v1/analytics/query', { json: { ...ask('table'), sql: 'DROP VIEW t' } })
  expect([wrong.status, wrong.json['code']]).toEqual([400, 'invalid-request'])
})

test('names, lengths and numbers of tables are bounded', async () => {
  const { aws } = await testClouds({ analytics })
  const many = Object.fromEntries(Array.from({ length: 11 }, (_, index) => [`t${index}`, 'table']))
  for (const json of [
    { sql: 'SELECT 1', tables: { 'a"; DROP': 'table' } },
    { sql: 'SELECT 1', tables: many },
    { sql: 'x'.repeat(10_001), tables: {} },
    { sql: 'SELECT 1', tables: {}, limit: 5_001 },
  ]) {
    expect((await aws.call('POST', '/v1/analytics/query', { json })).status).toBe(400)
  }
})

test('a site without an engine says so, and how the file is queried elsewhere', async () => {
  const clouds = await testClouds()
  const objectKey = await withTable(clouds, 'table')
  const none = await clouds.azure.call('POST', '/v1/analytics/query', { json: ask('table') })
  expect([none.status, none.json['code']]).toEqual([503, 'unavailable'])
  const path = '/v1/assets/table/table-definition'
  const given = await clouds.azure.call('GET', `${path}?engine=athena&name=t&store=s3://bucket`)
  expect(given.json['sql']).toContain(`"$path" = 's3://bucket/${objectKey}'`)
  // The type that the copy has, not the one that was found first.
  expect(given.json['sql']).toContain('`n` double')
  for (const query of [
    'engine=oracle&name=t&store=s3://b',
    "engine=athena&name=t&store=s3://b'--",
    'engine=athena&name=t&store=/etc',
  ]) {
    expect((await clouds.azure.call('GET', `${path}?${query}`)).status).toBe(400)
  }
  const other = { key: clouds.keys.other }
  expect((await clouds.azure.call('GET', `${path}?engine=athena&name=t&store=s3://bucket`, other)).status).toBe(404)
})
