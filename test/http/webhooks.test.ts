import { describe, expect, test } from '@jest/globals'
import { runJob } from '../../shared/core/jobs.ts'
import type { WorkTools } from '../../shared/core/work-tools.ts'
import type { JsonObject } from '../../shared/domain/json.ts'
import { answering, type Outside } from '../core/outside.ts'
import type { MemoryJobQueue } from '../memory/job-queue.ts'
import { itemsOf, testClouds, textOf, type TestApi } from './fixture.ts'

const url = 'https://example.com/hook'

/** Does what the queue of a site holds; servers outside answer 204. */
async function work({ services }: TestApi, outside: Outside): Promise<void> {
  const queue = services.jobs as MemoryJobQueue
  const tools = { outbound: answering(outside, services.site) } as unknown as WorkTools
  for (let found = queue.receive(); found; found = queue.receive()) {
    await runJob(services, tools, found.message, new AbortController().signal)
    found.acknowledge()
  }
}

const everywhere = (): Outside => ({ requests: [], answer: () => new Response(null, { status: 204 }) })

describe('a webhook endpoint', () => {
  test('is made, shown, listed, changed under its ETag, and deleted', async () => {
    const { aws } = await testClouds()
    const made = await aws.call('POST', '/v1/webhooks', { json: { url, description: 'd' } })
    const { id, secret } = made.json
    const path = `/v1/webhooks/${textOf(id)}`
    expect([made.status, made.headers.get('location')]).toEqual([201, `https://aws.test${path}`])
    expect(secret).toMatch(/^whsec_[A-Za-z0-9+/]{43}=$/)
    expect(made.json).toMatchObject({ state: 'active', home: 'aws', events: expect.arrayContaining(['asset.ready']) })
    const read = await aws.call('GET', path)
    expect([read.json['url'], read.text.includes(textOf(secret).slice(6))]).toEqual([url, false])
    expect(itemsOf(await aws.call('GET', '/v1/webhooks'))).toMatchObject([{ id, description: 'd' }])
    expect((await aws.call('PATCH', path, { json: { state: 'paused' } })).status).toBe(428)
    const headers = { 'if-match': textOf(read.json['etag']) }
    const patched = await aws.call('PATCH', path, { json: { state: 'paused', events: ['asset.ready'] }, headers })
    expect([patched.status, patched.json['state'], patched.json['events']]).toEqual([200, 'paused', ['asset.ready']])
    expect((await aws.call('PATCH', path, { json: { state: 'active' }, headers })).status).toBe(412)
    for (const wrong of [{ state: 'disabled' }, { events: [] }, { secret: 'x' }, { home: 'moon' }]) {
      expect((await aws.call('PATCH', path, { json: wrong, headers: { 'if-match': '*' } })).status).toBe(400)
    }
    expect((await aws.call('DELETE', path, { headers: { 'if-match': '*' } })).status).toBe(204)
    expect([(await aws.call('GET', path)).status, itemsOf(await aws.call('GET', '/v1/webhooks'))]).toEqual([404, []])
  })

  test('is made once for one Idempotency-Key, and its secret is told once', async () => {
    const { aws, azure, sites } = await testClouds()
    const headers = { 'idempotency-key': 'k' }
    const made = await aws.call('POST', '/v1/webhooks', { json: { url }, headers })
    await sites.flush()
    for (const { call } of [aws, azure]) {
      const again = await call('POST', '/v1/webhooks', { json: { url }, headers })
      expect([again.status, again.json['id'], again.json['secret']]).toEqual([200, made.json['id'], undefined])
      expect(again.headers.get('idempotency-replayed')).toBe('true')
    }
    expect(itemsOf(await azure.call('GET', '/v1/webhooks'))).toHaveLength(1)
    const rotate = (key: string) =>
      azure.call('POST', `/v1/webhooks/${textOf(made.json['id'])}/rotate`, { headers: { 'idempotency-key': key } })
    const first = await rotate('r1')
    expect([first.status, first.json['secret'] === made.json['secret']]).toEqual([200, false])
    expect((await rotate('r1')).json).toEqual({})
    expect((await rotate('r2')).json['secret']).toMatch(/^whsec_/)
  })

  test.each([
    'http://example.com/',
    'https://127.0.0.1/',
    'https://[::ffff:10.0.0.1]/',
    'https://169.254.169.254/latest/meta-data/',
    'https://localhost/',
    'https://u:p@example.com/',
    'ftp://example.com/',
    'example.com',
  ])('is not made at %s', async (wrong) => {
    const { aws } = await testClouds()
    const answer = await aws.call('POST', '/v1/webhooks', { json: { url: wrong } })
    expect([answer.status, answer.json['code'], answer.json['errors']]).toEqual([
      400,
      'invalid-request',
      [expect.objectContaining({ pointer: '/url' })],
    ])
    const made = await aws.call('POST', '/v1/webhooks', { json: { url } })
    const path = `/v1/webhooks/${textOf(made.json['id'])}`
    expect((await aws.call('PATCH', path, { json: { url: wrong }, headers: { 'if-match': '*' } })).status).toBe(400)
  })

  test('tells how its deliveries went, and sends one again', async () => {
    const { aws } = await testClouds()
    const outside = everywhere()
    const made = await aws.call('POST', '/v1/webhooks', { json: { url } })
    const path = `/v1/webhooks/${textOf(made.json['id'])}`
    const trial = await aws.call('POST', `${path}/test`)
    expect(trial.status).toBe(202)
    const { id } = trial.json
    const deliveries = async (query = ''): Promise<JsonObject[]> =>
      itemsOf(await aws.call('GET', `${path}/deliveries${query}`))
    expect(await deliveries('?waiting=true')).toMatchObject([
      { id, type: 'webhook.test', outcome: 'waiting', attempt: 1 },
    ])
    await work(aws, outside)
    expect(outside.requests.map(({ url: to, method }) => [to, method])).toEqual([[url, 'POST']])
    expect([await deliveries('?waiting=true'), await deliveries()]).toMatchObject([
      [],
      [{ id, outcome: 'delivered', status: 204, site: 'aws' }],
    ])
    expect(JSON.stringify(await deliveries())).not.toContain('timestamp')
    await aws.services.clock.sleep(1_000)
    expect((await aws.call('POST', `${path}/deliveries/${textOf(id)}/redeliver`)).status).toBe(202)
    await work(aws, outside)
    expect(outside.requests.map(({ headers }) => headers?.['webhook-id'])).toEqual([id, id])
    const absent = `msg_${'0'.repeat(26)}`
    expect((await aws.call('POST', `${path}/deliveries/${absent}/redeliver`)).status).toBe(404)
    const page = await aws.call('GET', `${path}/deliveries?limit=1`)
    const rest = await deliveries(`?limit=1&cursor=${textOf(page.json['next'])}`)
    expect([itemsOf(page), rest]).toMatchObject([[{ id }], [{ id }]])
  })

  test('shows since when it has failed', async () => {
    const { aws, azure, sites } = await testClouds()
    const outside: Outside = { requests: [], answer: () => new Response('no', { status: 500 }) }
    const made = await aws.call('POST', '/v1/webhooks', { json: { url } })
    const path = `/v1/webhooks/${textOf(made.json['id'])}`
    await aws.call('POST', '/v1/assets', { json: { id: 'a', name: 'a.jpg', mediaType: 'image/jpeg' } })
    await sites.clock.advance(10)
    await aws.call('DELETE', '/v1/assets/a', { headers: { 'if-match': '*' } })
    await sites.flush()
    await work(aws, outside)
    await work(azure, outside)
    expect(outside.requests.map(({ from }) => from)).toEqual(['aws'])
    const failingSince = new Date(sites.clock.now()).toISOString()
    const health = { site: 'aws', failures: 1, failingSince, lastError: 'It answered 500 no' }
    expect((await aws.call('GET', path)).json['health']).toEqual(health)
    expect((await azure.call('GET', path)).json).not.toHaveProperty('health')
    const waits = async ({ call }: TestApi) => itemsOf(await call('GET', `${path}/deliveries?waiting=true`))
    expect([await waits(aws), await waits(azure)]).toMatchObject([
      [{ type: 'asset.deleted', asset: 'a', attempt: 2, status: 500 }],
      [{ type: 'asset.deleted', asset: 'a', attempt: 1 }],
    ])
  })

  test('is one of twenty at most', async () => {
    const { aws } = await testClouds()
    for (let n = 0; n < 20; n++) expect((await aws.call('POST', '/v1/webhooks', { json: { url } })).status).toBe(201)
    const over = await aws.call('POST', '/v1/webhooks', { json: { url } })
    expect([over.status, over.json['code']]).toEqual([409, 'conflict'])
    expect(itemsOf(await aws.call('GET', '/v1/webhooks'))).toHaveLength(20)
  })
})
