import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from 'node:http'
import { exportJWK, generateKeyPair, SignJWT } from 'jose'
import { closeServer, listen } from '../aws/process.ts'
import { claimsOf, localAudience, type Refusal, tokenSeconds } from './claims.ts'
import { codesOf } from './codes.ts'

/** A service on this machine that people sign in with, in place of Cognito or Entra ID. It asks for no password. */
export interface LocalIssuer {
  readonly url: string
  [Symbol.asyncDispose](): Promise<void>
}

type Said = readonly [status: number, body: object, location?: string]

const formBytesMax = 16 * 1024

/** `SIGN_IN` of sites that take tokens of the issuer at this port. */
export const signInAt = (port: number): string =>
  JSON.stringify([{ issuer: issuerUrl(port), audience: localAudience, rolesClaim: 'roles' }])

const issuerUrl = (port: number): string => `http://127.0.0.1:${port}`

/**
 * Serves OpenID Connect Discovery 1.0, its keys (RFC 7517), and tokens for whoever on this machine asks (RFC 6749, 4.1 and 4.4). Its key
 * is made anew at each start. Throws StartError when the port cannot be had.
 */
export async function startIssuer(port: number): Promise<LocalIssuer> {
  const { privateKey, publicKey } = await generateKeyPair('RS256')
  const kid = crypto.randomUUID()
  const open = { ...(await exportJWK(publicKey)), kid, alg: 'RS256', use: 'sig' }
  const url = issuerUrl(port)
  const codes = codesOf()
  /** A program asks in its own name, or in that of somebody who was sent back by the page. */
  const askedBy = (form: URLSearchParams): URLSearchParams | Refusal => {
    const type = form.get('grant_type')
    if (type === 'client_credentials') return form
    if (type !== 'authorization_code')
      return { error: 'unsupported_grant_type', error_description: 'client_credentials, or authorization_code.' }
    const scope = codes.redeem(form)
    return typeof scope === 'string' ? new URLSearchParams({ scope }) : scope
  }
  const tokenFor = async (form: URLSearchParams): Promise<Said> => {
    const asked = askedBy(form)
    if ('error' in asked) return [400, asked]
    const claims = claimsOf(asked, url, Date.now())
    if ('error' in claims) return [400, claims]
    const header = { alg: 'RS256', kid, typ: 'at+jwt' }
    const token = await new SignJWT({ ...claims }).setProtectedHeader(header).sign(privateKey)
    return [200, { access_token: token, token_type: 'Bearer', expires_in: tokenSeconds }]
  }
  const documents: Readonly<Record<string, object>> = {
    '/.well-known/openid-configuration': {
      issuer: url,
      jwks_uri: `${url}/keys`,
      authorization_endpoint: `${url}/authorize`,
      token_endpoint: `${url}/token`,
      grant_types_supported: ['authorization_code', 'client_credentials'],
      code_challenge_methods_supported: ['S256'],
      id_token_signing_alg_values_supported: ['RS256'],
    },
    '/keys': { keys: [open] },
  }
  const answer = async (request: IncomingMessage): Promise<Said> => {
    // A page of another origin that a browser was led to by name gets nothing.
    if (request.headers.host !== new URL(url).host) return [421, {}]
    const { pathname, searchParams } = new URL(request.url ?? '/', url)
    if (request.method === 'GET' && pathname === '/authorize') {
      const goesTo = codes.authorize(searchParams)
      return typeof goesTo === 'string' ? [302, {}, goesTo] : [400, goesTo]
    }
    const document = documents[request.url ?? '']
    if (request.method === 'GET' && document) return [200, document]
    if (request.method === 'POST' && request.url === '/token') return tokenFor(await formOf(request))
    return [404, {}]
  }
  const server = createServer(answering(answer))
  await listen(server, port, 'the issuer')
  return { url, [Symbol.asyncDispose]: () => closeServer(server) }
}

const answering =
  (answer: (request: IncomingMessage) => Promise<Said>): RequestListener =>
  (request, response: ServerResponse) => {
    answer(request).then(
      ([status, body, location]) => {
        const moved = location === undefined ? {} : { location }
        response.writeHead(status, { 'content-type': 'application/json', 'cache-control': 'no-store', ...moved })
        response.end(JSON.stringify(body))
      },
      () => response.writeHead(400).end(),
    )
  }

async function formOf(request: IncomingMessage): Promise<URLSearchParams> {
  let text = ''
  for await (const chunk of request.setEncoding('utf8')) {
    text += String(chunk)
    if (text.length > formBytesMax) throw new Error('The form is too large')
  }
  return new URLSearchParams(text)
}
