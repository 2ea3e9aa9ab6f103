import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { mkdtemp, rm } from 'node:fs/promises'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import { frontDoorGate } from '../../../local/edge/front-door.ts'
import { createEdge } from '../../../local/edge/server.ts'

type Answer = (request: IncomingMessage, response: ServerResponse) => void | Promise<void>

const body = Buffer.from(Array.from({ length: 1000 }, (_, index) => index % 251))
let folder: string
let origin: Server
let edge: Server
let base: string
let requests: { method: string; url: string; headers: IncomingMessage['headers'] }[]
let answer: Answer
let nowMs: number

const plain: Answer = (request, response) => {
  const headers = { etag: '"v1"', 'cache-control': 'max-age=60', 'content-type': 'image/webp', vary: 'Origin' }
  if (request.headers['if-none-match'] === '"v1"') return void response.writeHead(304, headers).end()
  response.writeHead(200, { ...headers, 'content-length': body.length, 'access-control-allow-origin': '*' }).end(body)
}

const listen = async (server: Server): Promise<number> => {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return (server.address() as AddressInfo).port
}

const close = (server: Server): Promise<void> =>
  new Promise((resolve) => {
    server.close(() => resolve())
    server.closeAllConnections()
  })

const get = async (path: string, headers: Record<string, string> = {}, method = 'GET') => {
  const response = await fetch(`${base}${path}`, { headers, method })
  return { status: response.status, headers: response.headers, bytes: Buffer.from(await response.arrayBuffer()) }
}

const cacheOf = (response: { headers: Headers }): string | null => response.headers.get('x-cache')

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'edge-'))
  requests = []
  answer = plain
  nowMs = Date.parse('2026-11-22T10:00:00Z')
  origin = createServer((request, response) => {
    requests.push({ method: request.method ?? '', url: request.url ?? '', headers: request.headers })
    void answer(request, response)
  })
  const blobEndpoint = `http://127.0.0.1:${await listen(origin)}/account`
  edge = await createEdge({
    gate: frontDoorGate({ blobEndpoint, now: () => nowMs }),
    folder: join(folder, 'cache'),
    objectBytesMax: 10_000,
    cacheBytesMax: 2_500,
  })
  base = `http://127.0.0.1:${await listen(edge)}`
})

afterEach(async () => {
  await close(edge)
  await close(origin)
  await rm(folder, { recursive: true, force: true })
})

describe('what is cached', () => {
  test('the first answer is a miss, the second a hit with its age, and the origin is asked once', async () => {
    const first = await get('/objects/a?sig=1')
    const second = await get('/objects/a?sig=1')
    expect([cacheOf(first), cacheOf(second)]).toEqual(['miss', 'hit'])
    expect(second.bytes.equals(body)).toBe(true)
    expect(Number(second.headers.get('age'))).toBeGreaterThanOrEqual(0)
    expect(second.headers.get('content-type')).toBe('image/webp')
    expect(requests.map(({ url }) => url)).toEqual(['/account/objects/a?sig=1'])
  })

  test('another query is another object', async () => {
    await get('/objects/a?sig=1')
    expect(cacheOf(await get('/objects/a?sig=2'))).toBe('miss')
    expect(requests).toHaveLength(2)
  })

  test('twenty readers of one object cost one request to the origin', async () => {
    answer = async (request, response) => {
      await setTimeout(100)
      await plain(request, response)
    }
    const answers = await Promise.all(Array.from({ length: 20 }, () => get('/objects/a')))
    expect(answers.every(({ bytes }) => bytes.equals(body))).toBe(true)
    expect(answers.filter((each) => cacheOf(each) === 'miss')).toHaveLength(1)
    expect(requests).toHaveLength(1)
  })

  test('a stale object is revalidated by its etag', async () => {
    answer = (_request, response) => {
      const headers = { etag: '"v1"', 'cache-control': 'max-age=0' }
      if (_request.headers['if-none-match'] === '"v1"') return void response.writeHead(304, headers).end()
      response.writeHead(200, { ...headers, 'content-length': body.length }).end(body)
    }
    await get('/objects/a')
    const again = await get('/objects/a')
    expect([again.status, cacheOf(again), again.bytes.equals(body)]).toEqual([200, 'revalidated', true])
    expect(requests).toHaveLength(2)
  })

  test('without a time named by the origin an object is kept for a day', async () => {
    answer = (_request, response) => void response.writeHead(200, { 'content-length': body.length }).end(body)
    await get('/objects/a')
    expect(cacheOf(await get('/objects/a'))).toBe('hit')
  })

  test('a client cannot reach the origin by asking for a fresh answer', async () => {
    await get('/objects/a')
    expect(cacheOf(await get('/objects/a', { 'cache-control': 'no-cache' }))).toBe('hit')
  })

  test('the cache stays within its bounds: the least recently used goes', async () => {
    await get('/objects/a')
    await get('/objects/b')
    await get('/objects/a')
    await get('/objects/c')
    expect(cacheOf(await get('/objects/a'))).toBe('hit')
    expect(cacheOf(await get('/objects/b'))).toBe('miss')
  })
})

describe('what is not cached', () => {
  test.each([403, 404, 500, 503])('an answer of %i goes on as it is, and the origin is asked again', async (status) => {
    answer = (_request, response) => void response.writeHead(status, { 'content-length': 4 }).end('oops')
    const refused = await get('/objects/a')
    expect([refused.status, refused.bytes.toString()]).toEqual([status, 'oops'])
    answer = plain
    expect((await get('/objects/a')).status).toBe(200)
  })

  test('an object of no bytes', async () => {
    answer = (_request, response) => void response.writeHead(200, { 'content-length': 0 }).end()
    expect((await get('/objects/a')).status).toBe(200)
    answer = plain
    expect((await get('/objects/a')).bytes).toHaveLength(1000)
  })

  test('a body cut short: 502, and the next reader gets the whole', async () => {
    answer = (_request, response) => {
      response.writeHead(200, { 'content-length': body.length, 'cache-control': 'max-age=60' })
      response.write(body.subarray(0, 400), () => response.destroy())
    }
    expect((await get('/objects/a')).status).toBe(502)
    answer = plain
    expect((await get('/objects/a')).bytes.equals(body)).toBe(true)
  })

  test('an origin that is gone: 502', async () => {
    await close(origin)
    expect((await get('/objects/a')).status).toBe(502)
  })

  test('an object over the bound streams through, ranges included, and is asked for once then', async () => {
    const big = Buffer.alloc(50_000, 7)
    answer = (request, response) => {
      const ranged = request.headers.range === 'bytes=0-9'
      const part = ranged ? big.subarray(0, 10) : big
      const range = ranged ? { 'content-range': `bytes 0-9/${big.length}` } : {}
      response.writeHead(ranged ? 206 : 200, { ...range, 'content-length': part.length }).end(part)
    }
    expect((await get('/objects/big')).bytes).toHaveLength(50_000)
    requests.length = 0
    const part = await get('/objects/big', { range: 'bytes=0-9' })
    expect([part.status, part.bytes.length, part.headers.get('content-range')]).toEqual([206, 10, 'bytes 0-9/50000'])
    expect(requests).toHaveLength(1)
  })
})

describe('parts and conditions, answered by the cache', () => {
  test.each([
    ['bytes=0-9', 206, 'bytes 0-9/1000', 10],
    ['bytes=990-', 206, 'bytes 990-999/1000', 10],
    ['bytes=-10', 206, 'bytes 990-999/1000', 10],
    ['bytes=0-9999', 206, 'bytes 0-999/1000', 1000],
    ['bytes=1000-', 416, 'bytes */1000', 0],
    ['bytes=-0', 416, 'bytes */1000', 0],
    ['bytes=9-1', 200, null, 1000],
    ['bytes=0-1,5-6', 200, null, 1000],
    ['lines=1-2', 200, null, 1000],
  ])('%s is %i', async (range, status, contentRange, length) => {
    await get('/objects/a')
    const part = await get('/objects/a', { range })
    expect([part.status, part.headers.get('content-range'), part.bytes.length]).toEqual([status, contentRange, length])
    const start = Number(/^bytes (\d+)/.exec(contentRange ?? '')?.[1] ?? 0)
    expect(part.bytes.equals(body.subarray(start, start + length))).toBe(true)
    expect(requests).toHaveLength(1)
  })

  test('a range as the first request gets its part, and the whole is kept', async () => {
    expect((await get('/objects/a', { range: 'bytes=10-19' })).bytes.equals(body.subarray(10, 20))).toBe(true)
    expect(cacheOf(await get('/objects/a'))).toBe('hit')
  })

  test.each([
    [{ 'if-none-match': '"v1"' }, 304],
    [{ 'if-none-match': 'W/"v1"' }, 304],
    [{ 'if-none-match': '"v0", "v1"' }, 304],
    [{ 'if-none-match': '"v0"' }, 200],
    [{ range: 'bytes=0-1', 'if-range': '"v1"' }, 206],
    [{ range: 'bytes=0-1', 'if-range': '"v0"' }, 200],
  ])('%j is %i', async (headers, status) => {
    await get('/objects/a')
    const found = await get('/objects/a', headers as Record<string, string>)
    expect(found.status).toBe(status)
    expect(requests).toHaveLength(1)
  })

  test('HEAD has the length and no body', async () => {
    const head = await get('/objects/a', {}, 'HEAD')
    expect([head.status, head.headers.get('content-length'), head.bytes.length]).toEqual([200, '1000', 0])
  })
})

describe('who is let through', () => {
  const signed = `/objects/a?se=${encodeURIComponent('2026-11-22T10:05:00Z')}&sig=x`

  test('a signature whose time is over is refused, cached or not', async () => {
    expect((await get(signed)).status).toBe(200)
    nowMs += 6 * 60_000
    const late = await get(signed)
    expect([late.status, cacheOf(late)]).toEqual([403, 'refused'])
    expect(late.bytes.toString()).toContain('<Code>AuthenticationFailed</Code>')
    expect((await get('/objects/a?se=nonsense&sig=x')).status).toBe(403)
    expect(requests).toHaveLength(1)
  })

  test('other methods are refused', async () => {
    expect((await get('/objects/a', {}, 'DELETE')).status).toBe(405)
    expect(requests).toHaveLength(0)
  })

  test.each(['/objects/%2e%2e%2fsecret', '/objects/%zz'])('%s is refused', async (path) => {
    expect((await get(path)).status).toBe(400)
    expect(requests).toHaveLength(0)
  })

  test('what the origin says to one web origin is not given to another', async () => {
    await get('/objects/a', { origin: 'https://one.example' })
    const other = await get('/objects/a', { origin: 'https://two.example' })
    expect(cacheOf(other)).toBe('miss')
    expect(other.headers.get('access-control-allow-origin')).toBe('*')
    expect(requests.map(({ headers }) => headers.origin)).toEqual(['https://one.example', 'https://two.example'])
  })
})
