import { describe, expect, test } from '@jest/globals'
import { fileDeadLetter } from '../../shared/core/dead-letters.ts'
import { CatamaranError } from '../../shared/domain/errors.ts'
import type { JsonObject } from '../../shared/domain/json.ts'
import { itemsOf, records, testClouds, textOf } from './fixture.ts'

describe('health', () => {
  test('live and ready need no key; each dependency shows its state', async () => {
    const { aws } = await testClouds()
    expect((await aws.call('GET', '/v1/health/live', { key: undefined })).json).toEqual({ status: 'ok', site: 'aws' })
    const ready = await aws.call('GET', '/v1/health/ready', { key: undefined })
    expect([ready.status, ready.json['status']]).toEqual([200, 'ok'])
    const names = (ready.json['dependencies'] as JsonObject[]).map(({ name }) => name)
    expect(names).toEqual(['records', 'site-store', 'objects', 'queue', 'peer'])
  })

  test('without its peer a site is degraded, but ready', async () => {
    const { aws, sites } = await testClouds()
    sites.connected = false
    const ready = await aws.call('GET', '/v1/health/ready')
    expect([ready.status, ready.json['status']]).toEqual([200, 'degraded'])
    const peer = (ready.json['dependencies'] as JsonObject[]).find(({ name }) => name === 'peer')
    expect(peer).toMatchObject({ ok: false, optional: true, code: 'peer-unavailable' })
  })

  test('without a store it is not, and says no more than which; answers are shared for a second', async () => {
    const { aws, sites } = await testClouds()
    let asked = 0
    Object.assign(aws.services.objects, {
      head: async () => {
        asked += 1
        throw new Error('the secret endpoint is down')
      },
    })
    const answers = await Promise.all(
      Array.from({ length: 20 }, () => aws.call('GET', '/v1/health/ready', { key: undefined })),
    )
    expect(answers.map(({ status }) => status)).toEqual(new Array<number>(20).fill(503))
    expect([asked, answers[0]?.json['status']]).toEqual([1, 'unavailable'])
    expect(answers[0]?.text).not.toMatch('secret')
    await sites.clock.advance(1000)
    await aws.call('GET', '/v1/health/ready')
    expect(asked).toBe(2)
  })

  test('a dependency that hangs is given up', async () => {
    const { aws } = await testClouds()
    Object.assign(aws.services.jobs, { depth: () => new Promise(() => {}) })
    const ready = await aws.call('GET', '/v1/health/ready')
    const queue = (ready.json['dependencies'] as JsonObject[]).find(({ name }) => name === 'queue')
    expect([ready.status, queue]).toMatchObject([503, { ok: false, code: 'timed-out' }])
  })
})

describe('replication', () => {
  test('status and reconcile answer, and reconcile mends', async () => {
    const { aws, azure, sites } = await testClouds()
    expect((await aws.call('GET', '/v1/replication')).json).toMatchObject({ site: 'aws', peer: 'azure' })
    await aws.call('PUT', `${records}/lost`, { json: { n: 1 }, headers: { 'if-none-match': '*' } })
    // The feed never tells.
    sites.aws.feed.length = 0
    for (let run = 0; run < 1024 && (await azure.call('GET', `${records}/lost`)).status === 404; run++) {
      expect((await aws.call('POST', '/v1/replication/reconcile')).status).toBe(200)
    }
    expect((await azure.call('GET', `${records}/lost`)).json['body']).toEqual({ n: 1 })
  }, 60_000)

  test('a dead letter is listed, replayed, and gone', async () => {
    const { aws, sites } = await testClouds()
    const payload = { kind: 'process', payload: { tenant: 'acme', job: 'j' } }
    for (const job of ['a', 'b', 'c']) {
      await fileDeadLetter(aws.services, { kind: 'job', cause: 'it broke', payload: { ...payload, job } })
    }
    const first = await aws.call('GET', '/v1/replication/dead-letters?limit=2')
    const rest = await aws.call('GET', `/v1/replication/dead-letters?limit=2&cursor=${textOf(first.json['next'])}`)
    const letters = [...itemsOf(first), ...itemsOf(rest)]
    expect(letters).toHaveLength(3)
    expect(letters[0]).toMatchObject({ kind: 'job', cause: 'it broke', times: 1 })
    const path = `/v1/replication/dead-letters/${textOf(letters[0]?.['id'])}/replay`
    expect((await aws.call('POST', path)).status).toBe(204)
    expect((await sites.aws.services.jobs.depth()).waiting).toBe(1)
    expect((await aws.call('POST', path)).status).toBe(404)
    expect(itemsOf(await aws.call('GET', '/v1/replication/dead-letters'))).toHaveLength(2)
  })

  test('a throttled store is a 429 or 503 with a time to come back', async () => {
    const { aws } = await testClouds()
    for (const [code, status] of [
      ['throttled', 429],
      ['unavailable', 503],
      ['peer-unavailable', 503],
      ['timed-out', 504],
    ] as const) {
      Object.assign(aws.services.records, {
        query: async () => Promise.reject(new CatamaranError(code, 'busy', { retryAfterMs: 2500 })),
      })
      const answer = await aws.call('GET', records)
      expect([answer.status, answer.json['code'], answer.headers.get('retry-after')]).toEqual([status, code, '3'])
    }
  })
})
