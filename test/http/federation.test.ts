import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals'
import { SignJWT, UnsecuredJWT } from 'jose'
import { federatedVerifier, type PeerTrust } from '../../shared/http/federated-token.ts'
import { type Issuer, type IssuerKey, startIssuer } from './issuer.ts'

const subject = 'arn:aws:iam::123456789012:role/catamaran-prod-job'
const audience = 'catamaran-peer:azure'
const minuteMs = 60_000
const hourMs = 60 * minuteMs

let issuer: Issuer
let stranger: Issuer
let [first, second, elliptic]: IssuerKey[] = []
let now = Date.UTC(2026, 10, 1)
const nowMs = () => now

beforeAll(async () => {
  issuer = await startIssuer()
  stranger = await startIssuer()
  first = await issuer.newKey('first')
  second = await issuer.newKey('second')
  elliptic = await issuer.newKey('elliptic', 'ES384')
})
afterAll(async () => {
  await issuer.stop()
  await stranger.stop()
})
beforeEach(() => {
  issuer.keys = [key(first).open, key(elliptic).open]
  issuer.document = { issuer: issuer.url, jwks_uri: `${issuer.url}/keys` }
  issuer.isAway = false
})

function key(made: IssuerKey | undefined): IssuerKey {
  if (!made) throw new Error('not made yet')
  return made
}

const seconds = () => Math.floor(now / 1000)
const claims = (over: object = {}) => ({
  iss: issuer.url,
  sub: subject,
  aud: audience,
  iat: seconds(),
  exp: seconds() + 900,
  ...over,
})
const verifier = (over: Partial<PeerTrust> = {}) =>
  federatedVerifier({ issuer: issuer.url, subjects: ['another', subject], audience, ...over }, { nowMs })
const refused = { code: 'unauthenticated' }

describe('a token of the peer’s cloud', () => {
  test.each(['first', 'elliptic'])('is taken, signed with the key %s', async (kid) => {
    const signer = key(kid === 'first' ? first : elliptic)
    await expect(verifier()(await signer.sign(claims()))).resolves.toBeUndefined()
  })

  test('may be a minute early or late, and not two', async () => {
    const verify = verifier()
    const sign = (over: object) => key(first).sign(claims(over))
    await verify(await sign({ exp: seconds() - 50 }))
    await verify(await sign({ nbf: seconds() + 50 }))
    await expect(verify(await sign({ exp: seconds() - 61 }))).rejects.toMatchObject(refused)
    await expect(verify(await sign({ nbf: seconds() + 61 }))).rejects.toMatchObject(refused)
    await expect(verify(await sign({ iat: seconds() + 120 }))).rejects.toMatchObject(refused)
    await expect(verify(await sign({ iat: seconds() - 26 * 3600 }))).rejects.toMatchObject(refused)
  })
})

describe('what is refused', () => {
  const forged: Record<string, () => Promise<string>> = {
    'no signature (alg none)': async () => new UnsecuredJWT(claims()).encode(),
    'alg none by another name': async () =>
      `${Buffer.from('{"alg":"nOnE"}').toString('base64url')}.${Buffer.from(JSON.stringify(claims())).toString('base64url')}.`,
    'HS256 with the public key as its secret': async () =>
      new SignJWT(claims())
        .setProtectedHeader({ alg: 'HS256', kid: 'first' })
        .sign(Buffer.from(JSON.stringify(key(first).open))),
    'HS256 with the modulus as its secret': async () =>
      new SignJWT(claims())
        .setProtectedHeader({ alg: 'HS256', kid: 'first' })
        .sign(Buffer.from(key(first).open.n ?? '', 'base64url')),
    'another audience': () => key(first).sign(claims({ aud: 'catamaran-peer:aws' })),
    'several audiences': () => key(first).sign(claims({ aud: [audience, 'sts.amazonaws.com'] })),
    'no audience': () => key(first).sign(claims({ aud: undefined })),
    'another subject': () => key(first).sign(claims({ sub: `${subject}-2` })),
    'no subject': () => key(first).sign(claims({ sub: undefined })),
    'another issuer by name': () => key(first).sign(claims({ iss: stranger.url })),
    'an issuer with a slash more': () => key(first).sign(claims({ iss: `${issuer.url}/` })),
    'no end': () => key(first).sign(claims({ exp: undefined })),
    'no beginning': () => key(first).sign(claims({ iat: undefined })),
    'a key of a stranger under a known name': async () => (await stranger.newKey('first')).sign(claims()),
    'a key that it brings itself': async () => {
      const own = await stranger.newKey('own')
      return own.sign(claims(), { jwk: own.open, jku: `${stranger.url}/keys` })
    },
    'a key that its issuer does not have': async () => (await stranger.newKey('unheard')).sign(claims()),
    'a signature of other claims': async () => {
      const [head, , mark] = (await key(first).sign(claims({ sub: 'low' }))).split('.')
      return `${head}.${Buffer.from(JSON.stringify(claims())).toString('base64url')}.${mark}`
    },
    garbage: async () => 'eyJ.e30.x',
    nothing: async () => '',
  }
  test.each(Object.keys(forged))('%s', async (name) => {
    const token = (await forged[name]?.()) ?? ''
    await expect(verifier()(token)).rejects.toMatchObject(refused)
  })

  test('a symmetric key that the issuer tells of is no key', async () => {
    const secret = Buffer.alloc(32, 7)
    issuer.keys = [{ kty: 'oct', kid: 'oct', k: secret.toString('base64url') }]
    const token = await new SignJWT(claims()).setProtectedHeader({ alg: 'HS256', kid: 'oct' }).sign(secret)
    await expect(verifier()(token)).rejects.toMatchObject(refused)
  })
})

describe('keys rotate', () => {
  test('a new one is heard of with the first token that names it; an old one ends within an hour', async () => {
    const verify = verifier()
    const old = await key(first).sign(claims({ exp: seconds() + 7200 }))
    await verify(old)
    issuer.keys = [key(second).open]
    now += 11_000
    await verify(await key(second).sign(claims()))
    await expect(verify(old)).rejects.toMatchObject(refused)
    issuer.keys = [key(first).open]
    now += hourMs
    await verify(await key(first).sign(claims()))
    await expect(verify(await key(second).sign(claims()))).rejects.toMatchObject(refused)
  })

  test('made-up key ids have the keys fetched once in ten seconds, and many at once fetch them once', async () => {
    const verify = verifier()
    const good = await key(first).sign(claims())
    const before = issuer.fetches()
    await Promise.all([verify(good), verify(good), verify(good)])
    expect(issuer.fetches() - before).toBe(1)
    const unheard = await (await stranger.newKey('unheard')).sign(claims())
    now += 10_001
    for (let n = 0; n < 5; n++) await expect(verify(unheard)).rejects.toMatchObject(refused)
    expect(issuer.fetches() - before).toBe(2)
  })

  test('while the issuer is away its keys hold for a day, and no longer', async () => {
    const verify = verifier()
    const fresh = () => key(first).sign(claims())
    await verify(await fresh())
    issuer.isAway = true
    for (const passed of [2 * hourMs, 20 * hourMs]) {
      now += passed
      await verify(await fresh())
    }
    now += 3 * hourMs
    await expect(verify(await fresh())).rejects.toMatchObject({ code: 'unavailable' })
    issuer.isAway = false
    now += 11_000
    await verify(await fresh())
  })

  test('an issuer that names itself otherwise, or keys elsewhere in the clear, is not believed', async () => {
    const token = await key(first).sign(claims())
    issuer.document = { issuer: stranger.url, jwks_uri: `${issuer.url}/keys` }
    await expect(verifier()(token)).rejects.toMatchObject({ code: 'unavailable' })
    issuer.document = { issuer: issuer.url }
    now += 11_000
    await expect(verifier()(token)).rejects.toMatchObject({ code: 'unavailable' })
    const document = { issuer: 'https://issuer.test', jwks_uri: `${issuer.url}/keys` }
    const send = (async (url: string) =>
      url.startsWith(issuer.url) ? fetch(url) : Response.json(document)) as typeof fetch
    const verify = federatedVerifier(
      { issuer: 'https://issuer.test', subjects: [subject], audience },
      { nowMs, fetch: send },
    )
    const claimed = await key(first).sign(claims({ iss: 'https://issuer.test' }))
    await expect(verify(claimed)).rejects.toMatchObject({ code: 'unavailable' })
  })
})
