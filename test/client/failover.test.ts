import { afterEach, beforeEach, expect, test } from '@jest/globals'
import { setTimeout as sleep } from 'node:timers/promises'
import { FailoverError, failoverClient, type FailoverOptions } from '../../client/failover.ts'
import { joinSessions } from '../../client/session.ts'
import type { Origin, Site } from '../../shared/domain/site.ts'
import { formatStamp } from '../../shared/domain/stamp.ts'
import { formatSession, parseSession } from '../../shared/http/session.ts'
import { joinSessions as joinParsed } from '../../shared/replication/session.ts'
import type { Vector } from '../../shared/replication/vector.ts'
import { type ScriptedSite, scriptedSite } from './scripted-site.ts'

let a: ScriptedSite
let b: ScriptedSite

beforeEach(async () => {
  a = await scriptedSite()
  b = await scriptedSite()
})
afterEach(async () => {
  await a.stop()
  await b.stop()
})

const tryMsMax = 200
const client = (options: Partial<FailoverOptions> = {}) =>
  failoverClient({ origins: [a.url, b.url], tryMsMax, callMsMax: 2_000, ...options })
const problem = (code: string) => ({ status: 503, json: { code } })

test('a site that hangs costs one time-out; the other gets the same request, key and content', async () => {
  a.act = () => 'hang'
  const answer = await client({ headers: { authorization: 'Bearer k' } }).call('POST', '/v1/things', { json: { n: 1 } })
  expect([answer.status, answer.origin]).toEqual([200, b.url])
  expect(answer.tries.map(({ outcome }) => outcome)).toEqual(['no answer in 200 ms', 200])
  expect(answer.tries[0]?.tookMs).toBeGreaterThanOrEqual(tryMsMax - 5)
  const [[first], [second]] = [a.seen, b.seen]
  expect(first?.headers['idempotency-key']).toMatch(/^[0-9a-f-]{36}$/)
  const facts = ['idempotency-key', 'authorization', 'content-type', 'prefer']
  for (const name of facts) expect(second?.headers[name]).toBe(first?.headers[name])
  expect(second?.content).toBe('{"n":1}')
})

test('reads carry no key, a key of the caller stays, and Prefer says how long the site may wait', async () => {
  const one = client()
  await one.call('GET', '/v1/things')
  await one.call('PUT', '/v1/things/1', { json: {}, headers: { 'Idempotency-Key': 'mine', Prefer: 'durability=both' } })
  const [read, write] = a.seen
  expect([read?.headers['idempotency-key'], read?.headers.prefer]).toEqual([undefined, 'wait=1'])
  expect([write?.headers['idempotency-key'], write?.headers.prefer]).toEqual(['mine', 'durability=both, wait=1'])
})

test('a dead site is left alone after the first call, and asked again once a probe has gone well', async () => {
  await a.stop()
  const one = client()
  expect((await one.call('GET', '/x')).tries.map(({ outcome }) => outcome)).toEqual(['ECONNREFUSED', 200])
  for (let n = 0; n < 5; n++) expect((await one.call('GET', '/x')).tries).toHaveLength(1)
  await a.start()
  expect((await one.call('GET', '/x')).origin).toBe(b.url)
  await sleep(1_050)
  // This call begins the probe, and goes its own way.
  expect((await one.call('GET', '/x')).origin).toBe(b.url)
  for (let n = 0; n < 50 && a.probes() === 0; n++) await sleep(10)
  await sleep(20)
  expect([a.probes(), (await one.call('GET', '/x')).origin]).toEqual([1, a.url])
})

test('an answer that breaks off is none', async () => {
  a.act = () => 'cut'
  expect((await client().call('PUT', '/x', { content: 'text' })).origin).toBe(b.url)
})

test.each([400, 404, 409, 412, 422])('%i is an answer: the other site would say the same', async (status) => {
  a.act = () => ({ status })
  expect((await client().call('PUT', '/x')).status).toBe(status)
  expect(b.seen).toHaveLength(0)
})

test.each([500, 502, 503, 504])('%i is worth asking the other site', async (status) => {
  a.act = () => ({ status })
  expect((await client().call('PUT', '/x')).origin).toBe(b.url)
})

test('429 is waited for where it was said', async () => {
  a.act = () => (a.seen.length < 2 ? { status: 429, headers: { 'retry-after': '1' } } : { status: 200 })
  const began = performance.now()
  const answer = await client().call('GET', '/x')
  expect([answer.status, answer.origin, b.seen.length]).toEqual([200, a.url, 0])
  expect(performance.now() - began).toBeGreaterThanOrEqual(990)
})

test('when the time is over the last answer counts, and without any it throws with every try', async () => {
  for (const site of [a, b]) site.act = () => problem('unavailable')
  expect((await client().call('GET', '/x')).status).toBe(503)
  await a.stop()
  await b.stop()
  const failed = await client({ callMsMax: 300 })
    .call('GET', '/x')
    .catch((error: unknown) => error as FailoverError)
  expect(failed).toBeInstanceOf(FailoverError)
  expect((failed as FailoverError).tries.length).toBeGreaterThanOrEqual(4)
})

test("the caller's signal ends a call at once, while it is sent and while it waits", async () => {
  for (const act of ['hang', problem('unavailable')] as const) {
    for (const site of [a, b]) site.act = () => act
    const began = performance.now()
    const signal = AbortSignal.timeout(50)
    await expect(client({ tryMsMax: 1_500 }).call('GET', '/x', { signal })).rejects.toHaveProperty(
      'name',
      'TimeoutError',
    )
    expect(performance.now() - began).toBeLessThan(1_000)
  }
})

const stamp = (site: Site, ms: number) => formatStamp({ ms, counter: 0, nonce: '00000000', site })
const shown = (seen: Partial<Record<Site, number>>): Vector =>
  Object.fromEntries(Object.entries(seen).map(([site, ms]) => [site, stamp(site as Site, ms)]))
/** Of what was shown at AWS, unless told otherwise. */
const sessionOf = (seen: Partial<Record<Site, number>>, where: Origin = 'aws'): string =>
  formatSession({ [where]: shown(seen) })

test('sessions are joined, and sent with every later request to either site', async () => {
  const [one, two] = [sessionOf({ aws: 1 }), sessionOf({ azure: 2 })]
  const sessions = [one, two]
  a.act = () => ({ status: 200, headers: { 'catamaran-session': sessions.shift() ?? one } })
  const c = client()
  for (let n = 0; n < 3; n++) await c.call('GET', '/x')
  expect(a.seen.map(({ headers }) => headers['catamaran-session'])).toEqual([undefined, one, joinSessions(one, two)])
  await a.stop()
  await c.call('GET', '/x')
  expect(b.seen[0]?.headers['catamaran-session']).toBe(joinSessions(one, two))
})

test('what is joined is a session to the API, and has the later stamp of what each life of a site showed', () => {
  const given = [
    sessionOf({ aws: 2, azure: 5 }),
    sessionOf({ azure: 7 }, 'azure'),
    sessionOf({ aws: 1, azure: 1 }, 'aws-1'),
    sessionOf({ aws: 3, azure: 4 }),
  ]
  const joined = given.reduce((one, other) => joinSessions(one, other) ?? '')
  expect(parseSession(joined)).toEqual({
    aws: shown({ aws: 3, azure: 5 }),
    azure: shown({ azure: 7 }),
    'aws-1': shown({ aws: 1, azure: 1 }),
  })
  expect(joined).toBe(formatSession(given.map(parseSession).reduce(joinParsed)))
  expect(joinSessions(undefined, 'x')).toBe('x')
})

test('a read that only the lost site could answer is answered without the session, and says so', async () => {
  const session = sessionOf({ aws: 1 })
  a.act = () => ({ status: 200, headers: { 'catamaran-session': session } })
  const prefers = client()
  const requires = client({ session: 'require', callMsMax: 700 })
  for (const each of [prefers, requires]) await each.call('GET', '/x')
  await a.stop()
  b.act = ({ headers }) => (headers['catamaran-session'] ? problem('peer-unavailable') : { status: 200 })
  const first = await prefers.call('GET', '/x')
  expect([first.status, first.sessionKept, first.tries.at(-1)?.outcome]).toEqual([200, false, 200])
  const second = await prefers.call('GET', '/x')
  expect([second.status, second.sessionKept, second.tries.length]).toEqual([200, false, 1])
  expect((await requires.call('GET', '/x')).status).toBe(503)
})
