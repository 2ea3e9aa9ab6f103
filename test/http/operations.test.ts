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

  test('dead letters are read one by one, grouped by cause, and replayed together, page by page', async () => {
    const { aws, azure, keyWith } = await testClouds()
    for (let n = 0; n < 5; n++) {
      const payload = { kind: 'process', payload: { tenant: 'acme', job: `j${n}` } }
      await fileDeadLetter(aws.services, { kind: 'job', cause: `run ${n} broke`, payload })
    }
    const base = '/v1/replication/dead-letters'
    const [letter] = itemsOf(await aws.call('GET', base))
    expect((await aws.call('GET', `${base}/${textOf(letter?.['id'])}`)).json).toEqual(letter)
    expect((await aws.call('GET', `${base}/none`)).status).toBe(404)
    const causes = await aws.call('GET', '/v1/replication/dead-letter-causes')
    expect(itemsOf(causes)).toMatchObject([{ kind: 'job', cause: 'run … broke', count: 5 }])
    const key = await keyWith(['replication:read'])
    expect((await aws.call('POST', `${base}/replay`, { key })).status).toBe(403)
    for (const json of [{ kind: 'none' }, { limit: 0 }, { limit: 501 }, { cursor: 'x' }, { more: 1 }]) {
      expect((await aws.call('POST', `${base}/replay`, { json })).status).toBe(400)
    }
    const none = await aws.call('POST', `${base}/replay`, { json: { cause: 'another' } })
    expect(none.json).toEqual({ replayed: 0, failed: 0, gone: 0, failures: [], stopped: null, next: null })
    const first = await aws.call('POST', `${base}/replay`, { json: { limit: 3, cause: 'run … broke' } })
    expect([first.status, first.json['replayed']]).toEqual([200, 3])
    const cursor = textOf(first.json['next'])
    expect((await azure.call('POST', `${base}/replay`, { json: { cursor } })).status).toBe(400)
    expect((await aws.call('POST', `${base}/replay`, { json: { cursor } })).json).toMatchObject({
      replayed: 2,
      next: null,
    })
    expect((await aws.call('POST', `${base}/replay`)).json).toMatchObject({ replayed: 0 })
  })

  test('the status counts what there is, and says in plain words what to look at', async () => {
    const { aws, sites } = await testClouds()
    await fileDeadLetter(aws.services, { kind: 'job', cause: 'broke', payload: {} })
    sites.connected = false
    const status = (await aws.call('GET', '/v1/replication')).json
    expect(status).toMatchObject({
      outgoing: { lag: { p50Ms: expect.any(Number) }, feed: { isSilent: false }, undelivered: { count: 0 } },
      incoming: { peerReachable: false },
      deadLetters: { count: 1, more: false },
      conflicts: { count: 0, more: false },
      scrub: { nextBucket: 0, buckets: 16_384 },
    })
    const codes = (status['warnings'] as JsonObject[]).map(({ code }) => code)
    expect(codes).toEqual(['peer-down', 'dead-letters', 'reconcile-late'])
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
