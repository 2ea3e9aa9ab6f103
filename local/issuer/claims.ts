import type { JWTPayload } from 'jose'
import { isTenant } from '../../shared/domain/names.ts'
import { developmentTenant } from '../seed.ts'

/** What tokens of the local issuer are for. */
export const localAudience = 'catamaran'
export const tokenSeconds = 900

/** An error of the token endpoint (RFC 6749, 5.2). */
export interface Refusal {
  readonly error: 'invalid_grant' | 'invalid_request' | 'invalid_scope' | 'unsupported_grant_type'
  readonly error_description: string
}

/**
 * What a token says of whoever asks for it, as Entra ID would say it. Fields of the form: `scope`, scopes of the API with spaces
 * between; `tenant` (the development tenant); `sub` (developer); `mfa=no` for a sign-in by password alone; `age`, seconds since
 * the sign-in.
 */
export function claimsOf(form: URLSearchParams, issuer: string, nowMs: number): JWTPayload | Refusal {
  const tenant = form.get('tenant') ?? developmentTenant
  const names = (form.get('scope') ?? '').split(' ').filter((name) => name.includes(':'))
  if (names.length === 0) {
    return { error: 'invalid_scope', error_description: 'Name scopes, such as scope=records:read assets:read.' }
  }
  const age = Number(form.get('age') ?? 0)
  if (!isTenant(tenant) || !Number.isInteger(age) || age < 0) {
    return { error: 'invalid_request', error_description: 'The tenant is no name, or age no number of seconds.' }
  }
  const seconds = Math.floor(nowMs / 1000)
  return {
    iss: issuer,
    sub: form.get('sub') ?? 'developer',
    aud: localAudience,
    roles: names.map((scope) => `catamaran:${tenant}:${scope}`),
    amr: form.get('mfa') === 'no' ? ['pwd'] : ['pwd', 'mfa'],
    auth_time: seconds - age,
    iat: seconds,
    exp: seconds + tokenSeconds,
  }
}
