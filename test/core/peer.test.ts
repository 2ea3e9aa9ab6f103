import { describe, expect, test } from '@jest/globals'
import { Hono } from 'hono'
import { exportJWK, generateKeyPair, SignJWT, UnsecuredJWT, type JWK } from 'jose'
import { writeRecord } from '../../shared/core/records.ts'
import { stateOf } from '../../shared/core/record-history.ts'
import { isCatamaranError } from '../../shared/domain/errors.ts'
import { heldToken } from '../../shared/http/held-token.ts'
import { peerClient } from '../../shared/http/peer-client.ts'
import { peerRoutes } from '../../shared/http/peer-routes.ts'
import { ownKeyCredentials, ownKeyVerifier, type OwnKey, type PeerKeys } from '../../shared/http/peer-token.ts'
import { twoSites } from './two-sites.ts'

const nowMs = () => Date.now()
const newKey = async (): Promise<{ secret: JWK; open: JWK }> => {
  const { privateKey, publicKey } = await generateKeyPair('EdDSA', { extractable: true })
  return { secret: await exportJWK(privateKey), open: await exportJWK(publicKey) }
}
const [aws, azure, stranger] = await Promise.all([newKey(), newKey(), newKey()])
const awsIdentity: OwnKey & PeerKeys = { site: 'aws', privateKey: aws.secret, peerKeys: { keys: [azure.open] } }
const azureIdentity: OwnKey & PeerKeys = { site: 'azure', privateKey: azure.secret, peerKeys: { keys: [aws.open] } }

/** Azure's peer API, reached by a client at AWS without a socket. */
function pair(token = heldToken(ownKeyCredentials(awsIdentity, nowMs), nowMs)) {
  const sites = twoSites()
  const api = new Hono().route('/peer/v1', peerRoutes(sites.azure.services, ownKeyVerifier(azureIdentity, nowMs)))
  api.onError((error, context) =>
    isCatamaranError(error) ? context.json({ code: error.code }, error.status as 400) : context.json({}, 500),
  )
  const reach = ((url: string, init?: RequestInit) => api.request(url, init)) as typeof fetch
  return { sites, api, peer: peerClient({ url: 'http://azure.test', token, fetch: reach }) }
}

const key = { tenant: 'acme', collection: 'notes', id: 'a/b?c#d\\e' }

describe('the peer API', () => {
  test('carries states both ways unchanged', async () => {
    const { sites, peer } = pair()
    const options = { precondition: { kind: 'none' }, idempotency: { key: 'k', print: 'p' } } as const
    const { record } = await writeRecord(sites.aws.services, key, options, () => ({
      text: 'é\u0000 "',
      deep: [{ n: 1e300 }],
    }))
    expect(await peer.offer([stateOf(record)])).toEqual([{ kind: 'applied' }])
    expect(await peer.offer([stateOf(record)])).toEqual([{ kind: 'known' }])
    expect(await peer.read([key, { ...key, id: 'none' }])).toEqual([stateOf(record), undefined])
    expect(await peer.status()).toMatchObject({ site: 'azure', protocol: 1 })
  })

  test('a malformed state fails alone', async () => {
    const { sites, peer } = pair()
    const { record } = await writeRecord(sites.aws.services, key, { precondition: { kind: 'none' } }, () => ({ n: 1 }))
    const good = stateOf(record)
    const lies = [
      { ...good, stamp: 'nonsense' },
      { ...good, deleted: true },
      { ...good, vector: {} },
      { ...good, key: { ...key, tenant: '../x' } },
      null,
    ]
    const outcomes = await peer.offer([...lies, good] as never)
    expect(outcomes.map((outcome) => outcome.kind)).toEqual([...lies.map(() => 'failed'), 'applied'])
  })

  test('grants nothing but immutable objects', async () => {
    const { sites, peer } = pair()
    const { objects } = sites.azure.services
    await objects.put('uploads/acme/x', Buffer.from('staged'), { mediaType: 'text/plain' })
    await objects.put('objects/acme/x/y', Buffer.from('bytes'), { mediaType: 'text/plain' })
    const [staged, granted, absent] = await peer.grantRead(['uploads/acme/x', 'objects/acme/x/y', 'objects/acme/x/z'])
    expect([staged, absent]).toEqual([undefined, undefined])
    expect(granted).toMatchObject({ key: 'objects/acme/x/y', bytes: 5, mediaType: 'text/plain' })
  })

  test('a call over 2 MiB is refused without reading on', async () => {
    const { api } = pair()
    const authorization = `Bearer ${await heldToken(ownKeyCredentials(awsIdentity, nowMs), nowMs)()}`
    const send = (body: ReadableStream | string, headers: object = {}) =>
      api.request('/peer/v1/offer', {
        method: 'POST',
        body,
        duplex: 'half',
        headers: { authorization, ...headers },
      } as object)
    let pulled = 0
    const endless = new ReadableStream<Uint8Array>({
      pull: (controller) => {
        pulled += 1
        controller.enqueue(new Uint8Array(65_536).fill(32))
      },
    })
    for (const answer of [await send(endless), await send('{}', { 'content-length': String(3 * 2 ** 20) })]) {
      expect([answer.status, await answer.json()]).toEqual([413, { code: 'too-large' }])
    }
    expect(pulled).toBeLessThan(40)
    const large = JSON.stringify({ states: [], more: 'x'.repeat(2 ** 20) })
    expect((await send(large)).status).toBe(200)
    expect((await send('{')).status).toBe(400)
  })

  test('has no verb that erases', () => {
    const { api } = pair()
    const verbs = api.routes.filter((route) => route.method !== 'ALL').map(({ method, path }) => `${method} ${path}`)
    expect(verbs.sort()).toEqual([
      'GET /peer/v1/status',
      'POST /peer/v1/compare-buckets',
      'POST /peer/v1/fetch-objects',
      'POST /peer/v1/list',
      'POST /peer/v1/offer',
      'POST /peer/v1/read',
      'POST /peer/v1/read-grants',
      'POST /peer/v1/summaries',
    ])
  })
})

describe('tokens that are not the peer’s are refused', () => {
  const claims = (over: object = {}) => ({
    iss: 'catamaran:aws',
    sub: 'catamaran:aws',
    aud: 'catamaran-peer:azure',
    iat: Math.floor(nowMs() / 1000),
    exp: Math.floor(nowMs() / 1000) + 300,
    ...over,
  })
  const sign = async (secret: JWK, over: object = {}): Promise<string> => {
    const { importJWK } = await import('jose')
    return new SignJWT(claims(over)).setProtectedHeader({ alg: 'EdDSA' }).sign(await importJWK(secret, 'EdDSA'))
  }
  const attacks: [string, () => Promise<string>][] = [
    ['none at all', async () => ''],
    ['garbage', async () => 'a.b.c'],
    ['unsigned', async () => new UnsecuredJWT(claims()).encode()],
    ['signed by a stranger', () => sign(stranger.secret)],
    ['signed by this very site', () => sign(azure.secret)],
    ['for the other audience', () => sign(aws.secret, { aud: 'catamaran-peer:aws' })],
    ['from another issuer', () => sign(aws.secret, { iss: 'catamaran:azure' })],
    ['expired', () => sign(aws.secret, { iat: 1_700_000_000, exp: 1_700_000_300 })],
    ['without an end', () => sign(aws.secret, { exp: undefined })],
    [
      'issued in the future',
      () => sign(aws.secret, { iat: Math.floor(nowMs() / 1000) + 3600, exp: Math.floor(nowMs() / 1000) + 3900 }),
    ],
    [
      'with a long life of its own',
      () => sign(aws.secret, { iat: Math.floor(nowMs() / 1000) - 3600, exp: Math.floor(nowMs() / 1000) + 86_400 }),
    ],
  ]
  test.each(attacks)('%s', async (_, token) => {
    const { peer } = pair(token)
    await expect(peer.status()).rejects.toMatchObject({ code: 'conflict', message: expect.stringContaining('401') })
  })

  test('and the right one is taken', async () => {
    const { peer } = pair(() => sign(aws.secret))
    expect(await peer.status()).toMatchObject({ site: 'azure' })
  })
})

test('a peer that is away, slow or broken is unavailable, never an unexplained error', async () => {
  const failing: [string, typeof fetch][] = [
    ['refused', () => Promise.reject(new TypeError('fetch failed'))],
    ['502', async () => new Response('bad gateway', { status: 502 })],
    ['not JSON', async () => new Response('<html>', { status: 200 })],
    [
      'hanging',
      (_, init) =>
        new Promise((_resolve, reject) => init?.signal?.addEventListener('abort', () => reject(init.signal?.reason))),
    ],
  ]
  for (const [, fails] of failing) {
    const peer = peerClient({ url: 'http://azure.test', token: async () => 't', fetch: fails, timeoutMs: 50 })
    await expect(peer.status()).rejects.toMatchObject({ code: 'peer-unavailable' })
  }
})
