import { createLocalJWKSet, importJWK, jwtVerify, SignJWT, type JSONWebKeySet, type JWK } from 'jose'
import { CatamaranError } from '../domain/errors.ts'
import { peerOf, type Site } from '../domain/site.ts'

/** How the sites know each other: short-lived EdDSA tokens (RFC 7519, RFC 8037), each site with a key of its own. */
export interface PeerIdentity {
  readonly site: Site
  /** This site's Ed25519 private key. */
  readonly privateKey: JWK
  /** The peer's public keys, more than one while they rotate. */
  readonly peerKeys: JSONWebKeySet
}

const tokenLifeSeconds = 300
const clockToleranceSeconds = 60
const renewBeforeMs = 60_000
const audienceOf = (site: Site): string => `catamaran-peer:${site}`
const issuerOf = (site: Site): string => `catamaran:${site}`

/** Makes tokens for calls to the peer, each used until shortly before its end. */
export function peerTokens({ site, privateKey }: PeerIdentity, nowMs: () => number): () => Promise<string> {
  let current: { token: string; untilMs: number } | undefined
  return async () => {
    if (current && nowMs() < current.untilMs) return current.token
    const issuedAt = Math.floor(nowMs() / 1000)
    const token = await new SignJWT({})
      .setProtectedHeader({ alg: 'EdDSA', typ: 'JWT', ...(privateKey.kid ? { kid: privateKey.kid } : {}) })
      .setIssuer(issuerOf(site))
      .setSubject(issuerOf(site))
      .setAudience(audienceOf(peerOf(site)))
      .setIssuedAt(issuedAt)
      .setExpirationTime(issuedAt + tokenLifeSeconds)
      .sign(await importJWK(privateKey, 'EdDSA'))
    current = { token, untilMs: (issuedAt + tokenLifeSeconds) * 1000 - renewBeforeMs }
    return token
  }
}

/** Checks a token that claims to come from the peer. Throws `unauthenticated`. */
export function peerVerifier({ site, peerKeys }: PeerIdentity, nowMs: () => number): (token: string) => Promise<void> {
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
