import { sdkError } from '../../shared/adapters/sdk-error.ts'
import { isCatamaranError, type CatamaranError, type ErrorCode } from '../../shared/domain/errors.ts'

/** Storage's error codes and the connection's; whatever is not listed goes by its HTTP status. */
const codeByName: Readonly<Record<string, ErrorCode>> = {
  // Blob Storage and Queue Storage
  BlobNotFound: 'not-found',
  CannotVerifyCopySource: 'not-found',
  BlobAlreadyExists: 'precondition-failed',
  ConditionNotMet: 'precondition-failed',
  TargetConditionNotMet: 'precondition-failed',
  InvalidRange: 'range-not-satisfiable',
  InvalidBlockList: 'invalid-request',
  InvalidBlobOrBlock: 'invalid-request',
  Md5Mismatch: 'invalid-request',
  Crc64Mismatch: 'invalid-request',
  InvalidMetadata: 'invalid-request',
  MessageTooLarge: 'too-large',
  RequestBodyTooLarge: 'too-large',
  ServerBusy: 'throttled',
  OperationTimedOut: 'timed-out',
  // The connection
  TimeoutError: 'timed-out',
  REQUEST_SEND_ERROR: 'unavailable',
  ECONNREFUSED: 'unavailable',
  ECONNRESET: 'unavailable',
  EPIPE: 'unavailable',
  ENOTFOUND: 'unavailable',
  EAI_AGAIN: 'unavailable',
  ETIMEDOUT: 'unavailable',
}

interface SdkError {
  readonly name?: string
  /** Cosmos DB gives the HTTP status here, Storage and the connection a name. */
  readonly code?: string | number
  readonly statusCode?: number
  readonly message?: string
  readonly retryAfterInMs?: number
}

/** The error as one of ours, with the SDK's own as its cause; its words stay inside the site. */
export function mapError(error: unknown, doing: string): CatamaranError {
  if (isCatamaranError(error)) return error
  const { name = '', message = '', retryAfterInMs } = (error ?? {}) as SdkError
  const retry = retryAfterInMs === undefined ? {} : { retryAfterMs: retryAfterInMs }
  const code = codeOf((error ?? {}) as SdkError)
  return sdkError(code, `${doing}: ${name} ${message.slice(0, 500)}`, { cause: error, ...retry })
}

function codeOf(error: SdkError): ErrorCode {
  const known = codeByName[String(error.code)] ?? codeByName[error.name ?? '']
  if (known) return known
  switch (statusOf(error)) {
    case undefined:
      return 'unavailable'
    case 400:
      return 'invalid-request'
    case 404:
      return 'not-found'
    case 408:
      return 'timed-out'
    case 409:
    case 412:
      return 'precondition-failed'
    case 413:
      return 'too-large'
    case 416:
      return 'range-not-satisfiable'
    case 429:
      return 'throttled'
    case 410:
    case 449:
      return 'unavailable'
    default:
      return (statusOf(error) ?? 0) >= 500 ? 'unavailable' : 'internal'
  }
}

/** The HTTP status of an SDK's error, where it has one. */
export function statusOf(error: unknown): number | undefined {
  const { code, statusCode } = (error ?? {}) as SdkError
  return typeof code === 'number' ? code : statusCode
}

/** Runs a call of an SDK; what it throws is mapped. A caller's own abort passes unchanged. */
export async function calling<Result>(
  doing: string,
  call: () => Promise<Result>,
  signal?: AbortSignal,
): Promise<Result> {
  try {
    return await call()
  } catch (error) {
    signal?.throwIfAborted()
    throw mapError(error, doing)
  }
}

export const isStatus = (error: unknown, ...statuses: readonly number[]): boolean =>
  statuses.includes(statusOf(error) ?? 0)
