import { describe, expect, test } from '@jest/globals'
import { until } from '../../../local/tour/until.ts'
import { type Pair, peerSite, sites } from '../pair.ts'

interface Minted {
  readonly id: string
  readonly key: string
}

const path = '/v1/collections/any/records?limit=1'
const ended = 'ended'
/** How each revocation went, or goes: a site may believe a key for half a minute, in which other suites do their work. */
const revocations: Promise<unknown>[] = []

export function keysSuite(pair: () => Pair): void {
  test.each(sites)('a key of %s has its scopes and no more, and works at both sites', async (site) => {
    const { apis } = pair()
    const here = apis[site]
    const minted = await here.call<Minted>('POST', '/v1/keys', {
      json: { name: 'reader', scopes: ['records:read'] },
      status: 201,
    })
    const bearer = { authorization: `Bearer ${minted.body.key}` }
    for (const api of [here, apis[peerSite(site)]]) {
      const accepted = async (): Promise<boolean> => (await api.call('GET', path, { headers: bearer })).status === 200
      await until('the new key accepted', accepted)
      await api.call('PUT', '/v1/collections/any/records/x', {
        json: {},
        headers: { ...bearer, 'if-none-match': '*' },
        status: 403,
      })
    }
    await here.call('DELETE', `/v1/keys/${minted.body.id}`, { status: [200, 204] })
    for (const api of Object.values(apis)) {
      const refused = async (): Promise<boolean> => (await api.call('GET', path, { headers: bearer })).status === 401
      const ending = until(`the revoked key refused at ${api.site}`, refused, { timeoutMs: 60_000, everyMs: 500 })
      revocations.push(ending.then(() => ended).catch((error: unknown) => error))
    }
  })
}

export function revokedKeysSuite(): void {
  describe('keys that were revoked', () => {
    test('are refused at both sites within a minute', async () => {
      expect(await Promise.all(revocations)).toEqual([ended, ended, ended, ended])
    })
  })
}
