import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { exportJWK, generateKeyPair, type JWK, type JWTPayload, SignJWT } from 'jose'

/** An OpenID Connect issuer on this machine, as far as receivers of its tokens ask it. */
export interface Issuer {
  readonly url: string
  /** What it answers; a test may change it. */
  document: Record<string, unknown>
  keys: JWK[]
  /** Requests for the keys so far. */
  readonly fetches: () => number
  isAway: boolean
  /** A key of its own that it does not tell of until it is put into `keys`. */
  newKey(kid: string, alg?: 'RS256' | 'ES384'): Promise<IssuerKey>
  stop(): Promise<void>
}

export interface IssuerKey {
  readonly open: JWK
  sign(payload: JWTPayload, header?: object): Promise<string>
}

export async function startIssuer(): Promise<Issuer> {
  let fetches = 0
  const server = createServer((request, response) => {
    const isKeys = request.url === '/keys'
    if (isKeys) fetches++
    const known = isKeys || request.url === '/.well-known/openid-configuration'
    response.writeHead(issuer.isAway ? 503 : known ? 200 : 404, { 'content-type': 'application/json' })
    response.end(JSON.stringify(isKeys ? { keys: issuer.keys } : issuer.document))
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const issuer: Issuer = {
    url,
    document: { issuer: url, jwks_uri: `${url}/keys` },
    keys: [],
    fetches: () => fetches,
    isAway: false,
    newKey: async (kid, alg = 'RS256') => {
      const { privateKey, publicKey } = await generateKeyPair(alg, { extractable: true })
      return {
        open: { ...(await exportJWK(publicKey)), kid, alg, use: 'sig' },
        sign: (payload, header = {}) =>
          new SignJWT(payload).setProtectedHeader({ alg, kid, typ: 'JWT', ...header }).sign(privateKey),
      }
    },
    stop: async () => {
      const closed = once(server, 'close')
      server.close()
      server.closeAllConnections()
      await closed
    },
  }
  return issuer
}
