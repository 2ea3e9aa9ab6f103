import { afterEach, beforeEach, expect, test } from '@jest/globals'
import { request } from 'node:http'
import { createRemoteJWKSet, jwtVerify } from 'jose'
import { type LocalIssuer, signInAt, startIssuer } from '../../local/issuer/server.ts'

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
