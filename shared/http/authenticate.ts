import type { Context } from 'hono'
import { authenticateKey, type Caller } from '../core/keys.ts'
import { CatamaranError, hasCode } from '../domain/errors.ts'
import type { Api, ApiEnv, Scope } from './api.ts'
import { clientAddressOf } from './client-address.ts'
import { isToken } from './sign-in.ts'

/** What nobody may do by a sign-in of this morning: stolen tokens are fresh for minutes. */
const dangerous: ReadonlySet<Scope> = new Set(['replication:operate', 'keys:write'])
const signInSecondsMax = 900

/** The caller behind the request's key or access token. Throws `unauthenticated`, `throttled`, `forbidden`. */
export async function authenticate(api: Api, c: Context<ApiEnv>, scope: Scope): Promise<Caller> {
  const text = keyTextOf(c)
  if (!text) {
    throw new CatamaranError('unauthenticated', 'Send an API key as Authorization: Bearer <key> or as X-Api-Key.')
  }
  const caller = await callerOf(api, text).catch((error: unknown) => {
    if (hasCode(error, 'unauthenticated')) limitGuesses(api, c)
    throw error
  })
  c.set('caller', caller)
  limitRate(api, c, caller)
  if (!caller.scopes.includes(scope)) {
    throw new CatamaranError('forbidden', `The ${caller.person ? 'token' : 'key'} lacks the scope ${scope}.`)
  }
  if (dangerous.has(scope)) needFreshSignIn(caller, api.services.clock.now())
  return caller
}

async function callerOf({ services, options }: Api, text: string): Promise<Caller> {
  if (options.signIn && isToken(text)) return options.signIn(text)
  const caller = await authenticateKey(services, text)
  if (caller) return caller
  throw new CatamaranError('unauthenticated', 'The API key is not valid: mistyped, unknown, expired or revoked.')
}

function needFreshSignIn({ person }: Caller, nowMs: number): void {
  if (!person || nowMs - person.strongAtMs <= signInSecondsMax * 1000) return
  const detail = `This needs a sign-in with a second factor in the last ${signInSecondsMax / 60} minutes.`
  throw new CatamaranError('unauthenticated', detail, { signInSecondsMax })
}

function keyTextOf(c: Context<ApiEnv>): string | undefined {
  const bearer = /^Bearer +(\S+)$/i.exec(c.req.header('authorization') ?? '')?.[1]
  return bearer ?? c.req.header('x-api-key')
}

/** draft-ietf-httpapi-ratelimit-headers. */
function limitRate(api: Api, c: Context<ApiEnv>, caller: Caller): void {
  const { quota, windowSeconds } = api.limiter.options
  const verdict = api.limiter.take(caller.keyId)
  c.header('RateLimit-Policy', `"default";q=${quota};w=${windowSeconds}`)
  c.header('RateLimit', `"default";r=${verdict.remaining};t=${verdict.resetSeconds}`)
  if (verdict.allowed) return
  throw new CatamaranError('throttled', `At most ${quota} requests in ${windowSeconds} s.`, {
    retryAfterMs: verdict.retryAfterMs,
  })
}

/** Wrong keys are counted by address. A valid key passes whatever others do behind the same address. */
function limitGuesses({ wrongKeyLimiter }: Api, c: Context<ApiEnv>): void {
  const { allowed, retryAfterMs } = wrongKeyLimiter.take(clientAddressOf(c.req.header('x-forwarded-for')))
  if (allowed) return
  throw new CatamaranError('throttled', 'Too many requests with keys that are not valid came from your address.', {
    retryAfterMs,
  })
}
