import { describe, expect, test } from '@jest/globals'
import { showConflict, showDelete, untilEqual } from '../../../local/tour/both-sides.ts'
import { progressOf } from '../../../local/tour/progress.ts'
import { until } from '../../../local/tour/until.ts'
import { type Pair, peerSite, sites, unique } from '../pair.ts'

interface ChangesPage {
  readonly items: readonly { id: string; collection: string; deleted: boolean; body: unknown }[]
  readonly cursor: string
}

interface ConflictView {
  readonly id: string
  readonly recordId: string
  readonly body: Record<string, unknown> | null
}

const quiet = progressOf(() => undefined)

export function replicationSuite(pair: () => Pair): void {
  test('two edits at once: one wins at both sites, the other is kept and can be brought back', async () => {
    const run = unique('conflict')
    await showConflict(pair().apis, run, quiet)
    const { items } = await pair().apis.azure.get<{ items: ConflictView[] }>('/v1/conflicts?limit=1000')
    const conflict = items.find((each) => each.recordId.includes(run))
    expect(conflict).toBeDefined()
    const lost = conflict?.body?.['text']
    await pair().apis.azure.call('POST', `/v1/conflicts/${conflict?.id}/restore`, { status: [200, 201] })
    await untilEqual(pair().apis, [conflict?.recordId ?? ''])
    const now = await pair().apis.aws.get<{ body: { text: string } }>(
      `/v1/collections/tour/records/${conflict?.recordId}`,
    )
    expect(now.body.text).toBe(lost)
    await pair().apis.azure.call('GET', `/v1/conflicts/${conflict?.id}`, { status: 404 })
  })

  test('a delete is replicated', () => showDelete(pair().apis, unique('delete'), quiet))

  describe.each(sites)('at %s', (site) => {
    const here = () => pair().apis[site]
    const there = () => pair().apis[peerSite(site)]

    test('changes come by long poll, those of the other site too, and the cursor goes on there', async () => {
      let { cursor } = await drain()
      for (const writer of [here(), there()]) {
        const id = unique('change')
        const polling = pollFor(id, cursor)
        await writer.call('PUT', `/v1/collections/news/records/${id}`, {
          json: { id },
          headers: { 'if-none-match': '*' },
          status: 201,
        })
        cursor = await polling
      }
      const onward = await there().call<ChangesPage>('GET', `/v1/changes?cursor=${cursor}`, { status: 200 })
      expect(onward.body.cursor).toBeTruthy()
      await there().call('GET', `/v1/changes?cursor=${cursor}x`, { status: 400 })
      await there().call('GET', '/v1/changes?wait=21', { status: 400 })

      /** What other tests left behind may come before it. */
      async function pollFor(id: string, from: string): Promise<string> {
        let page = { items: [], cursor: from } as ChangesPage
        await until(`the change of ${id} at ${site}`, async () => {
          page = await here().get<ChangesPage>(`/v1/changes?wait=15&cursor=${page.cursor}`)
          return page.items.some((each) => each.id === id)
        })
        return page.cursor
      }

      async function drain(): Promise<ChangesPage> {
        let page = await here().get<ChangesPage>('/v1/changes?limit=500')
        for (let still = 0; still < 2; still = page.items.length === 0 ? still + 1 : 0) {
          page = await here().get<ChangesPage>(`/v1/changes?limit=500&cursor=${page.cursor}`)
        }
        return page
      }
    })

    test('health and replication say how it stands', async () => {
      const live = await fetch(`${here().url}/v1/health/live`)
      expect([live.status, await live.json()]).toEqual([200, { status: 'ok', site }])
      const ready = await here().get<{ status: string; dependencies: { name: string; ok: boolean }[] }>(
        '/v1/health/ready',
      )
      expect(ready.status).toBe('ok')
      expect(ready.dependencies.filter((each) => !each.ok)).toEqual([])
      const status = await here().get<Record<string, unknown>>('/v1/replication')
      expect(status).toMatchObject({ site, peer: peerSite(site), incoming: { peerReachable: true } })
      await here().call('POST', '/v1/replication/reconcile', { status: 200, timeoutMs: 30_000 })
    })

    test('the documents of the API are served', async () => {
      const openapi = await fetch(`${here().url}/openapi.json`)
      const document = (await openapi.json()) as { openapi: string; paths: Record<string, unknown> }
      expect(document.openapi).toMatch(/^3\.1/)
      expect(Object.keys(document.paths)).toEqual(
        expect.arrayContaining(['/v1/assets', '/v1/changes', '/v1/conflicts']),
      )
      const docs = await fetch(`${here().url}/docs`)
      expect([docs.status, docs.headers.get('content-type')?.startsWith('text/html')]).toEqual([200, true])
    })

    test('no key, a mistyped key and a foreign tenant see nothing', async () => {
      const { foreign } = pair()
      const id = unique('mine')
      const path = `/v1/collections/private/records/${id}`
      await here().call('PUT', path, { json: { secret: 1 }, headers: { 'if-none-match': '*' }, status: 201 })
      for (const key of ['', 'cat_none', `${here().key.slice(0, -1)}0`, `${here().key}x`]) {
        const answer = await fetch(`${here().url}${path}`, { headers: { authorization: `Bearer ${key}` } })
        // API Gateway hands this one on under a name of its own.
        const challenge =
          answer.headers.get('www-authenticate') ?? answer.headers.get('x-amzn-remapped-www-authenticate')
        expect([answer.status, challenge]).toEqual([401, expect.stringMatching(/^Bearer/)])
      }
      for (const method of ['GET', 'DELETE'])
        await foreign[site].call(method, path, { headers: { 'if-match': '*' }, status: 404 })
      const list = await foreign[site].get<{ items: unknown[] }>('/v1/collections/private/records')
      expect(list.items).toEqual([])
      const changes = await foreign[site].get<ChangesPage>('/v1/changes?limit=500')
      expect(changes.items.filter((each) => each.id === id)).toEqual([])
    })
  })
}
