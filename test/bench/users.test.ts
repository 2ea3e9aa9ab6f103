import { afterEach, describe, expect, test } from '@jest/globals'
import { acts } from '../../bench/users/acts.ts'
import { connect } from '../../bench/users/connection.ts'
import { type CrowdOptions, gather } from '../../bench/users/crowd.ts'
import { makeGauge } from '../../bench/users/gauge.ts'
import { sendPatiently } from '../../bench/users/patience.ts'
import { readUsersOptions } from '../../bench/users/options.ts'
import { makeSample } from '../../bench/users/sample.ts'
import { placeOf, spawnMsOf, type Step, steps, thinkMsOf } from '../../bench/users/schedule.ts'
import { makeTally } from '../../bench/users/tally.ts'
import { judge } from '../../local/drill/holdings.ts'
import { sites } from '../../shared/domain/site.ts'
import { type Act, type ScriptedSite, scriptedSite, type Seen } from '../client/scripted-site.ts'
import { personAt } from './person.ts'

const cleanups: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const cleanup of cleanups.splice(0)) await cleanup()
})

async function siteWith(act: (seen: Seen) => Act): Promise<ScriptedSite> {
  const site = await scriptedSite(act)
  cleanups.push(site.stop)
  return site
}

const { signal } = new AbortController()

describe('when and where users act', () => {
  test('they come evenly, and as many of each tenant at each site', () => {
    const spawns = [0, 1, 2, 3].map((user) => spawnMsOf(user, { users: 4, rampMs: 1_000 }))
    expect(spawns).toEqual([0, 250, 500, 750])
    const places = Array.from({ length: 12 }, (_, user) => placeOf(user, ['aws', 'azure'], ['a', 'b']).join(' '))
    expect([...Map.groupBy(places, (place) => place).values()].map((those) => those.length)).toEqual([3, 3, 3, 3])
  })

  test('they think for the mean, none less than half of it and none half as long again', () => {
    expect([0, 0.5, 1].map((chance) => thinkMsOf(100, () => chance))).toEqual([50, 100, 150])
  })

  test('options change what the runs are, and one that makes no sense is named', () => {
    const { runs, sites: chosen } = readUsersOptions({ run: 'spawned', users: '50', site: 'azure' })
    expect(runs).toMatchObject([['spawned', { users: 50, rampSeconds: 400, peers: { p50: { value: 18 } } }]])
    expect(chosen).toEqual(['azure'])
    expect(readUsersOptions({}).runs.map(([name]) => name)).toEqual(['at-once', 'spawned'])
    for (const [option, text] of [
      ['users', '-1'],
      ['seconds', 'many'],
      ['run', 'all'],
      ['site', 'gcp'],
    ] as const) {
      expect(() => readUsersOptions({ [option]: text })).toThrow(`--${option}`)
    }
  })
})

describe('times', () => {
  test('are exact while all are kept', () => {
    const sample = makeSample(100)
    for (let n = 100; n > 0; n--) sample.add(n)
    expect([0.5, 0.95, 0.99].map((fraction) => sample.quantile(fraction))).toEqual([50, 95, 99])
    expect(sample).toMatchObject({ count: 100, mean: 50.5 })
  })

  test('are those of all the time when only some are kept', () => {
    const sample = makeSample(500)
    for (let n = 0; n < 100_000; n++) sample.add(n)
    expect(sample).toMatchObject({ count: 100_000, mean: 49_999.5 })
    // Seven times as far from it as the chance of 500 among them makes likely.
    expect(Math.abs(sample.quantile(0.5) - 50_000)).toBeLessThan(16_000)
  })
})

test('calls are measured from the given time on, and failures counted from the beginning', () => {
  const tally = makeTally(1_000)
  tally.note({ call: 'list', site: 'aws', beganMs: 999, failure: 'early' })
  tally.note({ call: 'list', site: 'aws', beganMs: 1_000, failure: 'late' })
  tally.note({ call: 'bytes', site: 'aws', beganMs: 1_000 })
  expect(tally).toMatchObject({ failed: 2, ended: 3 })
  expect(Object.fromEntries(tally.failures)).toEqual({ early: 1, late: 1 })
  const counts = [...tally.tookMs].map(([name, { count }]) => [name, count])
  expect(Object.fromEntries(counts)).toEqual({ list: 1, aws: 1, all: 1, bytes: 1 })
})

describe('a patient call', () => {
  const request = (url: string) => ({ method: 'PUT', url, headers: { 'idempotency-key': 'k' }, content: '{}' })

  test.each([429, 503])('comes again after a %i that says when, with the same request', async (status) => {
    let told = 0
    const later = { status, headers: { 'retry-after': '0' } }
    const site = await siteWith(() => (site.seen.length < 3 ? later : { status: 201 }))
    const connection = connect(makeGauge())
    const answer = await sendPatiently(connection, request(site.url), { onToldToWait: () => told++, signal })
    connection.close()
    expect([answer.status, told]).toEqual([201, 2])
    expect(site.seen.map(({ headers, content }) => [headers['idempotency-key'], content])).toEqual(
      Array(3).fill(['k', '{}']),
    )
  })

  test.each([
    ['does not say when', 503, {}],
    ['asks for more time than the call has', 503, { 'retry-after': '3600' }],
    ['is of another kind', 500, { 'retry-after': '0' }],
  ])('takes an answer that %s for the last', async (_, status, headers) => {
    const site = await siteWith(() => ({ status, headers: { ...headers } }))
    const connection = connect(makeGauge())
    const onToldToWait = (): never => {
      throw new Error('It was to wait')
    }
    expect(await sendPatiently(connection, request(site.url), { onToldToWait, signal })).toMatchObject({ status })
    connection.close()
  })

  test('fails when the connection is cut, and when no answer comes in time', async () => {
    const site = await siteWith(({ path }) => (path === '/cut' ? 'cut' : 'hang'))
    const connection = connect(makeGauge())
    await expect(connection.send(request(`${site.url}/cut`), 1_000)).rejects.toThrow('socket hang up')
    await expect(connection.send(request(`${site.url}/hang`), 50)).rejects.toThrow('no answer in time')
    connection.close()
  })
})

const picture = { asset: 'shown', rendition: 'small', bytes: '"bytes"'.length }
const tenants = [
  { key: 'one', picture },
  { key: 'two', picture },
]

describe('what a user does', () => {
  const wellAnswered: Readonly<Record<Step | 'bytes', Act>> = {
    list: { status: 200, json: {} },
    create: { status: 201, headers: { etag: '"1"' }, json: { id: 'r1' } },
    read: { status: 200, json: { body: { count: 0 } } },
    edit: { status: 200, headers: { etag: '"2"' }, json: { id: 'r1' } },
    asset: { status: 200, json: {} },
    image: { status: 307 },
    bytes: { status: 200, json: 'bytes' },
  }
  const callOf = ({ method, path }: Seen): Step | 'bytes' => {
    if (method !== 'GET') return method === 'POST' ? 'create' : 'edit'
    if (path.includes('/records')) return path.endsWith('/r1') ? 'read' : 'list'
    if (path === '/picture') return 'bytes'
    return path.includes('/renditions/') ? 'image' : 'asset'
  }

  /** All steps, where one call is answered otherwise. */
  async function lived(call: Step | 'bytes' = 'list', otherwise: Act = wellAnswered[call]) {
    const site = await siteWith((seen) => {
      const act = callOf(seen) === call ? otherwise : wellAnswered[callOf(seen)]
      return act === wellAnswered.image ? { status: 307, headers: { location: `${site.url}/picture` } } : act
    })
    const person = personAt({ site: 'aws', apiUrl: site.url, tenant: { key: 'one', picture } })
    for (const step of steps) await acts[step](person)
    person.api.close()
    person.edge.close()
    return { person, calls: site.seen.map(callOf), failures: [...person.tally.failures.keys()] }
  }

  test('is all of it, one after the other, and promised as it was answered', async () => {
    const { person, calls, failures } = await lived()
    expect(calls).toEqual(['list', 'create', 'read', 'edit', 'asset', 'image', 'bytes'])
    expect(failures).toEqual([])
    expect([[...person.ledger.created], [...person.ledger.edited]]).toEqual([[['u0-0', 'r1']], [['r1', 1]]])
  })

  test.each<[Step | 'bytes', Act, string]>([
    ['list', { status: 500, json: 'no' }, '500 "no"'],
    ['read', { status: 200, json: { body: { count: -1 } } }, 'older than what the same user wrote'],
    ['asset', 'cut', 'socket hang up'],
    ['bytes', { status: 200, json: 'byt' }, '5 of 7 bytes'],
  ])('fails at %s for %j, and goes on', async (call, otherwise, why) => {
    const { calls, failures } = await lived(call, otherwise)
    expect(calls).toHaveLength(7)
    expect(failures).toEqual([`${call} at aws: ${why}`])
  })

  test.each<[Step, Act, string[]]>([
    ['create', { status: 201, json: {} }, ['list', 'create', 'asset', 'image', 'bytes']],
    ['image', { status: 404 }, ['list', 'create', 'read', 'edit', 'asset', 'image']],
  ])('leaves out what a failed %s should have brought', async (call, otherwise, expected) => {
    const { person, calls, failures } = await lived(call, otherwise)
    expect([calls, failures.length]).toEqual([expected, 1])
    expect(person.ledger.created.size).toBe(call === 'create' ? 0 : 1)
  })
})

describe('a crowd', () => {
  const common = { users: 12, rampMs: 100, holdMs: 1_500, thinkMs: 40, sites, tenants, collection: 'notes', signal }
  const optionsFor = ({ url }: ScriptedSite, rest: Partial<CrowdOptions> = {}): CrowdOptions => ({
    ...common,
    urls: { aws: { api: url }, azure: { api: url } },
    ...rest,
  })

  test('has everyone on a connection of their own, at each site, and all leave', async () => {
    const site = await siteWith(() => ({ status: 200, json: { id: 'r' } }))
    const { tally, ledgers } = await gather(optionsFor(site))
    expect([tally.users.most, tally.users.now, tally.connections.most]).toEqual([12, 0, 12])
    expect([...tally.tookMs.keys()]).toEqual(expect.arrayContaining(['all', 'list', ...sites]))
    expect(new Set(site.seen.map(({ headers }) => headers.authorization))).toEqual(
      new Set(['Bearer one', 'Bearer two']),
    )
    expect(ledgers).toHaveLength(2)
  })

  test('leaves at once when it is told to', async () => {
    const site = await siteWith(() => 'hang')
    const over = new AbortController()
    const gathered = gather(optionsFor(site, { holdMs: 60_000, signal: over.signal }))
    setTimeout(() => over.abort(new Error('enough')), 300)
    await expect(gathered).rejects.toThrow('enough')
  })
})

describe('what was promised is held against what is there', () => {
  const record = (id: string, op: string, count: number) => ({ id, etag: '', body: { op, count } })
  const ledger = { created: new Map([['u1-0', 'r1']]), edited: new Map([['r1', 2]]) }

  test.each([
    ['all is there', [record('r1', 'u1-0', 2)], [], { lost: [], doubled: [] }],
    ['a creation is not', [], [{ ...record('c', 'u1-0', 2), recordId: 'r1' }], { lost: ['u1-0'], doubled: [] }],
    ['an edit is not', [record('r1', 'u1-0', 1)], [], { lost: ['r1'], doubled: [] }],
    [
      'an edit lost a conflict',
      [record('r1', 'u1-0', 1)],
      [{ ...record('c', 'u1-0', 2), recordId: 'r1' }],
      { lost: [] },
    ],
    ['a creation is there twice', [record('r1', 'u1-0', 2), record('r2', 'u1-0', 0)], [], { doubled: ['u1-0'] }],
  ])('%s', (_, records, conflicts, expected) => {
    expect(judge(ledger, { records, conflicts })).toMatchObject(expected)
  })
})
