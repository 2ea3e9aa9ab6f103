import { describe, expect, test } from '@jest/globals'
import { type Pair, peerSite, sites } from '../pair.ts'

/** A token of the local issuer, asked for as docs/sign-in.md says. */
async function tokenOf({ issuerUrl, tenant }: Pair, fields: Readonly<Record<string, string>>): Promise<string> {
  const body = new URLSearchParams({ grant_type: 'client_credentials', tenant, ...fields })
  const response = await fetch(`${issuerUrl}/token`, { method: 'POST', body })
  expect(response.status).toBe(200)
  return ((await response.json()) as { access_token: string }).access_token
}

export function signInSuite(pair: () => Pair): void {
  describe('a person who signed in', () => {
    test.each(sites)('writes at %s and reads at both, by a token of the local issuer', async (site) => {
      const { apis } = pair()
      const authorization = `Bearer ${await tokenOf(pair(), { scope: 'records:read records:write' })}`
      const path = `/v1/collections/people/records/by-${site}`
      const headers = { authorization, 'if-none-match': '*', prefer: 'durability=both' }
      await apis[site].call('PUT', path, { json: { at: site }, headers, status: 201 })
      for (const api of [apis[site], apis[peerSite(site)]]) {
        await api.call('GET', path, { headers: { authorization }, status: 200 })
      }
      await apis[site].call('GET', '/v1/keys', { headers: { authorization }, status: 403 })
    })

    test('makes no key by password alone, nor an hour after the sign-in', async () => {
      const mint = async (fields: Readonly<Record<string, string>>, status: number): Promise<void> => {
        const authorization = `Bearer ${await tokenOf(pair(), { scope: 'keys:write records:read', ...fields })}`
        const json = { name: 'of a person', scopes: ['records:read'] }
        await pair().apis.azure.call('POST', '/v1/keys', { json, headers: { authorization }, status })
      }
      await mint({ mfa: 'no' }, 401)
      await mint({ age: '3600' }, 401)
      await mint({}, 201)
    })
  })
}
