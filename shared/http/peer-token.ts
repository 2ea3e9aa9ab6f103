import { createLocalJWKSet, importJWK, jwtVerify, SignJWT, type JSONWebKeySet, type JWK } from 'jose'
import { CatamaranError } from '../domain/errors.ts'
import { peerOf, type Site } from '../domain/site.ts'
import type { PeerCredentials } from '../ports/peer-credentials.ts'

/** How the sites know each other without an identity service: short-lived EdDSA tokens (RFC 7519, RFC 8037). */
export interface OwnKey {
  readonly site: Site
  /** This site's Ed25519 private key. */
  readonly privateKey: JWK
}

export interface PeerKeys {
  readonly site: Site
  /** The peer's public keys, more than one while they rotate. */
  readonly peerKeys: JSONWebKeySet
}

const tokenLifeSeconds = 300
const clockToleranceSeconds = 60
const audienceOf = (site: Site): string => `catamaran-peer:${site}`
const issuerOf = (site: Site): string => `catamaran:${site}`

/** Tokens that a site signs itself. */
export const ownKeyCredentials = ({ site, privateKey }: OwnKey, nowMs: () => number): PeerCredentials => ({
  token: async () => {
    const issuedAt = Math.floor(nowMs() / 1000)
    const text = await new SignJWT({})
      .setProtectedHeader({ alg: 'EdDSA', typ: 'JWT', ...(privateKey.kid ? { kid: privateKey.kid } : {}) })
      .setIssuer(issuerOf(site))
      .setSubject(issuerOf(site))
      .setAudience(audienceOf(peerOf(site)))
      .setIssuedAt(issuedAt)
      .setExpirationTime(issuedAt + tokenLifeSeconds)
      .sign(await importJWK(privateKey, 'EdDSA'))
    return { text, expiresAtMs: (issuedAt + tokenLifeSeconds) * 1000 }
  },
})

/** Checks a token that claims to come from the peer. Throws `unauthenticated`. */
export function ownKeyVerifier({ site, peerKeys }: PeerKeys, nowMs: () => number): (token: string) => Promise<void> {
  const keys = createLocalJWKSet(peerKeys)
  return async (token) => {
    try {
      await jwtVerify(token, keys, {
        algorithms: ['EdDSA'],
        issuer: issuerOf(peerOf(site)),
        subject: issuerOf(peerOf(site)),
        audience: audienceOf(site),
        maxTokenAge: tokenLifeSeconds,
        clockTolerance: clockToleranceSeconds,
        requiredClaims: ['exp', 'iat'],
        currentDate: new Date(nowMs()),
      })
    } catch (cause) {
      throw new CatamaranError('unauthenticated', 'This is not a valid token of the peer site.', { cause })
    }
  }
}
