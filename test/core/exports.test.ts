import { afterEach, beforeEach, expect, test } from '@jest/globals'
import { DuckDBInstance } from '@duckdb/node-api'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { createAssetFromBytes, deleteAsset, getAsset, patchAsset, restoreAsset } from '../../shared/core/assets.ts'
import { writeExportSettings } from '../../shared/core/export-daily.ts'
import { readExport, requestExport } from '../../shared/core/exports.ts'
import { writeMark } from '../../shared/core/replication-marks.ts'
import { writeRecord } from '../../shared/core/records.ts'
import { exportDdl } from '../../shared/data/export-ddl.ts'
import { assetKey } from '../../shared/domain/asset.ts'
import { exportAssetId, exportColumns, type ExportKind } from '../../shared/domain/export.ts'
import type { JsonObject } from '../../shared/domain/json.ts'
import { ingestWorld, tenant, type IngestSite, type IngestWorld } from './ingest-world.ts'

const none = { precondition: { kind: 'none' } } as const
const day = (number: number): string => new Date(startMs + number * 86_400_000).toISOString().slice(0, 10)
let world: IngestWorld
let folder: string
let startMs: number

beforeEach(async () => {
  world = await ingestWorld()
  folder = await mkdtemp(join(tmpdir(), 'exports-'))
  startMs = Math.floor(world.clock.now() / 86_400_000) * 86_400_000
})
afterEach(async () => {
  await world.close()
  await rm(folder, { recursive: true })
})

const write = (site: IngestSite, collection: string, id: string, body: JsonObject | null, of = tenant) =>
  writeRecord(site.services, { tenant: of, collection, id }, none, () => body)

/** As after a clean comparison: all that the peer wrote has come. */
async function hours(count: number): Promise<void> {
  await world.settle()
  await world.clock.advance(count * 3_600_000)
  for (const { services } of [world.aws, world.azure]) {
    await writeMark(services, 'replicated-until', { ms: world.clock.now(), atMs: world.clock.now() })
  }
}

async function made(kind: ExportKind, date: string, site = world.aws): Promise<void> {
  await requestExport(site.services, tenant, { kind, date })
  await world.settle()
}

/** The statements for DuckDB over a store that is a folder. */
async function ask(kind: ExportKind, sql: string, site = world.azure): Promise<unknown[]> {
  for (const { info, bytes } of site.objects.all()) {
    const path = join(folder, info.key)
    await mkdir(dirname(path), { recursive: true })
    await writeFile(path, bytes)
  }
  const table = {
    name: 't',
    columns: Object.entries(exportColumns[kind]).map(([name, type]) => ({ name, type })),
    folder: `${folder}/objects/${tenant}`,
    prefix: exportAssetId({ kind, date: '' }),
    since: '2026-01-01',
    ...(kind === 'records' ? { subject: ['collection', 'id'] } : {}),
  }
  const instance = await DuckDBInstance.create(':memory:')
  const connection = await instance.connect()
  await connection.run(exportDdl('duckdb', table))
  const rows = (await connection.runAndReadAll(sql)).getRowsJson()
  connection.closeSync()
  instance.closeSync()
  return rows
}

test('every state of a day is a row, deletions as such, and no other day, tenant or system record', async () => {
  await write(world.aws, 'notes', 'a', { n: 1 })
  await write(world.aws, 'notes', 'b', { n: 1 })
  await write(world.aws, 'notes', 'x', { n: 1 }, 't2')
  await hours(2)
  await write(world.azure, 'notes', 'a', { n: 2 })
  await write(world.aws, 'notes', 'b', null)
  await write(world.aws, 'words', 'c', { text: 'ü"\n\t', list: [1, null] })
  await hours(24)
  await write(world.aws, 'notes', 'a', { n: 3 })
  await hours(24)
  await made('records', day(0))
  const words = JSON.stringify({ list: [1, null], text: 'ü"\n\t' })
  const rows = await ask('records', 'SELECT collection, id, deleted, body, site FROM t')
  expect(rows).toEqual([
    ['notes', 'a', false, '{"n":1}', 'aws'],
    ['notes', 'a', false, '{"n":2}', 'azure'],
    ['notes', 'b', false, '{"n":1}', 'aws'],
    ['notes', 'b', true, null, 'aws'],
    ['words', 'c', false, words, 'aws'],
  ])
  await made('records', day(1), world.azure)
  expect(await ask('records', 'SELECT export_date, count(*)::INT FROM t GROUP BY 1 ORDER BY 1')).toEqual([
    [day(0), 5],
    [day(1), 1],
  ])
  const latest = await ask('records', "SELECT id, body, strftime(written_at, '%H') FROM t_latest ORDER BY 1")
  expect(latest).toEqual([
    ['a', '{"n":3}', '02'],
    ['c', words, '02'],
  ])
})

test('made twice, long after, it has the same bytes under the same name, whatever was changed meanwhile', async () => {
  for (let n = 0; n < 300; n++) await write(world.aws, 'notes', `n${n}`, { n })
  await hours(26)
  await made('records', day(0))
  const first = await readExport(world.azure.services, tenant, { kind: 'records', date: day(0) })
  expect(first).toMatchObject({ state: 'done', site: 'aws', rows: 300, complete: true })
  for (let n = 0; n < 300; n += 3) await write(world.azure, 'notes', `n${n}`, n % 2 ? null : { n: -n })
  await hours(240)
  const waiting = {
    kind: 'records',
    date: day(0),
    site: 'aws',
    state: 'waiting',
    attempts: 0,
    asset: first?.asset ?? '',
  }
  await write(world.aws, '_exports', `records-${day(0)}`, waiting)
  await world.aws.services.jobs.send({ kind: 'export', payload: { tenant, export: `records-${day(0)}` } })
  await world.settle()
  expect(await readExport(world.aws.services, tenant, { kind: 'records', date: day(0) })).toEqual(first)
  const objects = world.azure.objects.all().filter(({ info }) => info.key.startsWith('objects/'))
  expect(objects.map(({ info }) => info.key)).toEqual([`objects/${tenant}/${first?.asset}/${first?.sha256}`])
})

test('what becomes of assets: one event for each turn of their way', async () => {
  const { services } = world.aws
  const input = { id: 'photo', name: 'a.jpg', mediaType: 'image/jpeg', labels: { album: 'x' } }
  await createAssetFromBytes(services, tenant, input, Buffer.from('pixels'))
  await hours(1)
  await patchAsset(services, tenant, 'photo', { name: 'b.jpg' }, none)
  await hours(1)
  await createAssetFromBytes(services, tenant, { ...input, id: 'bad' }, Buffer.from('BAD pixels'))
  await hours(1)
  await deleteAsset(services, tenant, 'photo', none)
  await hours(1)
  await restoreAsset(services, tenant, 'photo', none)
  await hours(26)
  await made('events', day(0))
  const rows = await ask('events', 'SELECT asset, event, name, kind, bytes, error FROM t')
  expect(rows).toEqual([
    ['photo', 'created', 'a.jpg', null, '6', null],
    ['photo', 'uploaded', null, null, '6', null],
    ['photo', 'ready', null, 'image', '6', null],
    ['photo', 'updated', 'b.jpg', null, '6', null],
    ['bad', 'created', 'a.jpg', null, '10', null],
    ['bad', 'uploaded', null, null, '10', null],
    ['bad', 'failed', null, null, '10', 'invalid-media'],
    ['photo', 'deleted', null, null, null, null],
    ['photo', 'restored', 'b.jpg', null, '6', null],
  ])
})

test('an export is an asset at both sites, whose bytes are at both', async () => {
  await write(world.aws, 'notes', 'a', { n: 1 })
  await hours(26)
  await made('records', day(0), world.azure)
  const id = exportAssetId({ kind: 'records', date: day(0) })
  for (const { services } of [world.aws, world.azure]) {
    const view = await getAsset(services, tenant, id)
    expect(view).toMatchObject({ status: 'ready', kind: 'data', bytesHere: true, source: { kind: 'export' } })
    expect([view?.name, view?.labels]).toEqual([
      `exports/records/date=${day(0)}.parquet`,
      { export: 'records', date: day(0) },
    ])
    expect(view?.renditions.map(({ name }) => name)).toEqual(['parquet'])
  }
})

test('a day that nothing happened in is an export without rows', async () => {
  await hours(50)
  await made('records', day(1))
  expect(await ask('records', 'SELECT count(*)::INT FROM t')).toEqual([[0]])
})

test('a day that is not over, one that is forgotten and one that is none are refused', async () => {
  const ask1 = (date: string) => requestExport(world.aws.services, tenant, { kind: 'records', date })
  await expect(ask1(day(0))).rejects.toMatchObject({ code: 'conflict' })
  await expect(ask1('2025-02-30')).rejects.toMatchObject({ code: 'invalid-request' })
  await expect(ask1('2020-01-01')).rejects.toMatchObject({ code: 'gone' })
  await hours(24)
  await expect(ask1(day(0))).rejects.toMatchObject({ code: 'conflict' })
  await hours(1)
  expect((await ask1(day(0))).state).toBe('waiting')
})

test('it waits for what the other site wrote that day, a day long at most', async () => {
  await write(world.aws, 'notes', 'a', { n: 1 })
  await world.clock.advance(26 * 3_600_000)
  await made('records', day(0))
  const found = () => readExport(world.aws.services, tenant, { kind: 'records', date: day(0) })
  expect((await found())?.state).toBe('waiting')
  world.azure.isUp = false
  await write(world.aws, 'notes', 'b', { n: 1 })
  await world.pass(15)
  expect((await found())?.state).toBe('waiting')
  await world.clock.advance(24 * 3_600_000)
  await world.pass(15)
  expect(await found()).toMatchObject({ state: 'done', complete: false, rows: 1 })
})

test('a message that is lost is sent again; when the site that was asked is gone, the other one makes it', async () => {
  await write(world.aws, 'notes', 'a', { n: 1 })
  await hours(26)
  await requestExport(world.aws.services, tenant, { kind: 'records', date: day(0) })
  await requestExport(world.aws.services, tenant, { kind: 'events', date: day(0) })
  while (world.aws.queue.receive()) {
    // Lost.
  }
  for (let turns = 0; turns < 4; turns++) await world.settle()
  world.aws.isUp = false
  await world.pass(45)
  const there = await readExport(world.azure.services, tenant, { kind: 'records', date: day(0) })
  expect(there).toMatchObject({ state: 'done', site: 'azure', rows: 1 })
  world.aws.isUp = true
  await world.pass(20)
  const here = await readExport(world.aws.services, tenant, { kind: 'records', date: day(0) })
  expect([here?.state, here?.sha256]).toEqual(['done', there?.sha256])
  expect((await readExport(world.aws.services, tenant, { kind: 'events', date: day(0) }))?.state).toBe('done')
})

test('one that fails is tried six times, is told, and is begun again when it is asked for again', async () => {
  await write(world.aws, 'notes', 'a', { n: 1 })
  const taken = exportAssetId({ kind: 'records', date: day(0) })
  const body = { name: 'mine', mediaType: 'text/plain', labels: {}, source: { kind: 'upload' } }
  await writeRecord(world.aws.services, assetKey(tenant, taken), none, () => body)
  await hours(26)
  await made('records', day(0))
  await world.pass(60)
  const found = () => readExport(world.azure.services, tenant, { kind: 'records', date: day(0) })
  expect(await found()).toMatchObject({ state: 'failed', attempts: 6, error: { code: 'already-exists' } })
  await deleteAsset(world.aws.services, tenant, taken, none)
  await made('records', day(0))
  expect((await found())?.state).toBe('done')
})

test('each day is exported without being asked for, those that were missed too, by the other site when that is away', async () => {
  await writeExportSettings(world.aws.services, tenant, ['records'])
  await write(world.aws, 'notes', 'a', { n: 1 })
  await hours(26)
  await world.pass(3)
  const state = async (number: number, site = world.aws) =>
    (await readExport(site.services, tenant, { kind: 'records', date: day(number) }))?.state
  expect([await state(0), await state(1), await state(0, world.azure)]).toEqual(['done', undefined, 'done'])
  world.aws.isUp = false
  await hours(48)
  await world.pass(40)
  expect([await state(1, world.azure), await state(2, world.azure)]).toEqual(['done', 'done'])
  world.aws.isUp = true
  await writeExportSettings(world.azure.services, tenant, [])
  await hours(48)
  await world.pass(40)
  expect([await state(4), await state(4, world.azure)]).toEqual([undefined, undefined])
  expect(await readExport(world.aws.services, tenant, { kind: 'events', date: day(0) })).toBeUndefined()
})
