import { describe, expect, test } from '@jest/globals'
import { reconcile } from '../../shared/core/reconcile.ts'
import { replicatedUntilMs } from '../../shared/core/replication-marks.ts'
import { writeRecord } from '../../shared/core/records.ts'
import type { Services } from '../../shared/core/services.ts'
import { peerClient } from '../../shared/http/peer-client.ts'
import { crowdedKeys } from './crowded.ts'
import { twoSites } from './two-sites.ts'

const keys = crowdedKeys().slice(0, 20)

/** A site whose peer answers questions about digests, and nothing else, with what `answer` makes of them. */
async function against(answer: (body: { requests: { path: number[] }[]; salt?: string }) => unknown) {
  const { aws, clock } = twoSites()
  for (const key of keys) {
    await writeRecord(aws.services, key, { precondition: { kind: 'none' } }, () => ({ n: 1 }))
  }
  const calls: string[] = []
  const reach = (async (url: string, init?: RequestInit) => {
    const verb = url.split('/').at(-1) ?? ''
    calls.push(verb)
    if (verb === 'offer') return Response.json({ outcomes: [] })
    if (verb === 'read') return Response.json({ states: [null, 7, { key: 'nonsense' }] })
    return Response.json(answer(JSON.parse(init?.body as string) as { requests: { path: number[] }[] }))
  }) as typeof fetch
  const peer = peerClient({ url: 'http://azure.test', token: async () => 't', fetch: reach })
  const services: Services = { ...aws.services, peer }
  await clock.advance(10_000)
  return { report: await reconcile(services), calls, services, records: aws.records }
}

const each = (answer: unknown) => (body: { requests: unknown[] }) => ({ answers: body.requests.map(() => answer) })
const entry = (id: string) => ({ key: { tenant: 'acme', collection: 'notes', id }, vector: {} })

describe('a peer that answers nonsense', () => {
  const nonsense: [string, (body: { requests: { path: number[] }[] }) => unknown][] = [
    ['nothing', () => ({})],
    ['null', () => null],
    ['too few answers', () => ({ answers: [] })],
    ['too many answers', () => ({ answers: [{ kind: 'same' }, { kind: 'same' }] })],
    ['an unknown answer', each({ kind: 'whatever' })],
    ['digests of another length', each({ kind: 'digests', digests: ['a'] })],
    ['packed digests of another length', each({ kind: 'packed', digests: 'abc' })],
    ['endless packed digests', each({ kind: 'packed', digests: 'x'.repeat(100_000) })],
    ['records where digests were asked for', each({ kind: 'entries', entries: [entry('a')] })],
    ['busy all the way', each({ kind: 'busy' })],
  ]
  test.each(nonsense)('%s: nothing is taken for equal, and the work is bounded', async (_, answer) => {
    const { report, calls, services } = await against(answer)
    expect(report).toMatchObject({ clean: false, pulled: 0, pushed: 0 })
    expect(await replicatedUntilMs(services)).toBe(0)
    expect(calls.length).toBeLessThan(5)
  })
})

describe('a peer that lies', () => {
  const allDiffer = (body: { requests: { path: number[] }[] }) => ({
    answers: body.requests.map(({ path }) => ({ kind: 'packed', digests: 'zzzz'.repeat(path.length < 2 ? 128 : 16) })),
  })

  test('that everything differs, however deep one asks, is asked a bounded number of questions', async () => {
    const { report, calls } = await against((body) =>
      // Of the tree's buckets only those of one page, so that the test is quick.
      body.requests.some(({ path }) => path.length === 0)
        ? { answers: [{ kind: 'packed', digests: `zzzz${'AAAA'.repeat(127)}` }] }
        : body.requests.some(({ path }) => path.length === 1)
          ? { answers: body.requests.map(() => ({ kind: 'packed', digests: `zzzz${'AAAA'.repeat(127)}` })) }
          : allDiffer(body),
    )
    expect(report.clean).toBe(false)
    expect(calls.length).toBeLessThan(1_000)
  }, 60_000)

  test('about records that do not belong where it was asked, is not asked for them', async () => {
    const foreign = Array.from({ length: 500 }, (_, n) => entry(`foreign-${n}`))
    const { calls, records, report } = await against((body) => ({
      answers: body.requests.map(({ path }) =>
        path.length < 2
          ? { kind: 'packed', digests: `zzzz${'AAAA'.repeat(127)}` }
          : { kind: 'entries', entries: foreign },
      ),
    }))
    expect(calls.filter((verb) => verb === 'read')).toEqual([])
    expect(report.pulled).toBe(0)
    expect(records.all()).toHaveLength(20)
  })

  test('about the states it has, changes nothing here', async () => {
    const [key] = keys
    const { records, calls } = await against((body) => ({
      answers: body.requests.map(({ path }) =>
        path.length < 2
          ? { kind: 'digests', digests: Array.from({ length: 128 }, () => 'x') }
          : { kind: 'entries', entries: [{ key, vector: { azure: '0fffffffffff.0000.00000000.azure' } }] },
      ),
    }))
    expect(calls).toContain('read')
    expect(records.all().every(({ body }) => body?.['n'] === 1)).toBe(true)
  }, 60_000)
})
