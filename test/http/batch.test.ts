import { expect, test } from '@jest/globals'
import { itemsOf, records, testClouds, type Answer, type TestApi } from './fixture.ts'

interface Line {
  line: number
  status: number
  id?: string
  etag?: string
  replayed?: true
  problem?: { code: string; detail: string }
}

const linesOf = (answer: Answer): Line[] =>
  answer.text
    .split('\n')
    .filter(Boolean)
    .map((text) => JSON.parse(text) as Line)
const headers = { 'content-type': 'application/x-ndjson' }
const batch = async (api: TestApi, body: string | ReadableStream<Uint8Array>, more = {}): Promise<Line[]> =>
  linesOf(await api.call('POST', '/v1/collections/notes/batch', { body, headers: { ...headers, ...more } }))

test('each line stands alone and is answered in order', async () => {
  const { aws } = await testClouds()
  const lines = await batch(
    aws,
    [
      '{"op":"put","id":"a","body":{"n":1}}',
      '',
      '{"op":"patch","id":"a","body":{"m":2}}',
      'nonsense',
      '{"op":"put","id":"a","body":{},"ifNoneMatch":"*"}',
      '{"op":"delete","id":"never"}',
      '{"op":"put","id":"b","body":{},"ifMatch":"\\"x\\""}',
      '{"op":"explode","id":"b"}',
      '{"op":"put","id":"c/d","body":{}}',
      `{"op":"put","id":"big","body":{"t":"${'x'.repeat(360_000)}"}}`,
      `{"op":"put","id":"long","body":{"t":"${'x'.repeat(400_000)}"}}`,
      '{"op":"delete","id":"a"}',
    ].join('\n'),
  )
  expect(lines.map(({ line, status }) => [line, status])).toEqual([
    [1, 201],
    [3, 200],
    [4, 400],
    [5, 412],
    [6, 404],
    [7, 412],
    [8, 400],
    [9, 400],
    [10, 413],
    [11, 413],
    [12, 204],
  ])
  expect(lines[2]?.problem?.detail).toMatch('line 1, column 1')
  expect(itemsOf(await aws.call('GET', records))).toEqual([])
})

test('a repeated batch repeats no line', async () => {
  const { aws } = await testClouds()
  const body = Array.from({ length: 50 }, (_, n) => JSON.stringify({ op: 'put', id: `r${n}`, body: { n } })).join('\n')
  const key = { 'idempotency-key': 'load-1' }
  const first = await batch(aws, body, key)
  const again = await batch(aws, body, key)
  expect(first.every(({ status, replayed }) => status === 201 && !replayed)).toBe(true)
  expect(again.every(({ status, replayed }) => status === 200 && replayed === true)).toBe(true)
  expect(again.map(({ etag }) => etag)).toEqual(first.map(({ etag }) => etag))
  const other = await batch(aws, body.replace('"n":7', '"n":8'), key)
  expect(other[7]).toMatchObject({ status: 422, problem: { code: 'idempotency-key-reused' } })
})

test('a batch is cut off at its last allowed line, and a client that goes away stops it', async () => {
  const { aws, keys } = await testClouds()
  const lines = await batch(
    aws,
    '\n'.repeat(10_000) + '{"op":"put","id":"x","body":{}}\n{"op":"put","id":"y","body":{}}',
  )
  expect(lines).toMatchObject([{ line: 10_001, status: 413 }])
  let pulled = 0
  const endless = new ReadableStream<Uint8Array>({
    pull: (controller) => {
      pulled += 1
      controller.enqueue(new TextEncoder().encode(`{"op":"put","id":"e${pulled}","body":{}}\n`))
    },
  })
  const request = new Request('http://api.test/v1/collections/notes/batch', {
    method: 'POST',
    headers: { ...headers, authorization: `Bearer ${keys.acme}` },
    body: endless,
    duplex: 'half',
  } as RequestInit)
  const response = await aws.app.fetch(request)
  const reader = response.body?.getReader()
  await reader?.read()
  await reader?.cancel()
  const after = pulled
  await new Promise((resolve) => setTimeout(resolve, 20))
  expect(after).toBeLessThan(100)
  expect(pulled).toBe(after)
})

test('415 for another type, 404 for a system collection', async () => {
  const { aws } = await testClouds()
  expect((await aws.call('POST', '/v1/collections/notes/batch', { json: {} })).status).toBe(415)
  expect((await aws.call('POST', '/v1/collections/_keys/batch', { body: '{}', headers })).status).toBe(404)
})
