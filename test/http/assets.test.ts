import { describe, expect, test } from '@jest/globals'
import { runJob } from '../../shared/core/jobs.ts'
import type { WorkTools } from '../../shared/core/work-tools.ts'
import type { JsonObject } from '../../shared/domain/json.ts'
import type { JobMessage } from '../../shared/ports/job-queue.ts'
import type { MemoryObjectStore } from '../memory/object-store.ts'
import type { MemoryTelemetry } from '../memory/telemetry.ts'
import { writeRecord } from '../../shared/core/records.ts'
import { analysisKey } from '../../shared/domain/analysis.ts'
import { mediaKey } from '../../shared/domain/asset.ts'
import { assetSchema } from '../../shared/http/schemas/assets.ts'
import { itemsOf, testClouds, type Answer, textOf } from './fixture.ts'

const assetOf = (answer: Answer): JsonObject => answer.json['asset'] as JsonObject
const planOf = (answer: Answer): JsonObject => answer.json['upload'] as JsonObject
const photo = { name: 'a.jpg', mediaType: 'image/jpeg', labels: { project: 'x' } }

describe('an asset', () => {
  test('is created with a plan, shown, changed, deleted and restored', async () => {
    const { aws } = await testClouds()
    const made = await aws.call('POST', '/v1/assets', { json: photo })
    const { id } = assetOf(made)
    const path = `/v1/assets/${textOf(id)}`
    expect([made.status, made.headers.get('location')]).toEqual([201, `https://aws.test${path}`])
    expect(planOf(made)).toMatchObject({ kind: 'single', site: 'aws', request: { method: 'PUT' } })
    const read = await aws.call('GET', path)
    expect(read.json).toMatchObject({ id, status: 'awaiting-upload', labels: { project: 'x' }, deleted: false })
    const etag = read.headers.get('etag') ?? ''
    expect([etag, etag]).toEqual([read.json['etag'], made.headers.get('etag')])
    expect((await aws.call('PATCH', path, { json: { name: 'b.jpg' } })).status).toBe(428)
    const patched = await aws.call('PATCH', path, {
      json: { name: 'b.jpg', labels: { project: null } },
      headers: { 'if-match': etag },
    })
    expect([patched.status, patched.json['name'], patched.json['labels']]).toEqual([200, 'b.jpg', {}])
    const stale = await aws.call('PATCH', path, { json: { name: 'c.jpg' }, headers: { 'if-match': etag } })
    expect([stale.status, stale.headers.get('etag')]).toEqual([412, patched.headers.get('etag')])
    const wrong = await aws.call('PATCH', path, { json: { status: 'ready' }, headers: { 'if-match': '*' } })
    expect(wrong.status).toBe(400)
    const gone = await aws.call('DELETE', path, { headers: { 'if-match': patched.headers.get('etag') ?? '' } })
    expect([gone.status, (await aws.call('GET', path)).status]).toEqual([204, 404])
    expect(itemsOf(await aws.call('GET', '/v1/assets?deleted=true'))).toMatchObject([
      { id, name: 'b.jpg', deleted: true },
    ])
    const back = await aws.call('POST', `${path}/restore`)
    expect([back.status, back.json['name'], back.json['deleted']]).toEqual([200, 'b.jpg', false])
  })

  test('has its own id when the client gives one, once', async () => {
    const { aws } = await testClouds()
    expect((await aws.call('POST', '/v1/assets', { json: { ...photo, id: 'mine' } })).status).toBe(201)
    const again = await aws.call('POST', '/v1/assets', { json: { ...photo, id: 'mine' } })
    expect([again.status, again.json['code']]).toEqual([412, 'already-exists'])
    expect((await aws.call('POST', '/v1/assets', { json: { ...photo, id: 'No/Good' } })).status).toBe(400)
  })

  test('is listed by filter and page', async () => {
    const { aws } = await testClouds()
    for (const n of [1, 2, 3])
      await aws.call('POST', '/v1/assets', { json: { ...photo, id: `p${n}`, name: `photo-${n}` } })
    await aws.call('POST', '/v1/assets', { json: { id: 'song', name: 'song', mediaType: 'audio/mpeg' } })
    const ids = async (query: string): Promise<unknown[]> =>
      itemsOf(await aws.call('GET', `/v1/assets?${query}`)).map(({ id }) => id)
    expect(await ids('namePrefix=photo-')).toEqual(['p1', 'p2', 'p3'])
    expect(await ids('mediaType=audio/mpeg')).toEqual(['song'])
    expect(await ids('status=ready')).toEqual([])
    expect((await aws.call('GET', '/v1/assets?status=lost')).status).toBe(400)
    const first = await aws.call('GET', '/v1/assets?limit=2&namePrefix=photo-')
    const cursor = textOf(first.json['next'])
    expect(await ids(`limit=2&namePrefix=photo-&cursor=${cursor}`)).toEqual(['p3'])
    const other = await aws.call('GET', `/v1/assets?limit=2&namePrefix=p&cursor=${cursor}`)
    expect([other.status, other.json['code']]).toEqual([400, 'invalid-cursor'])
  })
})

describe('bytes in the request', () => {
  test('are an asset named by query, header or disposition', async () => {
    const { aws } = await testClouds()
    const names: [string, Record<string, string>, string][] = [
      ['?name=q.csv', {}, 'q.csv'],
      ['', { 'x-asset-name': 'na%C3%AFve.csv' }, 'naïve.csv'],
      ['', { 'content-disposition': 'attachment; filename="d \\"e\\".csv"' }, 'd "e".csv'],
      ['', { 'content-disposition': "attachment; filename=x; filename*=UTF-8''%e2%82%ac.csv" }, '€.csv'],
      ['', { 'content-disposition': 'attachment; filename="../../etc/passwd"' }, 'passwd'],
      ['?name=data.json', { 'content-type': 'application/json' }, 'data.json'],
    ]
    for (const [query, headers, name] of names) {
      const answer = await aws.call('POST', `/v1/assets${query}`, {
        body: 'a,b\n1,2\n',
        headers: { 'content-type': 'text/csv; charset=utf-8', ...headers },
      })
      expect([name, answer.status, assetOf(answer)['name']]).toEqual([name, 202, name])
      expect(assetOf(answer)).toMatchObject({ bytes: 8, source: { kind: 'inline' }, status: 'uploaded' })
    }
  })

  test('need a name, are at least one, and at most 4 MiB', async () => {
    const { aws } = await testClouds()
    const csv = { 'content-type': 'text/csv' }
    expect((await aws.call('POST', '/v1/assets', { body: 'x', headers: csv })).json['code']).toBe('invalid-request')
    expect((await aws.call('POST', '/v1/assets?name=a', { body: '', headers: csv })).status).toBe(400)
    const full = await aws.call('POST', '/v1/assets?name=a', { body: new Uint8Array(4 * 1024 * 1024), headers: csv })
    expect(full.status).toBe(202)
    const over = await aws.call('POST', '/v1/assets?name=a', {
      body: new Uint8Array(4 * 1024 * 1024 + 1),
      headers: csv,
    })
    expect([over.status, over.json['code']]).toEqual([413, 'too-large'])
    expect(over.json['detail']).toMatch('4194304')
    expect(
      (await aws.call('POST', '/v1/assets?name=a', { body: 'x', headers: { 'content-type': 'not a type' } })).status,
    ).toBe(400)
    expect(itemsOf(await aws.call('GET', '/v1/assets'))).toHaveLength(1)
  })
})

describe('an upload in parts', () => {
  const video = { id: 'video', name: 'v.mp4', mediaType: 'video/mp4', bytes: 20 * 1024 * 1024, upload: 'multipart' }

  test('shows the parts asked for, and is given up or completed', async () => {
    const { aws } = await testClouds()
    const made = await aws.call('POST', '/v1/assets', { json: video })
    expect([made.status, planOf(made)]).toMatchObject([201, { kind: 'multipart', parts: 3, arrived: [] }])
    const asked = await aws.call('GET', '/v1/assets/video/upload?parts=2-3')
    expect((asked.json['requests'] as JsonObject[]).map(({ part }) => part)).toEqual([2, 3])
    for (const parts of ['0', '4', '3-2', 'x', '1-', '1-101', '1-99999', '']) {
      const answer = await aws.call('GET', `/v1/assets/video/upload?parts=${parts}`)
      expect([parts, answer.status]).toEqual([parts, 400])
    }
    const early = await aws.call('POST', '/v1/assets/video/complete')
    expect(early.status).toBeGreaterThanOrEqual(400)
    expect(early.status).toBeLessThan(500)
    expect([(await aws.call('DELETE', '/v1/assets/video/upload')).status]).toEqual([204])
  })

  test('goes on only at the site that began it', async () => {
    const { aws, azure, sites } = await testClouds()
    await aws.call('POST', '/v1/assets', { json: video })
    await sites.flush()
    const there = await azure.call('GET', '/v1/assets/video/upload')
    expect([there.status, there.json['code']]).toEqual([409, 'conflict'])
    expect(there.json['detail']).toMatch(/aws/)
  })
})

test('a session reads an asset at the other site the moment it was made', async () => {
  const { aws, azure } = await testClouds()
  const made = await aws.call('POST', '/v1/assets', { json: { ...photo, id: 'fresh' } })
  expect((await azure.call('GET', '/v1/assets/fresh')).status).toBe(404)
  const session = { 'catamaran-session': made.headers.get('catamaran-session') ?? '' }
  const read = await azure.call('GET', '/v1/assets/fresh', { headers: session })
  expect([read.status, read.json['etag']]).toEqual([200, assetOf(made)['etag']])
  const list = await azure.call('GET', '/v1/assets', { headers: session })
  expect([list.status, itemsOf(list).map(({ id }) => id)]).toEqual([200, ['fresh']])
})

test('a write of an asset tells what a write of a record tells: replayed, held by both, and how far the session has seen', async () => {
  const { aws, azure, sites } = await testClouds()
  const path = '/v1/assets/told'
  const send = (method: string, more: string, json?: object, headers: object = {}) =>
    aws.call(method, more, {
      json,
      headers: { prefer: 'durability=both', 'idempotency-key': `${method} ${more}`, ...headers },
    })
  const writes = [
    () => send('POST', '/v1/assets', { ...photo, id: 'told' }),
    () => send('PATCH', path, { name: 'b.jpg' }, { 'if-match': '*' }),
    () => send('DELETE', path, undefined, { 'if-match': '*' }),
    () => send('POST', `${path}/restore`),
  ]
  for (const write of writes) {
    sites.connected = false
    const alone = await write()
    sites.connected = true
    const again = await write()
    const told = [alone, again].map(({ status, headers }) => [
      status < 300,
      headers.get('idempotency-replayed'),
      headers.get('preference-applied'),
    ])
    expect(told).toEqual([
      [true, null, null],
      [true, 'true', 'durability=both'],
    ])
    const session = textOf(again.headers.get('catamaran-session'))
    expect(session).toBe(alone.headers.get('catamaran-session'))
    const there = await azure.call('GET', path, { headers: { 'catamaran-session': session } })
    expect(there.status).toBe(alone.status === 204 ? 404 : 200)
  }
  const late = await send('PATCH', path, { name: 'b.jpg' }, { 'if-match': '*' })
  expect([late.status, late.headers.get('idempotency-replayed')]).toEqual([200, 'true'])
})

test('bytes in the request are never said to be at both sites', async () => {
  const { aws } = await testClouds()
  const headers = { prefer: 'durability=both', 'content-type': 'text/csv' }
  const direct = await aws.call('POST', '/v1/assets?name=a.csv', { body: 'a,b\n1,2\n', headers })
  expect([direct.status, direct.headers.get('preference-applied')]).toEqual([202, null])
})

test('a list takes the session as far as its assets', async () => {
  const { aws, azure } = await testClouds()
  await aws.call('POST', '/v1/assets', { json: { ...photo, id: 'seen' } })
  const listed = await aws.call('GET', '/v1/assets')
  expect(itemsOf(listed)[0]).not.toHaveProperty('vector')
  const session = { 'catamaran-session': textOf(listed.headers.get('catamaran-session')) }
  expect((await azure.call('GET', '/v1/assets/seen', { headers: session })).status).toBe(200)
})

test('the work that a request begins belongs to its trace, and so do its retries and logs', async () => {
  const { aws } = await testClouds()
  const sent: JobMessage[] = []
  const { jobs, telemetry } = aws.services
  Object.assign(jobs, { send: async (message: JobMessage) => void sent.push(message) })
  const traceparent = `00-${'4b'.repeat(16)}-${'f0'.repeat(8)}-01`
  const send = (trace: string) =>
    aws.call('POST', '/v1/assets?name=a.csv', {
      body: trace,
      headers: { 'content-type': 'text/csv', traceparent: trace },
    })
  await send(traceparent)
  await send('00-nonsense')
  const [first = '', second = ''] = sent.map((message) => message.traceparent)
  expect([first.slice(3, 35), first === traceparent]).toEqual(['4b'.repeat(16), false])
  expect(second).toMatch(/^00-[0-9a-f]{32}-[0-9a-f]{16}-01$/)
  const made = await aws.call('POST', '/v1/assets', { json: { ...photo, id: 'traced' } })
  const { objects } = aws.services as unknown as { objects: MemoryObjectStore }
  await objects.fetch((planOf(made)['request'] as { url: string }).url, { method: 'PUT', body: Buffer.from('x') })
  await aws.call('POST', '/v1/assets/traced/complete', { headers: { traceparent } })
  expect(sent.at(-1)?.traceparent).toContain('4b'.repeat(16))
  const work = { workFolder: () => Promise.reject(new TypeError('no disk')) } as unknown as WorkTools
  await runJob(aws.services, work, sent[0] ?? { kind: '', payload: {} }, new AbortController().signal)
  expect(sent.slice(3).map((message) => message.traceparent?.slice(3, 35))).toEqual(['4b'.repeat(16)])
  const { logs } = telemetry as MemoryTelemetry
  expect(logs.find(({ message }) => message === 'A run failed')?.fields).toMatchObject({
    'trace.id': '4b'.repeat(16),
    'parent.id': first.slice(36, 52),
  })
})

describe('an import', () => {
  test('is created from an address, and not from one that is not public', async () => {
    const { aws } = await testClouds()
    const json = { ...photo, source: { url: 'https://example.com/a.jpg' } }
    const made = await aws.call('POST', '/v1/assets', { json })
    expect([made.status, made.json['upload']]).toEqual([202, undefined])
    expect(assetOf(made)).toMatchObject({ status: 'awaiting-upload', source: { kind: 'import' } })
    expect(made.text).not.toContain('example.com')
    for (const url of ['http://example.com/', 'https://10.0.0.1/', 'https://[::1]/', 'https://u@example.com/']) {
      const refused = await aws.call('POST', '/v1/assets', { json: { ...photo, source: { url } } })
      expect([url, refused.status, refused.json['errors']]).toEqual([
        url,
        400,
        [expect.objectContaining({ pointer: '/source/url' })],
      ])
    }
  })
})

test('what a service saw in a picture is shown with the asset and in lists, under an ETag of its own', async () => {
  const { aws, azure, sites } = await testClouds()
  await aws.call('POST', '/v1/assets', { json: { ...photo, id: 'photo' } })
  const none = { precondition: { kind: 'none' } } as const
  const media = { status: 'ready', version: 'v', job: 'j', site: 'aws', kind: 'image', sha256: 'a'.repeat(64) }
  const more = { properties: { width: 9, height: 6, thumbhash: 'x' }, renditions: [] }
  await writeRecord(aws.services, mediaKey('acme', 'photo'), none, () => ({ ...media, ...more }))
  const before = (await aws.call('GET', '/v1/assets/photo')).headers.get('etag') ?? ''
  const boat = { name: 'boat', category: 'vehicle', confidence: 0.9, boxes: [], label: 'Boat' }
  const about = { asset: 'photo', site: 'aws', service: 'rekognition', source: media.sha256, attempts: 1 }
  const found = { ...about, state: 'done', models: { labels: '3.0' }, findings: { labels: [boat] } }
  await writeRecord(aws.services, analysisKey('acme', 'photo', 'aws'), none, () => found)
  await sites.flush()
  const told = { state: 'done', service: 'rekognition', site: 'aws', models: { labels: '3.0' }, labels: [boat] }
  for (const { call } of [aws, azure]) {
    const read = await call('GET', '/v1/assets/photo', { headers: { 'if-none-match': before } })
    expect([read.status, read.json['analysis']]).toEqual([200, told])
    expect(assetSchema.parse(read.json).analysis).toEqual(told)
    expect(itemsOf(await call('GET', '/v1/assets'))[0]?.['analysis']).toEqual(told)
  }
  expect((await aws.call('GET', '/v1/collections/_analysis/records/photo-aws')).status).toBeGreaterThanOrEqual(400)
})
