/** Every failure has a stable code; the message may vary and is meant for people. */
const statusByCode = {
  'invalid-request': 400,
  'invalid-stamp': 400,
  'invalid-cursor': 400,
  'invalid-name': 400,
  'invalid-media': 422,
  unauthenticated: 401,
  forbidden: 403,
  'not-found': 404,
  'method-not-allowed': 405,
  'not-acceptable': 406,
  conflict: 409,
  'already-exists': 412,
  gone: 410,
  'precondition-failed': 412,
  'too-large': 413,
  'unsupported-media-type': 415,
  'range-not-satisfiable': 416,
  'idempotency-key-reused': 422,
  'precondition-required': 428,
  throttled: 429,
  internal: 500,
  'peer-unavailable': 503,
  'replication-paused': 503,
  unavailable: 503,
  'timed-out': 504,
} as const

export type ErrorCode = keyof typeof statusByCode

export interface ErrorDetails {
  /** Where in the request the fault lies: RFC 6901 pointers with a reason each. */
  readonly errors?: readonly { readonly pointer: string; readonly detail: string }[]
  /** When trying again makes sense. */
  readonly retryAfterMs?: number
  /** The current state, for a caller that lost a race. */
  readonly current?: unknown
  /** How long ago a sign-in with a second factor may be at most for this. */
  readonly signInSecondsMax?: number
  readonly cause?: unknown
  /** Told outside of the site in place of the message, where that holds words which are the operators' alone. */
  readonly publicMessage?: string
}

/** The one error type that crosses a port. SDK errors are mapped to it at the adapters' boundary. */
export class CatamaranError extends Error {
  readonly code: ErrorCode
  readonly details: ErrorDetails

  constructor(code: ErrorCode, message: string, details: ErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause })
    this.name = 'CatamaranError'
    this.code = code
    this.details = details
  }

  get status(): number {
    return statusByCode[this.code]
  }
}

/** By name, not by `instanceof`: two bundles or two realms may each hold a copy of the class. */
export const isCatamaranError = (error: unknown): error is CatamaranError =>
  typeof error === 'object' && error !== null && (error as { name?: unknown }).name === 'CatamaranError'

export const hasCode = (error: unknown, code: ErrorCode): boolean => isCatamaranError(error) && error.code === code

/** What a client may read of an error: nothing of one that is unknown, and no words of a cloud's SDK. */
export const publicMessageOf = (error: unknown): string =>
  isCatamaranError(error) ? (error.details.publicMessage ?? error.message) : 'Something went wrong on our side.'

/** Faults that may pass by themselves: worth trying again, and no fault of the input. */
export const isTransient = (error: unknown): boolean =>
  !isCatamaranError(error) || error.status >= 500 || error.code === 'throttled'
