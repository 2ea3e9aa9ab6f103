import { describe, expect, test } from '@jest/globals'
import { itemsOf, records, testClouds, type Answer, textOf } from './fixture.ts'

const etagOf = (answer: Answer): string => answer.headers.get('etag') ?? ''
const ifMatch = (answer: Answer): { 'if-match': string } => ({ 'if-match': etagOf(answer) })
const create = { 'if-none-match': '*' }

describe('one record', () => {
  test('is created, read, replaced, patched and deleted', async () => {
    const { aws } = await testClouds()
    const made = await aws.call('PUT', `${records}/a`, { json: { n: 1, gone: true }, headers: create })
    expect([made.status, made.json['body'], made.headers.get('location')]).toEqual([
      201,
      { n: 1, gone: true },
      'https://aws.test/v1/collections/notes/records/a',
    ])
    const replaced = await aws.call('PUT', `${records}/a`, { json: { n: 2, gone: true }, headers: ifMatch(made) })
    expect([replaced.status, replaced.json['body']]).toEqual([200, { n: 2, gone: true }])
    const patched = await aws.call('PATCH', `${records}/a`, {
      body: '{"gone":null,"deep":{"x":1}}',
      headers: { ...ifMatch(replaced), 'content-type': 'application/merge-patch+json' },
    })
    expect([patched.status, patched.json['body']]).toEqual([200, { n: 2, deep: { x: 1 } }])
    const read = await aws.call('GET', `${records}/a`)
    expect([read.status, read.json]).toEqual([200, patched.json])
    expect(etagOf(read)).toBe(read.json['etag'])
    const gone = await aws.call('DELETE', `${records}/a`, { headers: ifMatch(read) })
    expect([gone.status, gone.text]).toEqual([204, ''])
    expect((await aws.call('GET', `${records}/a`)).json['code']).toBe('not-found')
    expect((await aws.call('DELETE', `${records}/a`, { headers: { 'if-match': '*' } })).status).toBe(404)
  })

  test('an equal PUT or PATCH makes no new version', async () => {
    const { aws } = await testClouds()
    const made = await aws.call('PUT', `${records}/a`, { json: { n: 1, m: 2 }, headers: create })
    const same = await aws.call('PUT', `${records}/a`, { json: { m: 2, n: 1 }, headers: ifMatch(made) })
    const patched = await aws.call('PATCH', `${records}/a`, { json: { n: 1 }, headers: ifMatch(made) })
    expect([same.json['version'], patched.json['version']]).toEqual([made.json['version'], made.json['version']])
  })

  test('HEAD is GET without content, and a known ETag is answered 304', async () => {
    const { aws } = await testClouds()
    const made = await aws.call('PUT', `${records}/a`, { json: { n: 1 }, headers: create })
    const head = await aws.call('HEAD', `${records}/a`)
    expect([head.status, head.text, etagOf(head)]).toEqual([200, '', etagOf(made)])
    for (const method of ['GET', 'HEAD']) {
      for (const known of [etagOf(made), `W/${etagOf(made)}`, `"x", ${etagOf(made)}`, '*']) {
        const answer = await aws.call(method, `${records}/a`, { headers: { 'if-none-match': known } })
        expect([answer.status, answer.text, etagOf(answer)]).toEqual([304, '', etagOf(made)])
      }
    }
    expect((await aws.call('GET', `${records}/a`, { headers: { 'if-none-match': '"x"' } })).status).toBe(200)
  })

  test('preconditions: 428 without, 412 with the current ETag, 400 when malformed', async () => {
    const { aws } = await testClouds()
    const made = await aws.call('PUT', `${records}/a`, { json: { n: 1 }, headers: create })
    for (const [method, json] of [
      ['PUT', {}],
      ['PATCH', {}],
      ['DELETE', undefined],
    ] as const) {
      const none = await aws.call(method, `${records}/a`, { json })
      expect([none.status, none.json['code']]).toEqual([428, 'precondition-required'])
      const stale = await aws.call(method, `${records}/a`, { json, headers: { 'if-match': '"stale"' } })
      expect([stale.status, stale.json['code'], etagOf(stale)]).toEqual([412, 'precondition-failed', etagOf(made)])
      const weak = await aws.call(method, `${records}/a`, { json, headers: { 'if-match': `W/${etagOf(made)}` } })
      expect(weak.status).toBe(412)
      const malformed = await aws.call(method, `${records}/a`, { json, headers: { 'if-match': 'stale' } })
      expect([malformed.status, malformed.json['code']]).toEqual([400, 'invalid-request'])
    }
    const again = await aws.call('PUT', `${records}/a`, { json: { n: 2 }, headers: create })
    expect([again.status, again.json['code'], etagOf(again)]).toEqual([412, 'already-exists', etagOf(made)])
    const missing = await aws.call('PUT', `${records}/new`, { json: {}, headers: { 'if-match': '*' } })
    expect([missing.status, missing.json['code']]).toEqual([412, 'precondition-failed'])
    const both = await aws.call('PUT', `${records}/a`, { json: {}, headers: { ...ifMatch(made), ...create } })
    expect(both.status).toBe(400)
    expect((await aws.call('GET', `${records}/a`)).json['body']).toEqual({ n: 1 })
  })

  test('an id may be any text that both clouds carry unchanged', async () => {
    const { aws } = await testClouds()
    for (const id of ['Ünïcødé 😀', 'a?b#c', 'a%b', '100%25', 'x+y z', "'quoted'", 'a:b;c,d=e&f']) {
      const path = `${records}/${encodeURIComponent(id)}`
      const made = await aws.call('PUT', path, { json: { id }, headers: create })
      expect([made.status, made.json['id']]).toEqual([201, id])
      expect((await aws.call('GET', path)).json['body']).toEqual({ id })
    }
    for (const id of ['a/b', 'a\\b', 'nul\u0000', 'line\nfeed', ' space', 'x'.repeat(257), 'é'.repeat(129)]) {
      const answer = await aws.call('PUT', `${records}/${encodeURIComponent(id)}`, { json: {}, headers: create })
      expect([answer.status, answer.json['code']]).toEqual([400, 'invalid-request'])
    }
    const surrogate = await aws.call('PUT', `${records}/%ED%A0%80`, { json: {}, headers: create })
    expect(surrogate.status).toBe(400)
  })

  test('a body may hold what fits into both stores', async () => {
    const { aws } = await testClouds()
    const fits = { text: 'x'.repeat(349_980) }
    expect((await aws.call('PUT', `${records}/a`, { json: fits, headers: create })).status).toBe(201)
    const large = await aws.call('PUT', `${records}/b`, { json: { text: 'x'.repeat(350_000) }, headers: create })
    expect([large.status, large.json['code']]).toEqual([413, 'too-large'])
    expect(large.json['detail']).toMatch('350000')
    const grown = await aws.call('PATCH', `${records}/a`, {
      json: { more: 'y'.repeat(100) },
      headers: { 'if-match': '*' },
    })
    expect(grown.status).toBe(413)
  })
})

describe('versions', () => {
  test('are listed newest first, read, and restored', async () => {
    const { aws } = await testClouds()
    const first = await aws.call('PUT', `${records}/a`, { json: { n: 1 }, headers: create })
    const second = await aws.call('PUT', `${records}/a`, { json: { n: 2 }, headers: ifMatch(first) })
    await aws.call('DELETE', `${records}/a`, { headers: ifMatch(second) })
    const listed = await aws.call('GET', `${records}/a/versions`)
    expect(itemsOf(listed).map((each) => each['body'])).toEqual([null, { n: 2 }, { n: 1 }])
    const page = await aws.call('GET', `${records}/a/versions?limit=1`)
    const rest = await aws.call('GET', `${records}/a/versions?limit=5&cursor=${textOf(page.json['next'])}`)
    const all = [...itemsOf(page), ...itemsOf(rest)]
    expect(all.map((each) => each['body'])).toEqual([null, { n: 2 }, { n: 1 }])
    const one = await aws.call('GET', `${records}/a/versions/${textOf(first.json['version'])}`)
    expect([one.status, one.json['body']]).toEqual([200, { n: 1 }])
    expect((await aws.call('GET', `${records}/a/versions/nonsense`)).status).toBe(400)
    const back = await aws.call('POST', `${records}/a/restore`)
    expect([back.status, back.json['body']]).toEqual([201, { n: 2 }])
    const older = await aws.call('POST', `${records}/a/restore`, { json: { version: first.json['version'] } })
    expect([older.status, older.json['body']]).toEqual([200, { n: 1 }])
    expect((await aws.call('GET', `${records}/never/versions`)).status).toBe(404)
    expect((await aws.call('POST', `${records}/never/restore`)).status).toBe(404)
  })
})

describe('collections', () => {
  test("the system's own are not there, and names are checked", async () => {
    const { aws } = await testClouds()
    for (const name of ['_keys', '_media', '_jobs', 'assets']) {
      for (const [method, path] of [
        ['GET', 'records'],
        ['POST', 'records'],
        ['PUT', 'records/x'],
        ['POST', 'batch'],
      ] as const) {
        const ndjson = path === 'batch' ? { 'content-type': 'application/x-ndjson' } : {}
        const answer = await aws.call(method, `/v1/collections/${name}/${path}`, {
          ...(method === 'GET' ? {} : { json: {} }),
          headers: { ...create, ...ndjson },
        })
        expect([name, method, answer.status]).toEqual([name, method, 404])
      }
    }
    for (const name of ['UPPER', '-x', 'a_b', 'x'.repeat(64), '%20']) {
      expect((await aws.call('GET', `/v1/collections/${name}/records`)).status).toBe(400)
    }
  })
})

describe('both sites', () => {
  test('give the same ETag, and a session never reads backwards', async () => {
    const { aws, azure, sites } = await testClouds()
    const made = await aws.call('PUT', `${records}/a`, { json: { n: 1 }, headers: create })
    expect((await azure.call('GET', `${records}/a`)).status).toBe(404)
    const session = { 'catamaran-session': made.headers.get('catamaran-session') ?? '' }
    const through = await azure.call('GET', `${records}/a`, { headers: session })
    expect([through.status, etagOf(through)]).toEqual([200, etagOf(made)])
    await sites.flush()
    const second = await azure.call('PUT', `${records}/a`, { json: { n: 2 }, headers: ifMatch(made) })
    expect(second.status).toBe(200)
    sites.connected = false
    const cut = await aws.call('GET', `${records}/a`, {
      headers: { 'catamaran-session': second.headers.get('catamaran-session') ?? '' },
    })
    expect([cut.status, cut.headers.get('retry-after')]).toEqual([503, '1'])
    for (const forged of ['x', 'YXdzPXg', `${session['catamaran-session']}=`, 'a'.repeat(300)]) {
      const answer = await aws.call('GET', `${records}/a`, { headers: { 'catamaran-session': forged } })
      expect([forged, answer.status]).toEqual([forged, 400])
    }
  })

  test('what a site showed it shows again while the other one is away, but not what the other one showed', async () => {
    const { aws, azure, sites } = await testClouds()
    const made = await azure.call('PUT', `${records}/a`, { json: { n: 1 }, headers: create })
    await sites.flush()
    const listed = await aws.call('GET', records)
    sites.connected = false
    const sessionOf = ({ headers }: typeof made) => ({ 'catamaran-session': headers.get('catamaran-session') ?? '' })
    for (const path of [records, `${records}/a`, `${records}/none`]) {
      const seen = [sessionOf(listed), sessionOf(made)].map((headers) => aws.call('GET', path, { headers }))
      const statuses = (await Promise.all(seen)).map(({ status }) => status)
      // Of the record itself each can tell that it is as new as what was seen.
      const expected = { [records]: [200, 503], [`${records}/a`]: [200, 200], [`${records}/none`]: [404, 503] }[path]
      expect([path, ...statuses]).toEqual([path, ...(expected ?? [])])
    }
  })

  test('durability=both is confirmed only when the peer holds the write', async () => {
    const { aws, sites } = await testClouds()
    const prefer = { ...create, prefer: 'durability=both' }
    const both = await aws.call('PUT', `${records}/a`, { json: {}, headers: prefer })
    expect([both.status, both.headers.get('preference-applied')]).toEqual([201, 'durability=both'])
    expect(sites.azure.records.all().some(({ key }) => key.id === 'a')).toBe(true)
    sites.connected = false
    const local = await aws.call('PUT', `${records}/b`, { json: {}, headers: prefer })
    expect([local.status, local.headers.get('preference-applied')]).toEqual([201, null])
  })

  test('a retry is confirmed once the peer is back, and never before', async () => {
    const { aws, sites } = await testClouds()
    const headers = { ...create, prefer: 'durability=both', 'idempotency-key': 'k' }
    const put = () => aws.call('PUT', `${records}/a`, { json: { n: 1 }, headers })
    const said = ({ status, headers: all }: Awaited<ReturnType<typeof put>>) => [status, all.get('preference-applied')]
    sites.connected = false
    expect([said(await put()), said(await put())]).toEqual([
      [201, null],
      [200, null],
    ])
    sites.connected = true
    const confirmed = await put()
    expect([...said(confirmed), confirmed.headers.get('idempotency-replayed')]).toEqual([
      200,
      'durability=both',
      'true',
    ])
    expect(sites.azure.records.all().find(({ key }) => key.id === 'a')?.body).toEqual({ n: 1 })
    const same = await aws.call('PUT', `${records}/a`, {
      json: { n: 1 },
      headers: { 'if-match': '*', prefer: 'durability=both' },
    })
    expect([...said(same), same.json['version']]).toEqual([200, 'durability=both', confirmed.json['version']])
  })

  test('a conflict is kept, shown, restored and dismissed', async () => {
    const { aws, azure, sites } = await testClouds()
    const made = await aws.call('PUT', `${records}/a`, { json: { n: 0 }, headers: create })
    await sites.flush()
    await aws.call('PUT', `${records}/a`, { json: { from: 'aws' }, headers: ifMatch(made) })
    await sites.clock.advance(5)
    await azure.call('PUT', `${records}/a`, { json: { from: 'azure' }, headers: ifMatch(made) })
    await sites.flush()
    const heads = await Promise.all([aws, azure].map((site) => site.call('GET', `${records}/a`)))
    expect(heads.map((head) => head.json['body'])).toEqual([{ from: 'azure' }, { from: 'azure' }])
    for (const site of [aws, azure]) {
      const listed = await site.call('GET', '/v1/conflicts')
      expect(listed.json['items']).toHaveLength(1)
    }
    const conflict = itemsOf(await aws.call('GET', '/v1/conflicts'))[0]
    expect(conflict).toMatchObject({ collection: 'notes', recordId: 'a', body: { from: 'aws' }, deleted: false })
    const path = `/v1/conflicts/${textOf(conflict?.['id'])}`
    expect((await aws.call('GET', path)).json).toMatchObject({
      ...conflict,
      diff: [{ path: '/from', now: 'azure', lost: 'aws' }],
    })
    const stale = await aws.call('POST', `${path}/restore`, { headers: { 'if-match': '"stale"' } })
    expect(stale.status).toBe(412)
    const restored = await aws.call('POST', `${path}/restore`)
    expect([restored.status, restored.json['body']]).toEqual([200, { from: 'aws' }])
    expect((await aws.call('GET', path)).status).toBe(404)
    expect((await aws.call('DELETE', path)).status).toBe(404)
  })
})
