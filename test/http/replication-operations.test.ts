import { describe, expect, test } from '@jest/globals'
import { runJob } from '../../shared/core/jobs.ts'
import type { WorkTools } from '../../shared/core/work-tools.ts'
import type { MemoryJobQueue } from '../memory/job-queue.ts'
import { itemsOf, records, testClouds, textOf, type Answer, type TestClouds } from './fixture.ts'

const path = '/v1/replication/operations'

/** No object is read or converted here. */
const noWork = new Proxy({}, { get: () => () => Promise.reject(new Error('no tools')) }) as WorkTools

/** Delivers AWS's messages until there are none, and answers with the operation. */
async function run({ sites, aws }: TestClouds, location: string): Promise<Answer> {
  const queue = sites.aws.services.jobs as MemoryJobQueue
  for (let turn = 0; turn < 50; turn++) {
    for (let delivery = queue.receive(); delivery; delivery = queue.receive()) {
      await runJob(aws.services, noWork, delivery.message, new AbortController().signal)
      delivery.acknowledge()
    }
    const answer = await aws.call('GET', location)
    if (answer.json['state'] !== 'running') return answer
    await sites.clock.advance(10_000)
  }
  throw new Error('It still runs')
}

async function withNotes(count: number): Promise<TestClouds> {
  const clouds = await testClouds()
  for (let n = 0; n < count; n++) {
    const headers = { 'if-none-match': '*' }
    expect((await clouds.aws.call('PUT', `${records}/n${n}`, { json: { n }, headers })).status).toBe(201)
  }
  await clouds.sites.flush()
  await clouds.sites.clock.advance(60_000)
  return clouds
}

describe('operations', () => {
  test('a backfill is begun, followed to its end, and has filled the other site', async () => {
    const clouds = await withNotes(5)
    clouds.sites.azure.records.load([])
    const begun = await clouds.aws.call('POST', '/v1/replication/backfill', { json: { recordsPerSecond: 1000 } })
    expect(begun.status).toBe(202)
    expect(begun.json).toMatchObject({ kind: 'backfill', state: 'running', site: 'aws', recordsPerSecond: 1000 })
    const location = begun.headers.get('location') ?? ''
    expect(location).toBe(`${path}/${textOf(begun.json['id'])}`)
    const done = await run(clouds, location)
    expect(done.json).toMatchObject({ state: 'done', progress: { fraction: 1 }, found: {}, examples: [] })
    expect((done.json['summary'] as string[]).join(' ')).toMatch('records were sent to azure')
    // The key came back with the rest.
    expect((await clouds.azure.call('GET', `${records}/n4`)).json['body']).toEqual({ n: 4 })
  })

  test('verify finds what repair then mends; a dry run mends nothing', async () => {
    const clouds = await withNotes(3)
    const { azure } = clouds.sites
    azure.records.load(azure.records.all().filter(({ key }) => key.id !== 'n1'))
    const begin = async (kind: string, json?: object): Promise<Answer> => {
      const begun = await clouds.aws.call('POST', `/v1/replication/${kind}`, json ? { json } : {})
      return run(clouds, begun.headers.get('location') ?? '')
    }
    const verified = await begin('verify')
    expect(verified.json).toMatchObject({ state: 'done', found: { 'record-missing': 1 } })
    expect(verified.json['examples']).toEqual([
      { kind: 'record-missing', what: 'acme/notes/n1', detail: 'It is at aws, but not at azure.' },
    ])
    const dry = await begin('repair', { dryRun: true })
    expect(dry.json['counts']).toMatchObject({ recordsPushed: 1 })
    expect((await clouds.azure.call('GET', `${records}/n1`)).status).toBe(404)
    await begin('repair')
    expect((await clouds.azure.call('GET', `${records}/n1`)).status).toBe(200)
    expect((await begin('verify')).json).toMatchObject({ found: {} })

    const listed = await clouds.aws.call('GET', `${path}?limit=3`)
    expect(itemsOf(listed).map(({ kind }) => kind)).toEqual(['verify', 'repair', 'repair'])
    const rest = await clouds.aws.call('GET', `${path}?limit=3&cursor=${textOf(listed.json['next'])}`)
    expect(itemsOf(rest).map(({ kind }) => kind)).toEqual(['verify'])
  })

  test('one at a time, once for a repeated request, cancelled on demand', async () => {
    const { aws } = await withNotes(1)
    const headers = { 'idempotency-key': 'the-same' }
    const first = await aws.call('POST', '/v1/replication/verify', { headers, json: {} })
    const again = await aws.call('POST', '/v1/replication/verify', { headers, json: {} })
    expect([again.status, again.json['id']]).toEqual([202, first.json['id']])
    const other = await aws.call('POST', '/v1/replication/repair')
    expect([other.status, other.json['code']]).toEqual([409, 'conflict'])
    expect(other.json['detail']).toMatch(textOf(first.json['id']))
    const cancel = `${path}/${textOf(first.json['id'])}/cancel`
    for (const _ of [1, 2]) expect((await aws.call('POST', cancel)).json).toMatchObject({ state: 'cancelled' })
    expect((await aws.call('POST', '/v1/replication/repair')).status).toBe(202)
  })

  test('nonsense is refused, and so is a key without the scope', async () => {
    const { aws, keyWith } = await withNotes(0)
    for (const json of [{ recordsPerSecond: 1 }, { bytesPerSecond: 'fast' }, { dryrun: true }, { deep: 1 }, []]) {
      expect([json, (await aws.call('POST', '/v1/replication/verify', { json })).status]).toEqual([json, 400])
    }
    for (const id of ['none', '../x', '%00'])
      expect([400, 404]).toContain((await aws.call('GET', `${path}/${id}`)).status)
    expect((await aws.call('POST', `${path}/none/cancel`)).status).toBe(404)
    const key = await keyWith(['replication:read'])
    for (const kind of ['backfill', 'verify', 'repair']) {
      expect((await aws.call('POST', `/v1/replication/${kind}`, { key })).status).toBe(403)
    }
    expect((await aws.call('GET', path, { key })).status).toBe(403)
    expect((await aws.call('GET', path)).json).toEqual({ items: [], next: null })
  })
})
