import { expect, test } from '@jest/globals'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { analyticsProcess } from '../../shared/adapters/analytics-process.ts'
import { runExport } from '../../shared/core/export-run.ts'
import { writeMark } from '../../shared/core/replication-marks.ts'
import type { WorkTools } from '../../shared/core/work-tools.ts'
import { itemsOf, records, testClouds, textOf, type TestClouds } from './fixture.ts'

const program = fileURLToPath(new URL('../../local/analytics/engine.ts', import.meta.url))
const analytics = analyticsProcess({ program, wallMsMax: 20_000 })
const work = {
  workFolder: async () => {
    const path = await mkdtemp(join(tmpdir(), 'export-http-'))
    return { path, remove: () => rm(path, { recursive: true, force: true }) }
  },
} as WorkTools

/** A day with three notes, and the day after it. */
async function dayLater({ aws, sites }: TestClouds): Promise<string> {
  const date = new Date(sites.clock.now()).toISOString().slice(0, 10)
  for (const n of [1, 2, 3])
    await aws.call('PUT', `${records}/n${n}`, { json: { n }, headers: { 'if-none-match': '*' } })
  await sites.flush()
  await sites.clock.advance(26 * 3_600_000)
  const ms = sites.clock.now()
  await writeMark(aws.services, 'replicated-until', { ms, atMs: ms })
  return date
}

test('a day is asked for, made, shown, and queried by its asset', async () => {
  const clouds = await testClouds({ analytics })
  const { aws, sites } = clouds
  const date = await dayLater(clouds)
  const path = `/v1/exports/records/${date}`
  expect((await aws.call('GET', path)).status).toBe(404)
  const asked = await aws.call('POST', '/v1/exports', { json: { kind: 'records', date } })
  expect([asked.status, asked.json['state'], asked.json['site']]).toEqual([202, 'waiting', 'aws'])
  await runExport(
    aws.services,
    work,
    { tenant: 'acme', id: `records-${date}`, takeover: false },
    new AbortController().signal,
  )
  const { json } = await aws.call('GET', path)
  const done = { kind: 'records', date, state: 'done', rows: 3, complete: true, asset: `export-records-${date}` }
  expect(json).toMatchObject(done)
  expect(itemsOf(await aws.call('GET', '/v1/exports'))).toEqual([json])
  await sites.flush()
  const sql = "SELECT id, (body::JSON->>'n')::INT AS n, deleted FROM e ORDER BY id"
  const found = await aws.call('POST', '/v1/analytics/query', { json: { sql, tables: { e: done.asset } } })
  expect([found.status, found.json['rows']]).toEqual([
    200,
    [
      ['n1', 1, false],
      ['n2', 2, false],
      ['n3', 3, false],
    ],
  ])
})

test('days and kinds that are none, keys that may not, and other tenants', async () => {
  const clouds = await testClouds()
  const { aws, keys, keyWith } = clouds
  const date = await dayLater(clouds)
  const ask = (day: string, kind = 'records', key = keys.acme) =>
    aws.call('POST', '/v1/exports', { json: { kind, date: day }, key })
  for (const day of ['2026-02-30', 'today', '']) expect((await ask(day)).status).toBe(400)
  expect((await ask(date, 'secrets')).status).toBe(400)
  const tomorrow = await ask('2100-01-01')
  expect([tomorrow.status, tomorrow.json['code'], tomorrow.headers.has('retry-after')]).toEqual([409, 'conflict', true])
  expect((await ask('2001-01-01')).status).toBe(410)
  const reader = await keyWith(['records:read'])
  expect((await ask(date, 'records', reader)).status).toBe(403)
  await ask(date)
  expect((await aws.call('GET', `/v1/exports/records/${date}`, { key: reader })).status).toBe(200)
  expect((await aws.call('GET', `/v1/exports/records/${date}`, { key: keys.other })).status).toBe(404)
  expect(itemsOf(await aws.call('GET', '/v1/exports', { key: keys.other }))).toEqual([])
})

test('the statements name the folder of the tenant that asks, and nothing else', async () => {
  const { aws, keys } = await testClouds()
  const ask = (query: string, key = keys.acme) => aws.call('GET', `/v1/export-tables/events?${query}`, { key })
  const own = await ask('engine=athena&name=e&store=s3://bucket')
  expect(own.json['sql']).toContain("'s3://bucket/objects/acme/export-events-${export_date}/'")
  const theirs = await ask('engine=synapse&name=e&store=https://a.dfs.core.windows.net/objects', keys.other)
  expect(theirs.json['sql']).toContain('/objects/objects/other/export-events-*/*')
  expect(textOf(theirs.json['sql'])).not.toContain('latest')
  for (const query of [
    'engine=oracle&name=e&store=s3://b',
    "engine=athena&name=e'&store=s3://b",
    'engine=athena&name=e',
  ]) {
    expect((await ask(query)).status).toBe(400)
  }
})

test('what is exported each day is set for the own tenant alone', async () => {
  const { aws, keys, keyWith } = await testClouds()
  const path = '/v1/export-settings'
  const put = (kinds: unknown, key = keys.acme) => aws.call('PUT', path, { json: { kinds }, key })
  expect((await aws.call('GET', path)).json).toEqual({ kinds: [] })
  expect((await put(['events', 'records', 'records'])).status).toBe(400)
  expect((await put(['secrets'])).status).toBe(400)
  expect((await put(['records'], await keyWith(['records:read']))).status).toBe(403)
  expect((await put(['events', 'records'])).json).toEqual({ kinds: ['records', 'events'] })
  expect((await aws.call('GET', path)).json).toEqual({ kinds: ['records', 'events'] })
  expect((await aws.call('GET', path, { key: keys.other })).json).toEqual({ kinds: [] })
})
