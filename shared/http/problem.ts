import { etagOf } from '../core/records.ts'
import { CatamaranError, isCatamaranError, publicMessageOf, type ErrorCode } from '../domain/errors.ts'
import type { JsonObject } from '../domain/json.ts'
import type { RecordState } from '../domain/record.ts'
import type { Telemetry } from '../ports/telemetry.ts'

/** RFC 9457, with a stable `code`. */
export interface Problem {
  readonly type: string
  readonly title: string
  readonly status: number
  readonly detail: string
  readonly code: ErrorCode
  readonly instance?: string
  readonly errors?: readonly object[]
}

/** What goes wrong, in words that hold for every occurrence. */
const titles: Readonly<Record<ErrorCode, string>> = {
  'invalid-request': 'The request is not valid',
  'invalid-stamp': 'Not a version',
  'invalid-cursor': 'The cursor is not valid here',
  'invalid-name': 'Not an acceptable name',
  'invalid-media': 'The media cannot be used',
  unauthenticated: 'Authentication is needed',
  forbidden: 'This is not allowed to the caller',
  'not-found': 'Not found',
  'method-not-allowed': 'Method not allowed',
  'not-acceptable': 'Not acceptable',
  conflict: 'The present state does not allow this',
  'already-exists': 'It exists already',
  gone: 'Gone',
  'precondition-failed': 'It has changed meanwhile',
  'too-large': 'Too large',
  'unsupported-media-type': 'Unsupported media type',
  'range-not-satisfiable': 'Range not satisfiable',
  'idempotency-key-reused': 'The Idempotency-Key was used for another request',
  'precondition-required': 'A precondition is required',
  throttled: 'Too many requests',
  internal: 'Internal error',
  'peer-unavailable': 'The other site cannot be reached',
  'replication-paused': 'Replication is paused by an operator',
  unavailable: 'Not available at the moment',
  'timed-out': 'Timed out',
}

const statusOf = (code: ErrorCode): number => new CatamaranError(code, '').status

/** Every code with its status and title, for the documentation. */
export const problemCatalogue: readonly { code: ErrorCode; status: number; title: string }[] = (
  Object.keys(titles) as ErrorCode[]
).map((code) => ({ code, status: statusOf(code), title: titles[code] }))

/** What a failed request may be told: a fault that is unknown, or a cloud's own, says nothing of its cause. */
export function publicError(error: unknown): CatamaranError {
  if (!isCatamaranError(error)) return new CatamaranError('internal', publicMessageOf(error), { cause: error })
  const { publicMessage, ...details } = error.details
  if (publicMessage === undefined) return error
  return new CatamaranError(error.code, publicMessage, { ...details, cause: error })
}

/** Puts into the log what the client is not told. Other faults are the client's own, and it hears all of them. */
export function logWithheld(telemetry: Telemetry, message: string, fields: JsonObject, error: unknown): void {
  const known = publicError(error)
  if (known === error && known.code !== 'internal') return
  telemetry.log(known.status >= 500 ? 'error' : 'warn', message, fields, error)
}

export function problemOf(error: CatamaranError, instance?: string): Problem {
  // An error may come from another copy of the class, whose getter this object still carries.
  const { code, message, details } = error
  return {
    type: `urn:catamaran:problem:${code}`,
    title: titles[code],
    status: statusOf(code),
    detail: message,
    code,
    ...(instance === undefined ? {} : { instance }),
    ...(details.errors ? { errors: details.errors } : {}),
  }
}

/** The answer for a failed request. Headers already set for it (CORS, request id) are added by the caller. */
export function problemResponse(error: CatamaranError, instance: string): Response {
  const problem = problemOf(error, instance)
  const headers = new Headers({ 'content-type': 'application/problem+json', 'cache-control': 'no-store' })
  const etag = currentEtag(error.details.current)
  if (etag) headers.set('etag', etag)
  const { retryAfterMs } = error.details
  const retryable = problem.status === 429 || problem.status === 503
  if (retryAfterMs !== undefined || retryable) {
    headers.set('retry-after', String(Math.max(1, Math.ceil((retryAfterMs ?? 1000) / 1000))))
  }
  if (problem.status === 401) headers.set('www-authenticate', challenge(error.details.signInSecondsMax))
  return new Response(JSON.stringify(problem), { status: problem.status, headers })
}

/** RFC 6750, and RFC 9470 where who signed in has to do so again. */
const challenge = (secondsMax: number | undefined): string =>
  secondsMax === undefined
    ? 'Bearer realm="catamaran"'
    : `Bearer realm="catamaran", error="insufficient_user_authentication", max_age="${secondsMax}"`

/** The ETag of the state that a lost race left behind. */
function currentEtag(current: unknown): string | undefined {
  if (typeof current !== 'object' || current === null) return undefined
  if ('etag' in current && typeof current.etag === 'string') return current.etag
  return 'vector' in current ? etagOf(current as Pick<RecordState, 'vector'>) : undefined
}
