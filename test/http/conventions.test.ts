import { describe, expect, test } from '@jest/globals'
import { Hono } from 'hono'
import { CatamaranError } from '../../shared/domain/errors.ts'
import { records, testClouds } from './fixture.ts'

const create = { 'if-none-match': '*' }
const put = `${records}/a`

describe('authentication', () => {
  test('401 names the scheme; a mistyped, unknown or foreign-looking key is refused', async () => {
    const { aws, keys } = await testClouds()
    const swapped = keys.acme.replace(/.$/, (last) => (last === '0' ? '1' : '0'))
    for (const key of ['', 'x', swapped, keys.acme.slice(0, -9), `${keys.acme} `, `${keys.acme}x`]) {
      const answer = await aws.call('GET', records, {
        key: undefined,
        headers: { authorization: `Bearer ${key}x`.slice(0, -1) },
      })
      const expected = key.trim() === keys.acme ? 200 : 401
      expect([key, answer.status]).toEqual([key, expected])
      if (expected === 401) expect(answer.headers.get('www-authenticate')).toMatch(/^Bearer/)
    }
    expect((await aws.call('GET', records, { key: undefined })).json['code']).toBe('unauthenticated')
    expect((await aws.call('GET', records, { key: undefined, headers: { 'x-api-key': keys.acme } })).status).toBe(200)
  })

  test('403 when the key lacks the scope', async () => {
    const { aws, keyWith } = await testClouds()
    const key = await keyWith(['records:read'])
    expect((await aws.call('GET', records, { key })).status).toBe(200)
    const refused = await aws.call('PUT', put, { key, json: {}, headers: create })
    expect([refused.status, refused.json['code']]).toEqual([403, 'forbidden'])
    expect((await aws.call('GET', '/v1/assets', { key })).status).toBe(403)
    expect((await aws.call('GET', put)).status).toBe(404)
  })
})

describe('limits', () => {
  test('a key that asks too often is told when to come back', async () => {
    const { aws, sites, keys } = await testClouds({ rateLimit: { quota: 3, windowSeconds: 60 } })
    for (const left of [2, 1, 0]) {
      const answer = await aws.call('GET', records)
      expect([answer.status, answer.headers.get('ratelimit')]).toEqual([
        200,
        `"default";r=${left};t=${(3 - left) * 20}`,
      ])
      expect(answer.headers.get('ratelimit-policy')).toBe('"default";q=3;w=60')
    }
    const refused = await aws.call('GET', records)
    expect([refused.status, refused.json['code'], refused.headers.get('retry-after')]).toEqual([429, 'throttled', '20'])
    expect(refused.headers.get('ratelimit')).toBe('"default";r=0;t=60')
    expect((await aws.call('GET', records, { key: keys.other })).status).toBe(200)
    await sites.clock.advance(20_000)
    expect((await aws.call('GET', records)).status).toBe(200)
  })

  test('an address that tries keys is held back, while a valid key passes from there', async () => {
    const { aws, sites } = await testClouds({ wrongKeyLimit: { quota: 2, windowSeconds: 60 } })
    const from = (address: string, key?: string) =>
      aws.call('GET', records, { ...(key ? { key } : {}), headers: { 'x-forwarded-for': address } })
    const guess = async (address: string) => (await from(address, 'cat_guess')).status
    expect([await guess('9.9.9.9, 1.2.3.4'), await guess('8.8.8.8, 1.2.3.4:5000')]).toEqual([401, 401])
    const refused = await from('1.2.3.4', 'cat_guess')
    expect([refused.status, refused.json['code'], refused.headers.get('retry-after')]).toEqual([429, 'throttled', '30'])
    expect([await guess('1.2.3.5'), (await from('1.2.3.4')).status]).toEqual([401, 200])
    expect([await guess('2001:db8::1'), await guess('[2001:db8:0:0:ffff::2]:443')]).toEqual([401, 401])
    expect([await guess('2001:db8:0:0:1:2:3:4'), await guess('2001:db8:0:1::1')]).toEqual([429, 401])
    await sites.clock.advance(30_000)
    expect(await guess('1.2.3.4')).toBe(401)
  })

  test('a JSON request over 1 MiB is refused, whether its length was stated or not', async () => {
    const { aws } = await testClouds()
    const text = JSON.stringify({ text: 'x'.repeat(1024 * 1024) })
    const json = { 'content-type': 'application/json', ...create }
    const stated = await aws.call('PUT', put, {
      body: text,
      headers: { ...json, 'content-length': String(text.length) },
    })
    let pulled = 0
    const endless = new ReadableStream<Uint8Array>({
      pull: (controller) => {
        pulled += 1
        controller.enqueue(new Uint8Array(65_536).fill(32))
      },
    })
    const streamed = await aws.call('PUT', put, { body: endless, headers: json })
    for (const answer of [stated, streamed]) {
      expect([answer.status, answer.json['code']]).toEqual([413, 'too-large'])
      expect(answer.json['detail']).toMatch('1048576')
    }
    expect(pulled).toBeLessThan(20)
  })
})

describe('content', () => {
  test('415 for the wrong type or a coding, 400 with the place of what is malformed', async () => {
    const { aws } = await testClouds()
    for (const headers of [
      { 'content-type': 'text/plain' },
      { 'content-type': 'application/x-www-form-urlencoded' },
      { 'content-type': 'application/json', 'content-encoding': 'gzip' },
    ]) {
      const answer = await aws.call('PUT', put, { body: '{}', headers: { ...create, ...headers } })
      expect([answer.status, answer.json['code']]).toEqual([415, 'unsupported-media-type'])
    }
    const cases: [string | Uint8Array<ArrayBuffer>, RegExp][] = [
      ['', /line 1, column 1/],
      ['{"a":1,}', /line 1, column 8/],
      ['{"a":1,\n "a":2}', /"a" occurs twice, at line 2, column 2/],
      ['{"__proto__":{}}', /__proto__/],
      ['[1]', /body/],
      [`${'{"a":'.repeat(65)}1${'}'.repeat(65)}`, /deeper than 64/],
      ['{"a":"\\ud800"}', /surrogate/],
      ['{"a":1e999}', /too large/],
      [new Uint8Array([0x7b, 0xff, 0x7d]), /UTF-8/],
    ]
    for (const [body, detail] of cases) {
      const answer = await aws.call('PUT', put, { body, headers: { ...create, 'content-type': 'application/json' } })
      expect([answer.status, answer.json['code']]).toEqual([400, 'invalid-request'])
      expect(answer.json['detail']).toMatch(detail)
    }
    expect((await aws.call('GET', put)).status).toBe(404)
  })

  test('faults are named one by one', async () => {
    const { aws } = await testClouds()
    const answer = await aws.call('POST', '/v1/assets', { json: { name: '', bytes: -1, extra: 1, labels: { a: 1 } } })
    expect(answer.status).toBe(400)
    expect(answer.headers.get('content-type')).toBe('application/problem+json')
    expect(answer.json).toMatchObject({
      type: 'urn:catamaran:problem:invalid-request',
      status: 400,
      instance: '/v1/assets',
      errors: expect.arrayContaining(
        ['/name', '/mediaType', '/bytes', '/labels/a', '/extra'].map((pointer) =>
          expect.objectContaining({ pointer, in: 'body' }),
        ),
      ),
    })
  })

  test('unknown, repeated and malformed query parameters are refused', async () => {
    const { aws } = await testClouds()
    for (const query of [
      'nope=1',
      'limit=1&limit=2',
      'limit=0',
      'limit=1001',
      'limit=1e2',
      'limit=',
      'deleted=yes',
      'cursor=',
    ]) {
      const answer = await aws.call('GET', `${records}?${query}`)
      expect([query, answer.status, answer.json['code']]).toEqual([query, 400, 'invalid-request'])
    }
    expect((await aws.call('GET', `${put}?x=1`)).status).toBe(400)
    expect((await aws.call('GET', `/v1/collections/%zz/records`)).status).toBe(400)
    expect((await aws.call('GET', `${records}?limit=1${'0'.repeat(9000)}`)).status).toBe(400)
  })
})

describe('methods and headers', () => {
  test('405 and OPTIONS name what is allowed, unknown paths are 404', async () => {
    const { aws } = await testClouds()
    const wrong = await aws.call('PUT', '/v1/assets', { json: {} })
    expect([wrong.status, wrong.json['code'], wrong.headers.get('allow')]).toEqual([
      405,
      'method-not-allowed',
      'GET, HEAD, OPTIONS, POST',
    ])
    const options = await aws.call('OPTIONS', put, { key: undefined })
    expect([options.status, options.headers.get('allow')]).toEqual([204, 'DELETE, GET, HEAD, OPTIONS, PATCH, PUT'])
    for (const path of ['/v1', '/v2/assets', '/v1/assets/', '/v1/assets//upload', '/v1/nope', '/peer/v1/status']) {
      for (const method of ['GET', 'OPTIONS', 'POST']) {
        expect([path, (await aws.call(method, path)).status]).toEqual([path, 404])
      }
    }
    expect((await aws.call('POST', '/docs')).headers.get('allow')).toBe('GET, HEAD, OPTIONS')
  })

  test('every answer has an id, is not sniffed, and is not stored unless it says how', async () => {
    const { aws } = await testClouds()
    const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'
    const answer = await aws.call('GET', records, { headers: { 'x-request-id': 'my-id.1', traceparent } })
    expect([answer.headers.get('x-request-id'), answer.headers.get('traceparent')]).toEqual(['my-id.1', traceparent])
    expect(answer.headers.get('cache-control')).toBe('no-store')
    for (const id of ['bad id', 'x'.repeat(129), '<script>']) {
      const given = await aws.call('GET', '/v1/nope', { headers: { 'x-request-id': id, traceparent: 'nonsense' } })
      expect(given.headers.get('x-request-id')).toMatch(/^[0-9a-f]{24}$/)
      expect([given.headers.get('traceparent'), given.headers.get('x-content-type-options')]).toEqual([null, 'nosniff'])
    }
  })

  test('the peer API has its own keys and the same problems', async () => {
    const peerRoutes = new Hono()
    peerRoutes.get('/status', () => {
      throw new CatamaranError('unauthenticated', 'Not the peer.')
    })
    const { aws } = await testClouds({ peerRoutes })
    const answer = await aws.call('GET', '/peer/v1/status')
    expect([answer.status, answer.json['code'], answer.headers.get('x-content-type-options')]).toEqual([
      401,
      'unauthenticated',
      'nosniff',
    ])
  })

  test('CORS goes by exact origin', async () => {
    const { aws } = await testClouds({ allowedOrigins: ['https://app.test'] })
    const preflight = { 'access-control-request-method': 'PUT', 'access-control-request-headers': 'if-match' }
    const allowed = await aws.call('OPTIONS', put, {
      key: undefined,
      headers: { origin: 'https://app.test', ...preflight },
    })
    expect([allowed.status, allowed.headers.get('access-control-allow-origin')]).toEqual([204, 'https://app.test'])
    expect(allowed.headers.get('access-control-allow-methods')).toMatch(/\bPUT\b/)
    expect(allowed.headers.get('access-control-allow-headers')).toMatch(/If-Match/)
    for (const origin of ['https://app.test.evil.test', 'http://app.test', 'https://APP.test', 'null']) {
      const refused = await aws.call('GET', put, { headers: { origin } })
      expect([origin, refused.headers.get('access-control-allow-origin')]).toEqual([origin, null])
      expect(refused.headers.get('vary')).toMatch('Origin')
    }
    const failed = await aws.call('GET', put, { headers: { origin: 'https://app.test' } })
    expect([failed.status, failed.headers.get('access-control-allow-origin')]).toEqual([404, 'https://app.test'])
    expect(failed.headers.get('access-control-expose-headers')).toMatch(/ETag/)
  })

  test('an unexpected fault is a 500 that says nothing of its cause', async () => {
    const { aws } = await testClouds()
    const broken = { ...aws.services.records }
    Object.assign(aws.services.records, { query: async () => Promise.reject(new TypeError('secret detail')) })
    const answer = await aws.call('GET', records)
    Object.assign(aws.services.records, broken)
    expect([answer.status, answer.json['code']]).toEqual([500, 'internal'])
    expect(answer.text).not.toMatch('secret')
  })
})
