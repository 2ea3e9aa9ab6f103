import { readFile, rm } from 'node:fs/promises'
import type { Server } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals'
import type { FunctionSpec, Invocation } from '../../../local/aws/lambda/function-spec.ts'
import { FunctionPool, type PoolOptions } from '../../../local/aws/lambda/function-pool.ts'
import { createGateway, type GatewayOptions } from '../../../local/aws/lambda/gateway.ts'
import { createInvokeApi } from '../../../local/aws/lambda/invoke-api.ts'
import { parseSchedule } from '../../../local/aws/lambda/schedule-expression.ts'
import { Schedules } from '../../../local/aws/lambda/schedules.ts'
import { closeServer, listen } from '../../../local/aws/process.ts'
import { functionOf, temporaryFolder } from './lambda-fixture.ts'

let folder: string
const open: { close(): Promise<void> }[] = []
const lines: string[] = []

beforeAll(async () => {
  folder = await temporaryFolder()
})
afterEach(async () => {
  await Promise.all(open.splice(0).map((each) => each.close()))
})
afterAll(() => rm(folder, { recursive: true }))

async function poolOf(
  name: string,
  source: string,
  more: Partial<FunctionSpec> = {},
  options: Partial<PoolOptions> = {},
) {
  const pool = new FunctionPool(
    await functionOf(folder, name, source, more),
    (_, line) => void lines.push(line),
    options,
  )
  open.push(pool)
  return pool
}

async function serve(server: Server): Promise<string> {
  const port = await listen(server, 0, 'test')
  open.push({ close: () => closeServer(server) })
  return `http://127.0.0.1:${port}`
}

const value = (result: Invocation): unknown => (result.ok ? JSON.parse(result.payload) : result.error.errorType)

describe('instances', () => {
  test('get the event, the context and their own environment; logs are forwarded', async () => {
    const pool = await poolOf(
      'echo',
      `exports.handler = async (event, context) => {
        console.log('line one\\nline two')
        return { event, left: context.getRemainingTimeInMillis(), name: context.functionName, id: context.awsRequestId,
          arn: context.invokedFunctionArn, mb: context.memoryLimitInMB, env: process.env.GREETING, home: process.env.HOME ?? null }
      }`,
    )
    const result = await pool.invoke('{"a":1}')
    expect(value(result)).toMatchObject({ event: { a: 1 }, name: 'echo', mb: '128', env: 'hello', home: null })
    expect((value(result) as { id: string }).id).toBe(result.requestId)
    expect((value(result) as { left: number }).left).toBeGreaterThan(5000)
    expect(lines).toEqual(expect.arrayContaining(['line one', 'line two']))
  })

  test('are reused one event at a time, scale out to the cap, and retire when idle', async () => {
    const source = `let busy = 0
      exports.handler = async () => { const mine = ++busy; await new Promise((r) => setTimeout(r, 250)); busy--
        return { pid: process.pid, mine } }`
    const pool = await poolOf('scale', source, {}, { instancesMax: 3, idleMsMax: 400 })
    const one = value(await pool.invoke('{}')) as { pid: number }
    const two = value(await pool.invoke('{}')) as { pid: number }
    expect(two.pid).toBe(one.pid)
    const many = (await Promise.all(Array.from({ length: 12 }, () => pool.invoke('{}')))).map(value) as {
      pid: number
      mine: number
    }[]
    expect(many.every((each) => each.mine === 1)).toBe(true)
    expect(new Set(many.map((each) => each.pid)).size).toBe(3)
    for (let tries = 0; tries < 100 && pool.size > 0; tries++) await sleep(20)
    expect(pool.size).toBe(0)
    expect(value(await pool.invoke('{}'))).toMatchObject({ mine: 1 })
  })

  test('a time-out, a crash and a throw fail the event alone; the next starts anew', async () => {
    const source = `let count = 0
      exports.handler = async ({ act }) => { count++
        if (act === 'hang') await new Promise(() => setInterval(() => {}, 1000))
        if (act === 'spin') for (;;);
        if (act === 'exit') process.exit(3)
        if (act === 'stray') { Promise.reject(new Error('stray')); await new Promise((r) => setTimeout(r, 500)) }
        if (act === 'throw') throw new RangeError('no')
        return count }`
    const pool = await poolOf('fail', source, { timeoutMs: 400 }, { instancesMax: 1 })
    const act = async (name: string) => value(await pool.invoke(JSON.stringify({ act: name })))
    expect(await act('hang')).toBe('Sandbox.Timedout')
    expect(await act('none')).toBe(1)
    expect(await act('spin')).toBe('Sandbox.Timedout')
    expect(await act('exit')).toBe('Runtime.ExitError')
    expect(await act('stray')).toBe('Runtime.ExitError')
    expect(await act('throw')).toBe('RangeError')
    expect(await act('none')).toBe(2)
  })

  test('a bundle that does not load, or exports nothing, fails the event', async () => {
    const broken = await poolOf('broken', `throw new SyntaxError('bad bundle')`)
    expect(value(await broken.invoke('{}'))).toBe('SyntaxError')
    const empty = await poolOf('empty', '')
    expect(value(await empty.invoke('{}'))).toBe('Error')
    expect(value(await empty.invoke('{}'))).toBe('Error')
  })

  test('an answer over 6 MB is refused, and too many waiting are throttled', async () => {
    const source = `exports.handler = async ({ bytes }) => 'x'.repeat(bytes)`
    const pool = await poolOf('big', source, {}, { instancesMax: 1, waitingMax: 2 })
    const large = await pool.invoke('{"bytes":6291560}')
    expect(large.ok || large.error.errorType).toBe('Function.ResponseSizeTooLarge')
    expect((await pool.invoke('{"bytes":6000000}')).ok).toBe(true)
    const all = await Promise.allSettled(Array.from({ length: 6 }, () => pool.invoke('{"bytes":1}')))
    expect(all.filter((each) => each.status === 'rejected').length).toBeGreaterThan(0)
  })
})

describe('the Invoke API', () => {
  test('answers, fails, refuses', async () => {
    const pool = await poolOf(
      'api',
      `exports.handler = async (event) => { if (event.fail) throw new Error('no'); return event }`,
    )
    const url = await serve(createInvokeApi({ pools: new Map([['api', pool]]), scale: 1 }))
    const call = (name: string, body: string, type = 'RequestResponse') =>
      fetch(`${url}/2015-03-31/functions/${encodeURIComponent(name)}/invocations`, {
        method: 'POST',
        body,
        headers: { 'x-amz-invocation-type': type },
      })
    expect(await (await call('api', '{"a":1}')).json()).toEqual({ a: 1 })
    expect((await call('arn:aws:lambda:us-east-1:000000000000:function:api', '{}')).status).toBe(200)
    const failed = await call('api', '{"fail":true}')
    expect([failed.status, failed.headers.get('x-amz-function-error')]).toEqual([200, 'Unhandled'])
    expect((await call('nobody', '{}')).status).toBe(404)
    expect((await call('api', 'not json')).status).toBe(400)
    expect((await call('api', `"${'x'.repeat(6_300_000)}"`)).status).toBe(413)
  })

  test('an Event is tried three times', async () => {
    const pool = await poolOf(
      'event',
      `const fs = require('node:fs')
       exports.handler = async ({ file }) => { fs.appendFileSync(file, '1'); throw new Error('always') }`,
    )
    const url = await serve(createInvokeApi({ pools: new Map([['event', pool]]), scale: 1000 }))
    const file = `${folder}/tries`
    const answer = await fetch(`${url}/2015-03-31/functions/event/invocations`, {
      method: 'POST',
      body: JSON.stringify({ file }),
      headers: { 'x-amz-invocation-type': 'Event' },
    })
    expect(answer.status).toBe(202)
    const { readFile } = await import('node:fs/promises')
    const tries = () => readFile(file, 'utf8').catch(() => '')
    for (let wait = 0; wait < 150 && (await tries()).length < 3; wait++) await sleep(20)
    await sleep(200)
    expect(await tries()).toBe('111')
  })
})

describe('the gateway', () => {
  const source = `exports.handler = async (event) => {
    if (event.path === '/slow') await new Promise((r) => setTimeout(r, 6000))
    if (event.path === '/throw') throw new Error('no')
    if (event.path === '/bad') return 'not a response'
    if (event.path === '/bytes') return { statusCode: 200, isBase64Encoded: true, body: Buffer.from([0, 255, 1]).toString('base64'),
      multiValueHeaders: { 'Set-Cookie': ['a=1', 'b=2'], 'WWW-Authenticate': ['Bearer'] } }
    if (event.path === '/none') return { statusCode: 304, headers: { etag: '"x"' } }
    return { statusCode: 201, headers: { 'content-type': 'application/json' }, body: JSON.stringify(event) } }`
  const gateway = async (more: Partial<GatewayOptions> = {}) => {
    const pool = await poolOf('http', source)
    const context = { stage: 'local', account: '000000000000', isBinary: () => true }
    return serve(createGateway({ pool, ...context, integrationMsMax: 3000, ...more }))
  }

  test('passes on a proxy event of format 1.0', async () => {
    const url = await gateway()
    const answer = await fetch(`${url}/v1/a%20b?x=1&x=2&y=%C3%BC`, {
      method: 'PUT',
      body: Buffer.from([1, 2, 255]),
      headers: { 'X-Case': 'Kept' },
    })
    expect(answer.status).toBe(201)
    expect(await answer.json()).toMatchObject({
      path: '/v1/a%20b',
      httpMethod: 'PUT',
      body: 'AQL/',
      isBase64Encoded: true,
      queryStringParameters: { x: '2', y: 'ü' },
      multiValueQueryStringParameters: { x: ['1', '2'], y: ['ü'] },
      pathParameters: { proxy: 'v1/a%20b' },
      requestContext: { stage: 'local', identity: { sourceIp: expect.stringContaining('127.0.0.1') } },
    })
  })

  test("the caller's address goes behind what the caller wrote in X-Forwarded-For", async () => {
    const url = await gateway()
    const forwarded = async (headers: Record<string, string>): Promise<unknown> => {
      const event = (await (await fetch(url, { headers })).json()) as Record<string, Record<string, unknown>>
      const names = Object.keys(event['headers'] ?? {}).filter((name) => name.toLowerCase() === 'x-forwarded-for')
      return [names, event['headers']?.['X-Forwarded-For'], event['multiValueHeaders']?.['X-Forwarded-For']]
    }
    const name = 'X-Forwarded-For'
    expect(await forwarded({})).toEqual([[name], '127.0.0.1', ['127.0.0.1']])
    const both = '203.0.113.9, 127.0.0.1'
    expect(await forwarded({ 'x-forwarded-for': '203.0.113.9' })).toEqual([[name], both, [both]])
  })

  test('gives back bytes, several cookies, remapped headers, bodiless answers', async () => {
    const url = await gateway()
    const bytes = await fetch(`${url}/bytes`)
    expect(new Uint8Array(await bytes.arrayBuffer())).toEqual(new Uint8Array([0, 255, 1]))
    expect(bytes.headers.getSetCookie()).toEqual(['a=1', 'b=2'])
    expect(bytes.headers.get('x-amzn-remapped-www-authenticate')).toBe('Bearer')
    const none = await fetch(`${url}/none`)
    expect([none.status, none.headers.get('etag')]).toEqual([304, '"x"'])
    expect(await (await fetch(`${url}/bytes`, { method: 'HEAD' })).text()).toBe('')
  })

  test('504 when late, 502 when broken, 413 when large', async () => {
    const url = await gateway()
    await Promise.all(Array.from({ length: 3 }, () => fetch(`${url}/none`)))
    const statuses = await Promise.all(
      ['/slow', '/throw', '/bad'].map(async (path) => (await fetch(url + path)).status),
    )
    expect(statuses).toEqual([504, 502, 502])
    expect((await fetch(url, { method: 'POST', body: Buffer.alloc(10 * 1024 ** 2 + 1) })).status).toBe(413)
    expect((await fetch(url, { method: 'POST', body: Buffer.alloc(5 * 1024 ** 2) })).status).toBe(413)
    expect((await fetch(url, { method: 'POST', body: Buffer.alloc(4 * 1024 ** 2) })).status).toBe(201)
  })

  test('what it answers by itself is a problem, as the document that deploys declares it', async () => {
    const file = new URL('../../../aws/infra/api-document.json', import.meta.url)
    const { body } = JSON.parse(await readFile(file, 'utf8')) as { body: Record<string, GatewayOptions['responses']> }
    const responses = body['x-amazon-apigateway-gateway-responses']
    const url = await gateway({ responses: responses ?? {} })
    await Promise.all(Array.from({ length: 3 }, () => fetch(`${url}/none`)))
    const large = await fetch(url, { method: 'POST', body: Buffer.alloc(10 * 1024 ** 2 + 1) })
    const answers = [large, ...(await Promise.all(['/slow', '/throw', '/bad'].map((path) => fetch(url + path))))]
    expect(answers.map(({ status }) => status)).toEqual([413, 503, 503, 503])
    for (const answer of answers) {
      expect(answer.headers.get('content-type')).toBe('application/problem+json')
      expect(answer.headers.get('cache-control')).toBe('no-store')
      expect(answer.headers.get('access-control-allow-origin')).toBe('*')
      expect(answer.headers.get('retry-after')).toBe(answer.status === 503 ? '1' : null)
      const code = answer.status === 413 ? 'too-large' : 'unavailable'
      expect(await answer.json()).toMatchObject({
        type: `urn:catamaran:problem:${code}`,
        code,
        status: answer.status,
        title: expect.any(String),
        detail: expect.stringMatching(/ /),
      })
    }
  })
})

describe('schedules', () => {
  const at = (text: string) => Date.parse(text)

  test.each([
    ['rate(5 minutes)', '2026-01-01T00:00:30Z', '2026-01-01T00:05:30Z'],
    ['rate(1 day)', '2026-01-01T00:00:00Z', '2026-01-02T00:00:00Z'],
    ['cron(0/15 * * * ? *)', '2026-01-01T00:15:00Z', '2026-01-01T00:30:00Z'],
    ['cron(30 3 ? * MON-FRI *)', '2026-01-02T04:00:00Z', '2026-01-05T03:30:00Z'],
    ['cron(0 0 1 JAN,JUL ? *)', '2026-01-01T00:00:00Z', '2026-07-01T00:00:00Z'],
  ])('%s', (expression, after, next) => {
    expect(new Date(parseSchedule(expression)(at(after))).toISOString()).toBe(new Date(at(next)).toISOString())
  })

  test.each(['rate(0 minutes)', 'every day', 'cron(61 * * * ? *)', 'cron(* * *)'])('%s is refused', (expression) => {
    expect(() => parseSchedule(expression)).toThrow()
  })

  test('run on a fast clock, never two at a time', async () => {
    let [runs, now, most] = [0, 0, 0]
    const run = async () => {
      runs++
      most = Math.max(most, ++now)
      await sleep(60)
      now--
    }
    const schedules = new Schedules([{ name: 'x', expression: 'rate(1 minute)', run }], 2000) // every 30 ms
    await sleep(600)
    schedules.close()
    expect(runs).toBeGreaterThan(3)
    expect(most).toBe(1)
    const before = runs
    await sleep(150)
    expect(runs).toBe(before)
  })
})
