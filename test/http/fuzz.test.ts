import { expect, test } from '@jest/globals'
import fc from 'fast-check'
import type { JsonObject } from '../../shared/domain/json.ts'
import { testClouds, type Answer } from './fixture.ts'

const methods = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']
const runs = Number(fc.readConfigureGlobal()?.numRuns ?? 200)

const segment = fc.oneof(
  fc.constantFrom(
    'a',
    'notes',
    '_keys',
    'photo',
    '..',
    '.',
    '%2e%2e',
    '%00',
    '%2F',
    '%ff',
    '%',
    '😀',
    '__proto__',
    'constructor',
    '0'.repeat(300),
  ),
  fc.string({ unit: 'binary', maxLength: 20 }).map((text) => encodeURIComponent(text.toWellFormed())),
)
const query = fc.oneof(
  fc.constant(''),
  fc.constantFrom(
    '?limit=1',
    '?cursor=x',
    '?via=api',
    '?deleted=true',
    '?parts=1-2',
    '?wait=0',
    '?__proto__=1',
    '?name=x',
    '?%ff',
    '?a=%00',
  ),
  fc.webQueryParameters().map((text) => `?${text}`),
)
const headerValue = fc.oneof(
  fc.constantFrom(
    '*',
    '"x"',
    'W/"x"',
    '""',
    ',',
    '"a", "b"',
    'bytes=0-',
    'bytes=-1',
    'durability=both',
    'application/json',
    'null',
  ),
  fc.string({ unit: 'grapheme-ascii', maxLength: 40 }).map((text) => text.trim()),
)
const headers = fc.dictionary(
  fc.constantFrom(
    'if-match',
    'if-none-match',
    'if-range',
    'range',
    'idempotency-key',
    'prefer',
    'catamaran-session',
    'content-type',
    'content-length',
    'content-disposition',
    'x-asset-name',
    'x-request-id',
    'traceparent',
    'origin',
    'access-control-request-method',
    'expect',
  ),
  headerValue,
  { maxKeys: 5 },
)
const body = fc.oneof(
  fc.constant(undefined),
  fc.json(),
  fc.jsonValue().map((value) => JSON.stringify({ name: value, id: value, body: value, scopes: value, version: value })),
  fc.string({ unit: 'binary', maxLength: 200 }).map((text) => text.toWellFormed()),
  fc.uint8Array({ maxLength: 200 }).map((bytes) => new Uint8Array(bytes)),
  fc.constant('{"op":"put","id":"a","body":{}}\n{"op":"put"}\n\u0000'),
)

/** Where our own faults would show: a fault of the client is never a 5xx. */
function expectSane(answer: Answer, request: unknown): void {
  expect([request, answer.status, answer.text]).not.toEqual([request, 500, expect.anything()])
  expect(answer.status).toBeLessThan(500)
  expect(answer.headers.get('x-request-id')).toBeTruthy()
  if (answer.status >= 400 && answer.text !== '') {
    expect(answer.headers.get('content-type')).toBe('application/problem+json')
    expect(answer.json).toMatchObject({ status: answer.status, code: expect.any(String), detail: expect.any(String) })
  }
}

test('garbage at every route is answered below 500, with a problem', async () => {
  const { aws } = await testClouds()
  const document = await aws.call('GET', '/openapi.json')
  const paths = Object.keys(document.json['paths'] as JsonObject)
  const request = fc.record({
    method: fc.constantFrom(...methods),
    path: fc.constantFrom(...paths),
    segments: fc.array(segment, { minLength: 3, maxLength: 3 }),
    query,
    headers,
    body,
  })
  await fc.assert(
    fc.asyncProperty(request, async (each) => {
      let next = 0
      const path = each.path.replaceAll(/\{.+?\}/g, () => each.segments[next++] ?? 'x')
      const hasBody = !['GET', 'HEAD', 'OPTIONS'].includes(each.method) && each.body !== undefined
      const sent = { headers: withContentType(each.headers, hasBody), ...(hasBody ? { body: each.body ?? '' } : {}) }
      expectSane(await aws.call(each.method, path + each.query, sent), each)
    }),
    { numRuns: runs * 3 },
  )
}, 120_000)

/** Half of the garbage gets past the content type. */
const withContentType = (given: Record<string, string>, hasBody: boolean): Record<string, string> =>
  hasBody && !given['content-type'] ? { ...given, 'content-type': 'application/json' } : given

test('garbage instead of a path or a key is answered below 500', async () => {
  const { aws } = await testClouds()
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom(...methods),
      fc.array(segment, { maxLength: 7 }),
      query,
      fc.string({ unit: 'grapheme-ascii' }),
      async (method, path, search, key) => {
        expectSane(
          await aws.call(method, `/${path.join('/')}${search}`, {
            key: undefined,
            headers: { 'x-api-key': key.trim() },
          }),
          path,
        )
        expectSane(await aws.call(method, `/v1/${path.join('/')}${search}`), path)
      },
    ),
    { numRuns: runs },
  )
}, 120_000)

test('whatever JSON object goes in as a body comes out equal', async () => {
  const { aws } = await testClouds()
  let n = 0
  await fc.assert(
    fc.asyncProperty(fc.dictionary(fc.string({ unit: 'grapheme' }), fc.jsonValue()), async (value) => {
      const text = JSON.stringify(value)
      fc.pre(!text.includes('"__proto__"'))
      const path = `/v1/collections/notes/records/r${n++}`
      const made = await aws.call('PUT', path, {
        body: text,
        headers: { 'content-type': 'application/json', 'if-none-match': '*' },
      })
      expect([made.status, made.json['body']]).toEqual([201, JSON.parse(text)])
      expect((await aws.call('GET', path)).json['body']).toEqual(JSON.parse(text))
    }),
    { numRuns: runs / 4 },
  )
}, 60_000)
