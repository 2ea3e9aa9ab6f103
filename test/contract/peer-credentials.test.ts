import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { DynamoDBClient } from '@aws-sdk/client-dynamodb'
import { GetWebIdentityTokenCommand, STSClient } from '@aws-sdk/client-sts'
import { exportJWK, generateKeyPair } from 'jose'
import { once } from 'node:events'
import { createServer, type IncomingHttpHeaders, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { stsCredentials } from '../../aws/adapters/peer-credentials.ts'
import { entraCredentials } from '../../azure/adapters/peer-credentials.ts'
import { ownKeyCredentials } from '../../shared/http/peer-token.ts'
import { type Issuer, startIssuer } from '../http/issuer.ts'
import { peerCredentialsSuite } from './peer-credentials-suite.ts'

const audience = 'catamaran-peer:azure'
const region = 'eu-central-1'
const keys = { accessKeyId: 'AKID', secretAccessKey: 'secret', sessionToken: 'session' }

interface Asked {
  readonly method: string | undefined
  readonly headers: IncomingHttpHeaders
  readonly body: string
}

let issuer: Issuer
let sts: Server
let endpoint = ''
let isRefusing = false
const asked: Asked[] = []

/** STS as far as this call goes. */
async function answer(): Promise<{ status: number; text: string }> {
  if (isRefusing)
    return { status: 403, text: '<ErrorResponse><Error><Code>AccessDenied</Code></Error></ErrorResponse>' }
  const iat = Math.floor(Date.now() / 1000)
  const token = await (await issuer.newKey('k')).sign({
    iss: issuer.url,
    sub: 'role',
    aud: audience,
    iat,
    exp: iat + 900,
  })
  const inner = `<WebIdentityToken>${token}</WebIdentityToken><Expiration>${new Date((iat + 900) * 1000).toISOString()}</Expiration>`
  return {
    status: 200,
    text: `<GetWebIdentityTokenResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><GetWebIdentityTokenResult>${inner}</GetWebIdentityTokenResult></GetWebIdentityTokenResponse>`,
  }
}

beforeAll(async () => {
  issuer = await startIssuer()
  sts = createServer((request, response) => {
    let body = ''
    request.on('data', (piece: Buffer) => (body += piece.toString()))
    request.on('end', () => {
      asked.push({ method: request.method, headers: request.headers, body })
      void answer().then(({ status, text }) => response.writeHead(status, { 'content-type': 'text/xml' }).end(text))
    })
  }).listen(0, '127.0.0.1')
  await once(sts, 'listening')
  endpoint = `http://127.0.0.1:${(sts.address() as AddressInfo).port}`
})
afterAll(async () => {
  sts.close()
  sts.closeAllConnections()
  await issuer.stop()
})

const byAws = () => stsCredentials({ client: new DynamoDBClient({ region, credentials: keys }), audience, endpoint })

peerCredentialsSuite('a key of its own', async () => {
  const { privateKey } = await generateKeyPair('EdDSA', { extractable: true })
  return {
    credentials: ownKeyCredentials({ site: 'aws', privateKey: await exportJWK(privateKey) }, Date.now),
    audience,
  }
})

peerCredentialsSuite('AWS STS', async () => {
  isRefusing = false
  return { credentials: byAws(), audience, lose: () => (isRefusing = true) }
})

peerCredentialsSuite('Entra ID', async () => {
  let lost = false
  const identity = {
    getToken: async (scope: string | string[]) => {
      if (lost) throw new Error('no managed identity here')
      expect(scope).toBe('api://catamaran-peer/.default')
      const iat = Math.floor(Date.now() / 1000)
      const token = await (await issuer.newKey('k')).sign({ aud: 'api://catamaran-peer', iat, exp: iat + 900 })
      return { token, expiresOnTimestamp: (iat + 900) * 1000 }
    },
  }
  const credentials = entraCredentials({ identity, audience: 'api://catamaran-peer' })
  return { credentials, audience: 'api://catamaran-peer', lose: () => (lost = true) }
})

test('what is asked of STS is what the SDK would ask, and signed as it signs', async () => {
  isRefusing = false
  const sdk = new STSClient({ region, credentials: keys, endpoint })
  const command = { Audience: [audience], DurationSeconds: 900, SigningAlgorithm: 'RS256' }
  asked.length = 0
  await byAws().token()
  const { WebIdentityToken } = await sdk.send(new GetWebIdentityTokenCommand(command))
  expect(WebIdentityToken).toMatch(/^eyJ/)
  const [ours, theirs] = asked
  const fields = (one: Asked | undefined) => Object.fromEntries(new URLSearchParams(one?.body))
  expect(fields(ours)).toEqual(fields(theirs))
  expect(ours?.method).toBe(theirs?.method)
  expect(ours?.headers['x-amz-security-token']).toBe(theirs?.headers['x-amz-security-token'])
  const scopeOf = (one: Asked | undefined) => /Credential=[^,]+/.exec(one?.headers.authorization ?? '')?.[0]
  expect(scopeOf(ours)).toBe(scopeOf(theirs))
  expect(scopeOf(ours)).toContain('/eu-central-1/sts/aws4_request')
})
