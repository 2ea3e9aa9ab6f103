import { jwtVerify } from 'jose'
import { CatamaranError, hasCode } from '../domain/errors.ts'
import { issuerKeys } from './issuer-keys.ts'

/** Whom this site takes for its peer: the identity that the peer's own cloud vouches for. */
export interface PeerTrust {
  /** The `iss` of its tokens, and where their keys are told of. */
  readonly issuer: string
  /** The `sub` of those that may call. */
  readonly subjects: readonly string[]
  /** The `aud` that tokens for this site carry. */
  readonly audience: string
}

interface VerifierOptions {
  readonly nowMs: () => number
  readonly fetch?: typeof fetch
}

/** What AWS STS and Entra ID sign with; never a symmetric algorithm, whose key would be the public one. */
const algorithms = ['RS256', 'ES384']
const clockToleranceSeconds = 60
/** A managed identity's token lives for a day; one of AWS for an hour at most. */
const tokenAgeSecondsMax = 25 * 3_600

/**
 * Checks a token of the peer's cloud (OpenID Connect Core 1.0, 3.1.3.7): signature, issuer, audience, subject, times.
 * Throws `unauthenticated`, and `unavailable` while the issuer's keys cannot be had.
 */
export function federatedVerifier(trust: PeerTrust, options: VerifierOptions): (token: string) => Promise<void> {
  const { issuer, subjects, audience } = trust
  const keyOf = issuerKeys({ issuer, ...options })
  return async (token) => {
    try {
      const { payload } = await jwtVerify(token, keyOf, {
        algorithms,
        issuer,
        audience,
        clockTolerance: clockToleranceSeconds,
        maxTokenAge: tokenAgeSecondsMax,
        requiredClaims: ['exp', 'iat', 'sub'],
        currentDate: new Date(options.nowMs()),
      })
      // A token for several receivers could be passed on by one of them.
      if (Array.isArray(payload.aud) && payload.aud.length !== 1) throw new Error('more than one audience')
      if (!subjects.includes(payload.sub ?? '')) throw new Error('another subject')
    } catch (cause) {
      if (hasCode(cause, 'unavailable')) throw cause
      throw new CatamaranError('unauthenticated', 'This is not a valid token of the peer site.', { cause })
    }
  }
}
