import { decodeJwt, type JWTPayload, jwtVerify } from 'jose'
import type { Caller } from '../core/keys.ts'
import { CatamaranError, hasCode } from '../domain/errors.ts'
import { isTenant } from '../domain/names.ts'
import { scopes } from './api.ts'
import { issuerKeys } from './issuer-keys.ts'

/** Where people sign in, and how its tokens say what they may do. */
export interface SignInIssuer {
  /** The `iss` of its tokens; OpenID Connect Discovery 1.0 tells where its keys are. */
  readonly issuer: string
  /** The `aud` of access tokens for this API, or, in Cognito's, which have none, their `client_id`. */
  readonly audience: string
  /** The claim that lists roles: `cognito:groups`, or `roles` in those of Entra ID. */
  readonly rolesClaim: string
  /** Nobody signs in there without a second factor. Else a token has to say so in `amr` (RFC 8176). */
  readonly alwaysMfa: boolean
}

export type SignIn = (token: string) => Promise<Caller>

interface VerifierOptions {
  readonly nowMs: () => number
  readonly fetch?: typeof fetch
}

/** Never a symmetric algorithm, whose key would be the public one. */
const algorithms = ['RS256', 'PS256', 'ES256', 'ES384']
const clockToleranceSeconds = 60
const rolePattern = /^catamaran:([^:]+):([a-z]+:[a-z]+)$/
const refusal = 'This is not a valid access token for this API.'

/** Whether it looks like a JSON web token (RFC 7519), which no API key does. */
export const isToken = (text: string): boolean => /^[\w-]+\.[\w-]+\.[\w-]*$/.test(text)

/**
 * Who signed in, by an access token of one of these issuers, and no other's keys are ever asked for. A role
 * `catamaran:<tenant>:<scope>` gives one scope in one tenant. Throws `unauthenticated`, `forbidden` without a role or with
 * those of several tenants, and `unavailable` while the issuer's keys cannot be had.
 */
export function signInVerifier(issuers: readonly SignInIssuer[], options: VerifierOptions): SignIn {
  const known = new Map(issuers.map((each) => [each.issuer, { ...each, keyOf: issuerKeys({ ...each, ...options }) }]))
  return async (token) => {
    const from = known.get(issuerOf(token))
    if (!from) throw new CatamaranError('unauthenticated', refusal)
    const { issuer, keyOf } = from
    const currentDate = new Date(options.nowMs())
    const requiredClaims = ['exp', 'iat', 'sub']
    const limits = { algorithms, issuer, clockTolerance: clockToleranceSeconds, requiredClaims, currentDate }
    const { payload } = await jwtVerify(token, keyOf, limits).catch((cause: unknown) => {
      if (hasCode(cause, 'unavailable')) throw cause
      throw new CatamaranError('unauthenticated', refusal, { cause })
    })
    if (!isAccess(payload, from)) throw new CatamaranError('unauthenticated', refusal)
    return callerOf(payload, from)
  }
}

function issuerOf(token: string): string {
  try {
    return decodeJwt(token).iss ?? ''
  } catch {
    return ''
  }
}

/** For this API, and for it alone; a token that tells a page who signed in (an ID token) opens nothing. */
function isAccess(payload: JWTPayload, { audience }: SignInIssuer): boolean {
  const { aud, client_id: client, token_use: use, nonce, at_hash: hash } = payload
  if ((use !== undefined && use !== 'access') || nonce !== undefined || hash !== undefined) return false
  const [only, ...more] = [aud ?? (use === 'access' ? client : undefined)].flat()
  return only === audience && more.length === 0
}

function callerOf(payload: JWTPayload, { rolesClaim, alwaysMfa }: SignInIssuer): Caller {
  const roles = rolesOf(payload[rolesClaim])
  const [tenant, ...others] = new Set(roles.map((role) => role.tenant))
  if (tenant === undefined) {
    throw new CatamaranError('forbidden', 'No role of this token is one of catamaran:<tenant>:<scope>.')
  }
  if (others.length > 0) throw new CatamaranError('forbidden', 'The roles of this token are of more than one tenant.')
  const { sub = '', amr, auth_time: signedInAt } = payload
  const hasMfa = alwaysMfa || (Array.isArray(amr) && amr.includes('mfa'))
  return {
    tenant,
    keyId: `person:${sub}`,
    scopes: roles.map(({ scope }) => scope),
    person: { strongAtMs: hasMfa && typeof signedInAt === 'number' ? signedInAt * 1000 : -Infinity },
  }
}

function rolesOf(claim: unknown): { tenant: string; scope: string }[] {
  return (Array.isArray(claim) ? claim : []).flatMap((role: unknown) => {
    const [, tenant = '', scope = ''] = rolePattern.exec(typeof role === 'string' ? role : '') ?? []
    return isTenant(tenant) && (scopes as readonly string[]).includes(scope) ? [{ tenant, scope }] : []
  })
}
