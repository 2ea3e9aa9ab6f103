import { describe, expect, test } from '@jest/globals'
import type { Api } from '../../../local/tour/api.ts'
import { until } from '../../../local/tour/until.ts'
import { type Pair, peerSite, sites, unique } from '../pair.ts'

interface RecordView {
  readonly id: string
  readonly version: string
  readonly etag: string
  readonly deleted: boolean
  readonly body: Record<string, unknown> | null
}

interface Problem {
  readonly status: number
  readonly code: string
  readonly title: string
}

interface PageOf<Item> {
  readonly items: readonly Item[]
  readonly next: string | null
}

export function recordsSuite(pair: () => Pair): void {
  describe.each(sites)('records at %s', (site) => {
    const here = (): Api => pair().apis[site]
    const there = (): Api => pair().apis[peerSite(site)]
    const inCollection = (collection: string) => `/v1/collections/${collection}/records`

    test('create, read, replace, patch and delete, each under its condition', async () => {
      const path = `${inCollection(unique('life'))}/a`
      const made = await here().call<RecordView>('PUT', path, {
        json: { n: 1, keep: true },
        headers: { 'if-none-match': '*' },
        status: 201,
      })
      expect(made.headers.get('etag')).toBe(made.body.etag)
      const again = await here().call<Problem>('PUT', path, {
        json: {},
        headers: { 'if-none-match': '*' },
        status: 412,
      })
      expect(again.headers.get('content-type')).toContain('application/problem+json')
      expect(again.headers.get('etag')).toBe(made.body.etag)
      await here().call('PUT', path, { json: { n: 2 }, status: 428 })
      const stale = { 'if-match': '"AAAAAAAAAAAAAAAAAAAAAA"' }
      expect((await here().call<Problem>('PUT', path, { json: { n: 2 }, headers: stale, status: 412 })).body.code).toBe(
        'precondition-failed',
      )
      const put = await here().call<RecordView>('PUT', path, {
        json: { n: 2, keep: true },
        headers: { 'if-match': made.body.etag },
        status: 200,
      })
      const patched = await here().call<RecordView>('PATCH', path, {
        content: JSON.stringify({ n: 3, keep: null, deep: { x: 'ü' } }),
        headers: { 'if-match': put.body.etag, 'content-type': 'application/merge-patch+json' },
        status: 200,
      })
      expect(patched.body.body).toEqual({ n: 3, deep: { x: 'ü' } })
      await here().call('GET', path, { headers: { 'if-none-match': patched.body.etag }, status: 304 })
      const head = await here().call<string>('HEAD', path, { status: 200 })
      expect([head.body, head.headers.get('etag')]).toEqual(['', patched.body.etag])
      await here().call('DELETE', path, { status: 428 })
      await here().call('DELETE', path, { headers: { 'if-match': patched.body.etag }, status: 204 })
      expect((await here().call<Problem>('GET', path, { status: 404 })).body.code).toBe('not-found')
    })

    test('every version is kept and can be brought back', async () => {
      const path = `${inCollection(unique('versions'))}/a`
      let etag = (
        await here().call<RecordView>('PUT', path, { json: { n: 0 }, headers: { 'if-none-match': '*' }, status: 201 })
      ).body.etag
      for (const n of [1, 2]) {
        const put = await here().call<RecordView>('PUT', path, {
          json: { n },
          headers: { 'if-match': etag },
          status: 200,
        })
        etag = put.body.etag
      }
      const versions = await here().get<PageOf<RecordView>>(`${path}/versions`)
      expect(versions.items.map((each) => each.body?.['n'])).toEqual([2, 1, 0])
      const oldest = versions.items[2]?.version ?? ''
      expect((await here().get<RecordView>(`${path}/versions/${oldest}`)).body).toEqual({ n: 0 })
      await here().call('DELETE', path, { headers: { 'if-match': etag }, status: 204 })
      const restored = await here().call<RecordView>('POST', `${path}/restore`, {
        json: { version: oldest },
        status: 201,
      })
      expect(restored.body.body).toEqual({ n: 0 })
    })

    test('a list is walked with a cursor that goes on at the other site', async () => {
      const collection = unique('walk')
      const lines = Array.from({ length: 25 }, (_, n) =>
        JSON.stringify({ op: 'put', id: `r${String(n).padStart(2, '0')}`, body: { n } }),
      )
      const batch = await here().call<string>('POST', `/v1/collections/${collection}/batch`, {
        content: [...lines, '{"op":"put","id":"bad"}', '{"op":"nonsense","id":"x"}', '{not json'].join('\n'),
        headers: { 'content-type': 'application/x-ndjson' },
        status: 200,
      })
      const answers = batch.body
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line) as { status: number; line: number })
      expect(answers.map((each) => each.line)).toEqual(Array.from({ length: 28 }, (_, index) => index + 1))
      expect(answers.map((each) => each.status)).toEqual([...new Array<number>(25).fill(201), 400, 400, 400])
      const first = await here().call<PageOf<RecordView>>('GET', `${inCollection(collection)}?limit=10`, {
        status: 200,
      })
      expect(first.headers.get('link')).toContain('rel="next"')
      await until(`25 records of ${collection} at the peer`, async () => {
        return (await there().get<PageOf<RecordView>>(`${inCollection(collection)}?limit=100`)).items.length === 25
      })
      const ids = first.body.items.map((each) => each.id)
      const pages = [there(), here()]
      let cursor = first.body.next
      for (let page = 0; cursor !== null; page++) {
        const api = pages[page % 2] ?? here()
        const next = await api.get<PageOf<RecordView>>(`${inCollection(collection)}?limit=10&cursor=${cursor}`)
        ids.push(...next.items.map((each) => each.id))
        cursor = next.next
      }
      expect(ids).toEqual(Array.from({ length: 25 }, (_, n) => `r${String(n).padStart(2, '0')}`))
      const forged = `${first.body.next?.slice(0, -2)}AA`
      const refused = await here().call<Problem>('GET', `${inCollection(collection)}?limit=10&cursor=${forged}`, {
        status: 400,
      })
      expect(refused.body.code).toBe('invalid-cursor')
      await here().call('GET', `${inCollection(unique('another'))}?cursor=${first.body.next}`, { status: 400 })
    })

    test('a retry with the same Idempotency-Key at the other site makes one record', async () => {
      const collection = unique('once')
      const headers = { 'idempotency-key': unique('key') }
      const options = { json: { amount: 5 }, headers, status: [200, 201] }
      // Sent to both at once, as a client does that got no answer from the first.
      const made = await Promise.all(
        [here(), there()].map((api) => api.call<RecordView>('POST', inCollection(collection), options)),
      )
      expect(new Set(made.map(({ body }) => body.id)).size).toBe(1)
      const id = made[0]?.body.id
      await until('one version of it at both sites', async () => {
        const [a, b] = await Promise.all(
          [here(), there()].map((api) => api.get<RecordView>(`${inCollection(collection)}/${id}`)),
        )
        return a?.etag === b?.etag
      })
      for (const api of [here(), there()]) {
        const replay = await api.call<RecordView>('POST', inCollection(collection), { ...options, status: [200, 201] })
        expect(replay.headers.get('idempotency-replayed')).toBe('true')
        const other = { json: { amount: 6 }, headers, status: 422 }
        expect((await api.call<Problem>('POST', inCollection(collection), other)).body.code).toBe(
          'idempotency-key-reused',
        )
        expect((await api.get<PageOf<RecordView>>(inCollection(collection))).items.length).toBe(1)
      }
    })

    test('a session never reads backwards at the other site, and durability=both is there at once', async () => {
      const path = `${inCollection(unique('session'))}/a`
      for (let n = 0; n < 5; n++) {
        const headers = n === 0 ? { 'if-none-match': '*' } : { 'if-match': '*' }
        const put = await here().call<RecordView>('PUT', path, { json: { n }, headers, status: [200, 201] })
        const session = put.headers.get('catamaran-session') ?? ''
        const read = await there().call<RecordView>('GET', path, { headers: { 'catamaran-session': session } })
        // It may say that it is not there yet, but it never shows an older state.
        if (read.status === 200) expect(read.body.body).toEqual({ n })
        else expect([read.status, read.headers.get('retry-after') !== null]).toEqual([503, true])
      }
      const both = await here().call<RecordView>('PUT', path, {
        json: { n: 'both' },
        headers: { 'if-match': '*', prefer: 'durability=both' },
        status: 200,
      })
      expect(both.headers.get('preference-applied')).toBe('durability=both')
      expect((await there().get<RecordView>(path)).body).toEqual({ n: 'both' })
    })
  })
}
