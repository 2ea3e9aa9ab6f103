import { gunzipSync, gzipSync } from 'node:zlib'
import { describe, expect, test } from '@jest/globals'
import { Hono } from 'hono'
import { isCatamaranError } from '../../shared/domain/errors.ts'
import { peerClient } from '../../shared/http/peer-client.ts'
import { peerRoutes } from '../../shared/http/peer-routes.ts'
import { twoSites } from '../core/two-sites.ts'
import { state } from '../contract/fixtures.ts'

function peerApi() {
  const sites = twoSites()
  const api = new Hono().route(
    '/peer/v1',
    peerRoutes(sites.azure.services, async () => {}),
  )
  api.onError((error, context) =>
    isCatamaranError(error) ? context.json({ code: error.code }, error.status as 400) : context.json({}, 500),
  )
  const states = Array.from({ length: 50 }, (_, n) =>
    state({ tenant: 'acme', collection: 'notes', id: `é${n}` }, { n }, sites.clock.now()),
  )
  return { sites, api, states, keys: states.map(({ key }) => key) }
}

const post = (body: string | Uint8Array<ArrayBuffer>, headers: Record<string, string> = {}) => ({
  method: 'POST',
  body,
  headers,
})

describe('what travels between the sites is packed', () => {
  test('requests once the peer has said that it unpacks them, and short ones never', async () => {
    const { api, states, keys } = peerApi()
    const sent: (string | null)[] = []
    const reach = (async (url: string, init?: RequestInit) => {
      sent.push(new Headers(init?.headers).get('content-encoding'))
      return api.request(url, init)
    }) as typeof fetch
    const peer = peerClient({ url: 'http://azure.test', token: async () => 't', fetch: reach })
    expect((await peer.offer(states)).every(({ kind }) => kind === 'applied')).toBe(true)
    expect((await peer.offer(states)).every(({ kind }) => kind === 'known')).toBe(true)
    expect(await peer.read(keys)).toEqual(states)
    await peer.status()
    expect(sent).toEqual([null, 'gzip', 'gzip', null])
  })

  test('answers when the asker reads them, and short ones never', async () => {
    const { api, states, keys } = peerApi()
    await api.request('/peer/v1/offer', post(JSON.stringify({ states })))
    const read = (accept: string | undefined, count: number) =>
      api.request(
        '/peer/v1/read',
        post(JSON.stringify({ keys: keys.slice(0, count) }), accept === undefined ? {} : { 'accept-encoding': accept }),
      )
    const plain = await read(undefined, 50)
    expect(plain.headers.get('content-encoding')).toBeNull()
    const expected: unknown = await plain.json()
    for (const accept of ['gzip', 'br, GZIP;q=0.5, *']) {
      const packed = await read(accept, 50)
      expect(packed.headers.get('content-encoding')).toBe('gzip')
      expect(packed.headers.get('content-type')).toMatch(/^application\/json/)
      const bytes = gunzipSync(await packed.arrayBuffer())
      expect(JSON.parse(bytes.toString())).toEqual(expected)
    }
    const short = await read('gzip', 1)
    expect(short.headers.get('content-encoding')).toBeNull()
    expect(await short.json()).toEqual({ states: [states[0]] })
  })

  test('a peer that goes back to a version that unpacks nothing gets the same request again as it is', async () => {
    const { api, states } = peerApi()
    let isOlder = false
    const sent: (string | null)[] = []
    const reach = (async (url: string, init?: RequestInit) => {
      const coding = new Headers(init?.headers).get('content-encoding')
      sent.push(coding)
      if (isOlder && coding !== null) return new Response('{}', { status: 415 })
      const answer = await api.request(url, init)
      if (!isOlder) return answer
      return new Response(answer.body, { status: answer.status })
    }) as typeof fetch
    const peer = peerClient({ url: 'http://azure.test', token: async () => 't', fetch: reach })
    await peer.status()
    isOlder = true
    expect((await peer.offer(states)).every(({ kind }) => kind === 'applied')).toBe(true)
    expect((await peer.offer(states)).every(({ kind }) => kind === 'known')).toBe(true)
    expect(sent).toEqual([null, 'gzip', null, null])
  })

  test('a small request that unpacks to a large one is refused, and so is what is not gzip', async () => {
    const { api } = peerApi()
    const packed = { 'content-encoding': 'gzip' }
    const bomb = gzipSync(Buffer.alloc(64 * 2 ** 20, 32))
    expect(bomb.length).toBeLessThan(100_000)
    const refused = await api.request('/peer/v1/offer', post(new Uint8Array(bomb), packed))
    expect([refused.status, await refused.json()]).toEqual([413, { code: 'too-large' }])
    const cut = gzipSync('{"states":[]}').subarray(0, 15)
    for (const garbage of ['{"states":[]}', new Uint8Array(cut)]) {
      expect((await api.request('/peer/v1/offer', post(garbage, packed))).status).toBe(400)
    }
  })
})
