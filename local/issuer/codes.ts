import { createHash } from 'node:crypto'
import type { Refusal } from './claims.ts'

/** What somebody was sent away with, until it is exchanged for a token. */
interface Granted {
  readonly challenge: string
  readonly redirectUri: string
  readonly client: string
  readonly scope: string
}

export interface Codes {
  /** Where the browser goes on to, or why it does not (RFC 6749, 4.1). Nobody is asked for a password. */
  authorize(query: URLSearchParams): string | Refusal
  /** The scope that a code stands for; it is good once (RFC 7636, 4.6). */
  redeem(form: URLSearchParams): string | Refusal
}

const refusal = (description: string): Refusal => ({ error: 'invalid_request', error_description: description })
const isHere = (url: string): boolean => /^http:\/\/(localhost|127\.0\.0\.1)(:\d+)?(\/|$)/.test(url)

export function codesOf(): Codes {
  const granted = new Map<string, Granted>()
  return {
    authorize: (query) => {
      const [redirectUri = '', client = '', challenge = '', scope = ''] = [
        'redirect_uri',
        'client_id',
        'code_challenge',
        'scope',
      ].map((name) => query.get(name) ?? '')
      if (!isHere(redirectUri)) return refusal('Pages of this machine alone are come back to.')
      if (query.get('response_type') !== 'code' || query.get('code_challenge_method') !== 'S256' || !challenge)
        return refusal('Ask for a code, with an S256 challenge.')
      const code = crypto.randomUUID()
      granted.set(code, { challenge, redirectUri, client, scope })
      const url = new URL(redirectUri)
      url.searchParams.set('code', code)
      url.searchParams.set('state', query.get('state') ?? '')
      return url.href
    },
    redeem: (form) => {
      const code = form.get('code') ?? ''
      const grant = granted.get(code)
      granted.delete(code)
      const challenge = createHash('sha256')
        .update(form.get('code_verifier') ?? '')
        .digest('base64url')
      const isWhole =
        grant?.challenge === challenge &&
        grant.redirectUri === form.get('redirect_uri') &&
        grant.client === form.get('client_id')
      return isWhole
        ? grant.scope
        : { error: 'invalid_grant', error_description: 'The code is not good, or not any more.' }
    },
  }
}
