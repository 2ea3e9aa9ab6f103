import { expect, test } from '@jest/globals'
import { exportJWK, generateKeyPair } from 'jose'
import { readConfig as readAws } from '../../aws/config.ts'
import { readConfig as readAzure } from '../../azure/config.ts'
import { mintKey } from '../../shared/core/keys.ts'
import { peerOf, sites, type Site } from '../../shared/domain/site.ts'
import { composeApp } from '../../shared/http/compose-app.ts'
import { ownKeyCredentials } from '../../shared/http/peer-token.ts'
import { twoSites } from '../core/two-sites.ts'
import { startIssuer } from '../http/issuer.ts'
import { newKey, openHalf } from '../http/signing-keys.ts'

const peerKey = { ...newKey(), kid: 'k1' }
const signingKey = newKey()
const shared = {
  CATAMARAN_STAGE: 'test',
  PEER_URL: 'https://peer.test/',
  PUBLIC_URL: 'https://own.test',
  EDGE_URL: 'https://edge.test',
  PEER_PRIVATE_KEY: JSON.stringify(peerKey),
  PEER_PUBLIC_KEYS: JSON.stringify({ keys: [openHalf(newKey())] }),
  SIGNING_PRIVATE_KEY: JSON.stringify(signingKey),
  SIGNING_PUBLIC_KEYS: JSON.stringify({ keys: [openHalf(newKey()), openHalf(signingKey)] }),
}
const aws = {
  ...shared,
  AWS_REGION: 'us-east-1',
  RECORDS_TABLE: 'records',
  SITE_TABLE: 'site',
  UPLOADS_BUCKET: 'uploads',
  OBJECTS_BUCKET: 'objects',
  JOBS_QUEUE_URL: 'http://127.0.0.1:1/q',
  JOBS_DEAD_LETTER_QUEUE_URL: 'http://127.0.0.1:1/d',
  UPLOAD_EVENTS_QUEUE_URL: 'http://127.0.0.1:1/e',
  UPLOAD_EVENTS_DEAD_LETTER_QUEUE_URL: 'http://127.0.0.1:1/f',
  EDGE_KEY_PAIR_ID: 'K1',
  EDGE_PRIVATE_KEY: '-----BEGIN PRIVATE KEY-----',
}
const azure = {
  ...shared,
  COSMOS: 'AccountEndpoint=http://127.0.0.1:1/;AccountKey=x;',
  COSMOS_DATABASE: 'catamaran',
  STORAGE: 'AccountName=a;AccountKey=b',
}

test('a whole environment is read, in the shapes that the rest of the site uses', () => {
  const config = readAws(aws)
  expect(config).toMatchObject({ PEER_URL: 'https://peer.test', LOG_LEVEL: 'info', S3_FORCE_PATH_STYLE: false })
  expect(config.PEER_PRIVATE_KEY).toEqual(peerKey)
  expect(config.SIGNING_PUBLIC_KEYS.keys).toHaveLength(2)
  expect(readAws({ ...aws, S3_FORCE_PATH_STYLE: 'true', FFMPEG_PATH: '' })).toMatchObject({ S3_FORCE_PATH_STYLE: true })
  expect(readAzure(azure)).toMatchObject({ COSMOS_DATABASE: 'catamaran' })
})

test('the lives of a site are counted from none', () => {
  expect(readAws(aws).SITE_INCARNATION).toBe(0)
  expect(readAzure({ ...azure, SITE_INCARNATION: '2' }).SITE_INCARNATION).toBe(2)
  expect(() => readAws({ ...aws, SITE_INCARNATION: '-1' })).toThrow(/SITE_INCARNATION/)
})

test('pictures are looked at for what is named, and in Azure where the resource is named too', () => {
  expect(readAws(aws).ANALYSIS_FEATURES).toBeUndefined()
  expect(readAws({ ...aws, ANALYSIS_FEATURES: 'labels, faces' }).ANALYSIS_FEATURES).toEqual(['labels', 'faces'])
  expect(() => readAws({ ...aws, ANALYSIS_FEATURES: 'labels,names' })).toThrow(/ANALYSIS_FEATURES/)
  expect(() => readAzure({ ...azure, ANALYSIS_FEATURES: 'labels' })).toThrow(/VISION_ENDPOINT: missing/)
  const whole = { ...azure, ANALYSIS_FEATURES: 'labels', VISION_ENDPOINT: 'https://v.cognitiveservices.azure.com' }
  expect(readAzure(whole).ANALYSIS_FEATURES).toEqual(['labels'])
})

test('origins are read one by one, none unless named, and nothing but origins', () => {
  expect(readAws(aws).ALLOWED_ORIGINS).toEqual([])
  expect(readAzure({ ...azure, ALLOWED_ORIGINS: ' https://a.test, http://localhost:3000,' }).ALLOWED_ORIGINS).toEqual([
    'https://a.test',
    'http://localhost:3000',
  ])
  for (const wrong of ['*', 'https://a.test/', 'a.test', 'https://A.test', 'null', 'https://a.test https://b.test']) {
    expect(() => readAws({ ...aws, ALLOWED_ORIGINS: wrong })).toThrow(/ALLOWED_ORIGINS: must be origins/)
  }
})

test('pages of the origins named may call the API, and no others', async () => {
  const api = composeApp(twoSites().aws.services, readAws({ ...aws, ALLOWED_ORIGINS: 'https://app.test' }))
  const allowedTo = async (origin: string) =>
    (await api.request('/v1/openapi.json', { headers: { origin } })).headers.get('access-control-allow-origin')
  expect([await allowedTo('https://app.test'), await allowedTo('https://evil.test')]).toEqual([
    'https://app.test',
    null,
  ])
})

test('every variable that is missing is named, one by one and together', () => {
  const check = (read: (environment: Record<string, string>) => unknown, whole: Record<string, string>): void => {
    for (const name of Object.keys(whole)) {
      const { [name]: _, ...rest } = whole
      expect(() => read(rest)).toThrow(new RegExp(`\\b${name}: missing`))
      expect(() => read({ ...whole, [name]: '' })).toThrow(new RegExp(`\\b${name}: missing`))
    }
  }
  check(readAws, aws)
  check(readAzure, azure)
  expect(() => readAws({})).toThrow(/RECORDS_TABLE: missing.*EDGE_PRIVATE_KEY: missing/)
})

test('identity services take the place of keys, wholly or not at all, and only by https', () => {
  const { PEER_PRIVATE_KEY: _private, PEER_PUBLIC_KEYS: _public, ...rest } = aws
  const identities = {
    ...rest,
    PEER_TOKEN_AUDIENCE: 'catamaran-peer:azure',
    PEER_ISSUER: 'https://sts.windows.net/tenant/',
    PEER_SUBJECTS: 'one, two',
    PEER_AUDIENCE: 'api://catamaran-peer',
  }
  expect(readAws(identities)).toMatchObject({
    PEER_ISSUER: 'https://sts.windows.net/tenant/',
    PEER_SUBJECTS: ['one', 'two'],
  })
  expect(readAws({ ...aws, ...identities })).toHaveProperty('PEER_PUBLIC_KEYS.keys')
  for (const name of ['PEER_ISSUER', 'PEER_SUBJECTS', 'PEER_AUDIENCE']) {
    expect(() => readAws({ ...aws, ...identities, [name]: '' })).toThrow(`${name}: missing`)
  }
  expect(() => readAws({ ...identities, PEER_TOKEN_AUDIENCE: '' })).toThrow('PEER_PRIVATE_KEY: missing')
  expect(() => readAws({ ...identities, PEER_ISSUER: 'http://issuer.test' })).toThrow('PEER_ISSUER: must be https')
  expect(() => readAws({ ...identities, PEER_SUBJECTS: ' , ' })).toThrow('PEER_SUBJECTS: must name')
})

test('a peer is let in by its identity, or by its key while both are named, and nobody else', async () => {
  const issuer = await startIssuer()
  const signer = await issuer.newKey('k')
  issuer.keys = [signer.open]
  const identities = { PEER_ISSUER: issuer.url, PEER_SUBJECTS: 'role', PEER_AUDIENCE: 'us' }
  const { privateKey, publicKey } = await generateKeyPair('EdDSA', { extractable: true })
  const keys = { PEER_PUBLIC_KEYS: JSON.stringify({ keys: [await exportJWK(publicKey)] }) }
  const own = { site: 'azure', privateKey: await exportJWK(privateKey) } as const
  const byKey = (await ownKeyCredentials(own, Date.now).token()).text
  const iat = Math.floor(Date.now() / 1000)
  const byIdentity = await signer.sign({ iss: issuer.url, sub: 'role', aud: 'us', iat, exp: iat + 60 })
  const { PEER_PUBLIC_KEYS: _, ...rest } = aws
  const statusOf = async (environment: object, token: string): Promise<number> => {
    const api = composeApp(twoSites().aws.services, readAws({ ...rest, ...environment }))
    return (await api.request('/peer/v1/status', { headers: { authorization: `Bearer ${token}` } })).status
  }
  expect(await Promise.all([byKey, byIdentity].map((token) => statusOf(keys, token)))).toEqual([200, 401])
  expect(await Promise.all([byKey, byIdentity].map((token) => statusOf(identities, token)))).toEqual([401, 200])
  const both = { ...identities, ...keys }
  expect(await Promise.all([byKey, byIdentity, 'x'].map((token) => statusOf(both, token)))).toEqual([200, 200, 401])
  await issuer.stop()
})

test('a site starts only with the public half of the key that it signs with, and with no private one beside it', () => {
  const read = (...keys: object[]) => readAws({ ...aws, SIGNING_PUBLIC_KEYS: JSON.stringify({ keys }) })
  expect(() => read(openHalf(newKey()))).toThrow('SIGNING_PUBLIC_KEYS: lacks the public half of SIGNING_PRIVATE_KEY')
  expect(() => read(openHalf(signingKey), newKey())).toThrow('SIGNING_PUBLIC_KEYS: holds a private key')
  expect(() => readAzure({ ...azure, PEER_PUBLIC_KEYS: JSON.stringify({ keys: [newKey()] }) })).toThrow(
    'PEER_PUBLIC_KEYS: holds a private key',
  )
  expect(() => read({ ...openHalf(signingKey), x: 'AAAA' })).toThrow('SIGNING_PUBLIC_KEYS: must be 32 bytes')
  expect(read(openHalf(signingKey)).SIGNING_PUBLIC_KEYS.keys).toEqual([openHalf(signingKey)])
})

test('what a site signs by its own key alone, the other takes by the public ones of its environment', async () => {
  const own = { aws: newKey(), azure: newKey() }
  const withKey = (whole: Record<string, string>, key: object): Record<string, string> => ({
    ...whole,
    SIGNING_PRIVATE_KEY: JSON.stringify(key),
    SIGNING_PUBLIC_KEYS: JSON.stringify({ keys: [own.aws, own.azure].map(openHalf) }),
  })
  const two = twoSites()
  const { text } = await mintKey(two.aws.services, { tenant: 'acme', name: 'test', scopes: ['records:read'] })
  await two.flush()
  const apis = {
    aws: composeApp(two.aws.services, readAws(withKey(aws, own.aws))),
    azure: composeApp(two.azure.services, readAzure(withKey(azure, own.azure))),
  }
  const ask = (site: Site, query: string) =>
    apis[site].request(`/v1/changes?${query}`, { headers: { authorization: `Bearer ${text}` } })
  for (const site of sites) {
    const { cursor } = (await (await ask(site, 'limit=1')).json()) as { cursor: string }
    expect([site, (await ask(peerOf(site), `cursor=${cursor}`)).status]).toEqual([site, 200])
  }
})

test('in the cloud the identity takes the place of the connection strings', () => {
  const { COSMOS: _cosmos, STORAGE: _storage, ...rest } = azure
  const cloud = {
    ...rest,
    COSMOS__accountEndpoint: 'https://c.documents.azure.com',
    STORAGE__blobServiceUri: 'https://s.blob.core.windows.net',
    STORAGE__queueServiceUri: 'https://s.queue.core.windows.net',
  }
  expect(readAzure(cloud)).toMatchObject({ COSMOS__accountEndpoint: 'https://c.documents.azure.com' })
  const { STORAGE__queueServiceUri: _queue, ...less } = cloud
  expect(() => readAzure(less)).toThrow('STORAGE__queueServiceUri: missing (or STORAGE)')
})

test('a wrong value is named but never shown', () => {
  const secret = 'hunter2-hunter2'
  for (const name of [
    'PEER_PRIVATE_KEY',
    'PEER_PUBLIC_KEYS',
    'SIGNING_PRIVATE_KEY',
    'SIGNING_PUBLIC_KEYS',
    'EDGE_PRIVATE_KEY',
    'LOG_LEVEL',
    'PEER_URL',
  ]) {
    const read = (): unknown => readAws({ ...aws, [name]: secret })
    expect(read).toThrow(new RegExp(`\\b${name}: `))
    expect(read).not.toThrow(new RegExp(secret))
  }
})

test('who signs in is taken at the issuers that are named, and only over https', () => {
  expect(readAws({ ...aws, SIGN_IN: '' }).SIGN_IN).toBeUndefined()
  const issuer = 'https://login.example.com/'
  const read = (each: object) => readAzure({ ...azure, SIGN_IN: JSON.stringify([each]) }).SIGN_IN
  expect(read({ issuer, audience: 'a' })).toEqual([{ issuer, audience: 'a', rolesClaim: 'roles', alwaysMfa: false }])
  expect(() => read({ issuer: 'http://login.example.com', audience: 'a' })).toThrow(/SIGN_IN/)
  expect(() => read({ issuer, audience: 'a', alwaysMFA: true })).toThrow(/SIGN_IN/)
  expect(() => readAws({ ...aws, SIGN_IN: '[]' })).toThrow(/SIGN_IN/)
})
