import { createLocalJWKSet, type JSONWebKeySet } from 'jose'
import { CatamaranError } from '../domain/errors.ts'
import { readBody } from './request-body.ts'

export interface IssuerKeysOptions {
  /** As the tokens name it: OpenID Connect Discovery 1.0 tells where its keys are. */
  readonly issuer: string
  readonly nowMs: () => number
  readonly fetch?: typeof fetch
}

type KeySet = ReturnType<typeof createLocalJWKSet>

/** A key that the issuer withdraws is believed no longer than this. */
const freshMs = 3_600_000
/** While the issuer does not answer, the keys that it gave are believed for longer, so that replication goes on. */
const staleMs = 24 * 3_600_000
/** Tokens with made-up key ids have the keys fetched again no more often than this. */
const againMs = 10_000
const answerBytesMax = 256 * 1024
const fetchMsMax = 3_000

interface Keys {
  readonly find: KeySet
  readonly fetchedMs: number
}

/**
 * The public key that an issuer's token was signed with. Keys are kept, and fetched again when they are old or when a token
 * names one that is not among them: that is how issuers rotate.
 * Throws jose's errors for a token whose key the issuer does not have, and `unavailable` while the keys cannot be had.
 */
export function issuerKeys({
  issuer,
  nowMs,
  fetch: send = fetch,
}: IssuerKeysOptions): (...asked: Parameters<KeySet>) => ReturnType<KeySet> {
  let keys: Keys | undefined
  let fetching: Promise<Keys> | undefined
  let triedMs = -Infinity
  const refresh = (): Promise<Keys> => {
    triedMs = nowMs()
    fetching ??= fetchKeys(issuer, send)
      .then((set) => (keys = { find: createLocalJWKSet(set), fetchedMs: nowMs() }))
      .finally(() => (fetching = undefined))
    return fetching
  }
  const mayTry = (): boolean => nowMs() - triedMs >= againMs
  const current = async (): Promise<Keys> => {
    const ageMs = keys ? nowMs() - keys.fetchedMs : Infinity
    if (keys && (ageMs < freshMs || (ageMs < staleMs && !mayTry()))) return keys
    if (!keys && !mayTry() && !fetching) throw unavailable(issuer)
    try {
      return await refresh()
    } catch (error) {
      if (keys && ageMs < staleMs) return keys
      throw error
    }
  }
  return async (...asked) => {
    const known = await current()
    try {
      return await known.find(...asked)
    } catch (error) {
      if ((error as { code?: unknown }).code !== 'ERR_JWKS_NO_MATCHING_KEY' || !mayTry()) throw error
      return (await refresh()).find(...asked)
    }
  }
}

async function fetchKeys(issuer: string, send: typeof fetch): Promise<JSONWebKeySet> {
  const at = `${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`
  const { issuer: named, jwks_uri: uri } = (await fetchJson(at, issuer, send)) as Record<string, unknown>
  if (named !== issuer || typeof uri !== 'string' || !isTrustworthy(uri, issuer)) throw unavailable(issuer)
  const set = (await fetchJson(uri, issuer, send)) as Partial<JSONWebKeySet>
  if (!Array.isArray(set.keys)) throw unavailable(issuer)
  // A symmetric key among them would make a public value a secret.
  return { keys: set.keys.filter(({ kty }) => kty !== 'oct') }
}

/** An issuer that is reached by https does not name keys that anybody on the way could exchange. */
const isTrustworthy = (uri: string, issuer: string): boolean =>
  URL.canParse(uri) && (new URL(uri).protocol === 'https:' || new URL(issuer).protocol === 'http:')

async function fetchJson(url: string, issuer: string, send: typeof fetch): Promise<unknown> {
  try {
    const response = await send(url, { redirect: 'error', signal: AbortSignal.timeout(fetchMsMax) })
    if (!response.ok) throw new Error(`${url} answered ${response.status}`)
    return JSON.parse(Buffer.from(await readBody(response, answerBytesMax)).toString())
  } catch (cause) {
    throw unavailable(issuer, cause)
  }
}

const unavailable = (issuer: string, cause?: unknown): CatamaranError =>
  new CatamaranError('unavailable', `The keys of ${issuer} cannot be had now.`, { cause })
