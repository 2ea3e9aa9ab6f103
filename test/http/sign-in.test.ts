import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals'
import { SignJWT, UnsecuredJWT } from 'jose'
import { signInVerifier } from '../../shared/http/sign-in.ts'
import { memoryClock } from '../memory/clock.ts'
import { testClouds, type Answer, type TestClouds } from './fixture.ts'
import { type Issuer, type IssuerKey, startIssuer } from './issuer.ts'

const startMs = memoryClock().now()
const audience = 'client-of-the-console'
let [pool, directory, stranger]: Issuer[] = []
let keys: Record<'pool' | 'directory' | 'stranger', IssuerKey>
let clouds: TestClouds

const urlOf = (issuer: Issuer | undefined): string => issuer?.url ?? ''

beforeAll(async () => {
  ;[pool, directory, stranger] = [await startIssuer(), await startIssuer(), await startIssuer()]
  keys = {
    pool: await pool.newKey('pool'),
    directory: await directory.newKey('directory', 'ES384'),
    stranger: await stranger.newKey('pool'),
  }
  pool.keys = [keys.pool.open]
  directory.keys = [keys.directory.open]
  stranger.keys = [keys.stranger.open]
})
afterAll(async () => {
  for (const issuer of [pool, directory, stranger]) await issuer?.stop()
})
beforeEach(async () => {
  const issuers = [
    { issuer: urlOf(pool), audience, rolesClaim: 'cognito:groups', alwaysMfa: true },
    { issuer: urlOf(directory), audience: 'api', rolesClaim: 'roles', alwaysMfa: false },
  ]
  clouds = await testClouds({ signIn: signInVerifier(issuers, { nowMs: () => startMs }) })
})

const seconds = startMs / 1000
const roles = ['catamaran:acme:records:read', 'catamaran:acme:records:write', 'catamaran:acme:keys:write']

/** As Cognito writes an access token. */
const poolClaims = (over: object = {}) => ({
  iss: urlOf(pool),
  sub: 'somebody',
  client_id: audience,
  token_use: 'access',
  'cognito:groups': [...roles, 'staff', 'catamaran:acme:everything'],
  auth_time: seconds - 60,
  iat: seconds - 60,
  exp: seconds + 840,
  ...over,
})

/** As Entra ID does. */
const directoryClaims = (over: object = {}) => ({
  iss: urlOf(directory),
  sub: 'somebody else',
  aud: 'api',
  roles,
  amr: ['pwd', 'mfa'],
  auth_time: seconds - 60,
  iat: seconds - 60,
  exp: seconds + 840,
  ...over,
})

const get = (key: string, site: 'aws' | 'azure' = 'aws'): Promise<Answer> =>
  clouds[site].call('GET', '/v1/collections/c/records', { key })
const mint = (key: string): Promise<Answer> =>
  clouds.aws.call('POST', '/v1/keys', { key, json: { name: 'mine', scopes: ['records:read'] } })

describe('a person', () => {
  test('reads and writes with a token of either service, at both sites', async () => {
    const tokens = [await keys.pool.sign(poolClaims()), await keys.directory.sign(directoryClaims())]
    for (const [index, key] of tokens.entries()) {
      for (const site of ['aws', 'azure'] as const) expect((await get(key, site)).status).toBe(200)
      const options = { key, headers: { 'if-none-match': '*' }, json: { by: 'a person' } }
      expect((await clouds.aws.call('PUT', `/v1/collections/c/records/r${index}`, options)).status).toBe(201)
    }
    expect((await get(clouds.keys.other)).json['items']).toEqual([])
    expect((await get(clouds.keys.acme)).json['items']).toHaveLength(2)
  })

  test('may do what its roles say and no more', async () => {
    const reader = await keys.pool.sign(poolClaims({ 'cognito:groups': [roles[0]] }))
    const put = await clouds.aws.call('PUT', '/v1/collections/c/records/r', { key: reader, json: {} })
    expect([put.status, put.json['detail']]).toEqual([403, 'The token lacks the scope records:write.'])
    expect(put.json['title']).not.toMatch(/key/i)
  })

  test.each([
    ['no roles', { 'cognito:groups': undefined }, /No role of this token/],
    ['roles that are one text', { 'cognito:groups': roles.join(' ') }, /No role of this token/],
    ['roles of no tenant', { 'cognito:groups': ['catamaran:_system:records:read'] }, /No role of this token/],
    ['roles of two tenants', { 'cognito:groups': [...roles, 'catamaran:other:records:read'] }, /more than one tenant/],
  ])('with %s is refused', async (_, over, detail) => {
    const answer = await get(await keys.pool.sign(poolClaims(over)))
    expect([answer.status, answer.json['detail']]).toEqual([403, expect.stringMatching(detail)])
  })
})

describe('what is dangerous', () => {
  test('is done after a fresh sign-in with a second factor', async () => {
    for (const token of [await keys.pool.sign(poolClaims()), await keys.directory.sign(directoryClaims())]) {
      expect((await mint(token)).status).toBe(201)
    }
  })

  test.each([
    ['an old one', 'pool', { auth_time: seconds - 901 }],
    ['one at no time', 'pool', { auth_time: undefined }],
    ['one without a second factor', 'directory', { amr: ['pwd'] }],
    ['one that does not say how', 'directory', { amr: undefined }],
    ['a time that is text', 'directory', { auth_time: String(seconds) }],
  ] as const)('is not after %s, and the client is told what to do', async (_, from, over) => {
    const claims = from === 'pool' ? poolClaims(over) : directoryClaims(over)
    const answer = await mint(await keys[from].sign(claims))
    expect([answer.status, answer.json['code']]).toEqual([401, 'unauthenticated'])
    const challenge = 'Bearer realm="catamaran", error="insufficient_user_authentication", max_age="900"'
    expect(answer.headers.get('www-authenticate')).toBe(challenge)
    expect((await get(await keys[from].sign(claims))).status).toBe(200)
  })
})

describe('what is refused', () => {
  const forged: Record<string, () => Promise<string>> = {
    'no signature (alg none)': async () => new UnsecuredJWT(poolClaims()).encode(),
    'HS256 with the public key as its secret': () =>
      new SignJWT(poolClaims())
        .setProtectedHeader({ alg: 'HS256', kid: 'pool' })
        .sign(Buffer.from(JSON.stringify(keys.pool.open))),
    'the key of another issuer under the same id': () => keys.stranger.sign(poolClaims()),
    'an issuer that nobody named': () => keys.stranger.sign(poolClaims({ iss: urlOf(stranger) })),
    'one issuer in the name of the other': () => keys.pool.sign(directoryClaims(), { kid: 'directory' }),
    'an ID token of Cognito': () => keys.pool.sign(poolClaims({ token_use: 'id', aud: audience })),
    'an ID token with a nonce': () => keys.directory.sign(directoryClaims({ nonce: 'n' })),
    'another client': () => keys.pool.sign(poolClaims({ client_id: 'another' })),
    'another audience': () => keys.directory.sign(directoryClaims({ aud: 'another' })),
    'several audiences': () => keys.directory.sign(directoryClaims({ aud: ['api', 'another'] })),
    'a client in place of an audience': () =>
      keys.directory.sign(directoryClaims({ aud: undefined, client_id: 'api' })),
    'a token that has ended': () => keys.pool.sign(poolClaims({ exp: seconds - 61 })),
    'a token without an end': () => keys.pool.sign(poolClaims({ exp: undefined })),
    'a token of tomorrow': () => keys.pool.sign(poolClaims({ nbf: seconds + 86_400 })),
    'a token of nobody': () => keys.pool.sign(poolClaims({ sub: undefined })),
    'a key in the header': () => keys.stranger.sign(poolClaims(), { jwk: keys.stranger.open }),
    'an address of keys in the header': () => keys.stranger.sign(poolClaims(), { jku: `${urlOf(stranger)}/keys` }),
    'something like a token': async () => 'aaaa.bbbb.cccc',
    'a token in pieces': async () => `${'a'.repeat(4_000)}.${'b'.repeat(4_000)}.`,
  }

  test.each(Object.keys(forged))('%s', async (name) => {
    const answer = await get((await forged[name]?.()) ?? '')
    expect([answer.status, answer.json['code']]).toEqual([401, 'unauthenticated'])
    expect(answer.headers.get('www-authenticate')).toBe('Bearer realm="catamaran"')
  })

  test('and no issuer is asked that was not named', () => expect(stranger?.fetches()).toBe(0))

  test('a token, where nobody may sign in', async () => {
    clouds = await testClouds()
    expect((await get(await keys.pool.sign(poolClaims()))).status).toBe(401)
  })

  test('while keys cannot be had: try again', async () => {
    if (pool) pool.isAway = true
    const answer = await get(await keys.pool.sign(poolClaims()))
    expect([answer.status, answer.json['code']]).toEqual([503, 'unavailable'])
    if (pool) pool.isAway = false
  })
})
