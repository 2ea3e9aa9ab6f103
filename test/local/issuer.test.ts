import { afterEach, beforeEach, expect, test } from '@jest/globals'
import { request } from 'node:http'
import { createRemoteJWKSet, decodeJwt, jwtVerify } from 'jose'
import { type LocalIssuer, signInAt, startIssuer } from '../../local/issuer/server.ts'
import { signIn } from '../../scripts/sign-in.ts'

const port = 18_000 + (process.pid % 2_000)
let issuer: LocalIssuer
beforeEach(async () => void (issuer = await startIssuer(port)))
afterEach(() => issuer[Symbol.asyncDispose]())

const ask = (body: string): Promise<Response> => fetch(`${issuer.url}/token`, { method: 'POST', body })

test('a token is one that its own keys have signed, for this API, for a quarter of an hour', async () => {
  const response = await ask('grant_type=client_credentials&scope=records:read+assets:read&sub=ada')
  const { access_token: token } = (await response.json()) as { access_token: string }
  const { jwks_uri: keys } = (await (await fetch(`${issuer.url}/.well-known/openid-configuration`)).json()) as {
    jwks_uri: string
  }
  const { payload } = await jwtVerify(token, createRemoteJWKSet(new URL(keys)), { issuer: issuer.url })
  expect(payload).toMatchObject({ sub: 'ada', aud: 'catamaran', amr: ['pwd', 'mfa'] })
  expect(payload['roles']).toEqual(['catamaran:demo:records:read', 'catamaran:demo:assets:read'])
  expect(Number(payload.exp) - Number(payload.iat)).toBe(900)
})

test.each([
  ['scope=records:read', 'unsupported_grant_type'],
  ['grant_type=password&scope=records:read', 'unsupported_grant_type'],
  ['grant_type=client_credentials', 'invalid_scope'],
  ['grant_type=client_credentials&scope=a:b&tenant=no/name', 'invalid_request'],
  ['grant_type=client_credentials&scope=a:b&age=-5', 'invalid_request'],
])('%s is refused', async (body, error) => {
  const response = await ask(body)
  expect([response.status, ((await response.json()) as { error: string }).error]).toEqual([400, error])
})

test('somebody signs in by a page: the code is good once, and with its own verifier alone', async () => {
  const shown: string[] = []
  const show = (page: string): void => {
    shown.push(page)
    void fetch(page)
  }
  const request = { issuer: issuer.url, client: 'cli', scope: 'openid keys:write', port: port + 2_000, show }
  const claims = decodeJwt(await signIn(request))
  expect(claims['roles']).toEqual(['catamaran:demo:keys:write'])
  const url = new URL(shown[0] ?? '')
  expect(url.searchParams.get('code_challenge')).toMatch(/^[\w-]{43}$/)
  const moved = await fetch(url, { redirect: 'manual' })
  const code = new URL(moved.headers.get('location') ?? '').searchParams.get('code') ?? ''
  const form = {
    grant_type: 'authorization_code',
    client_id: 'cli',
    code,
    redirect_uri: `http://localhost:${port + 2_000}`,
  }
  const exchange = await ask(new URLSearchParams({ ...form, code_verifier: 'guessed' }).toString())
  expect([exchange.status, await exchange.json()]).toMatchObject([400, { error: 'invalid_grant' }])
  url.searchParams.set('redirect_uri', 'https://pages.example.com/')
  expect((await fetch(url, { redirect: 'manual' })).status).toBe(400)
})

test('a page that comes back with a refusal, or for somebody else, gives no token', async () => {
  const back = `http://localhost:${port + 4_000}/`
  const show = (page: string): void => {
    const state = new URL(page).searchParams.get('state') ?? ''
    const visit = async (): Promise<void> => {
      expect((await fetch(`${back}?code=stolen&state=other`)).status).toBe(404)
      await fetch(`${back}?error=access_denied&state=${state}`)
    }
    void visit()
  }
  const signingIn = signIn({ issuer: issuer.url, client: 'cli', scope: 'openid', port: port + 4_000, show })
  await expect(signingIn).rejects.toThrow('access_denied')
})

test('whoever calls it by another name gets nothing, nor does a form without an end', async () => {
  const status = await new Promise((resolve) => {
    request({ port, host: '127.0.0.1', path: '/keys', headers: { host: 'pages.example.com' } }, (response) => {
      response.resume()
      resolve(response.statusCode)
    }).end()
  })
  expect(status).toBe(421)
  expect((await ask(`grant_type=${'a'.repeat(20_000)}`)).status).toBe(400)
})

test('a port that is taken is said in one line', async () => {
  await expect(startIssuer(port)).rejects.toMatchObject({ name: 'StartError' })
})

test('sites take what it is named by, and no other machine', () => {
  const read = (text: string) => JSON.parse(text) as { issuer: string }[]
  expect(read(signInAt(port))[0]?.issuer).toBe(issuer.url)
})
