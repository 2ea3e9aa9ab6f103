import { sdkError } from '../../shared/adapters/sdk-error.ts'
import { isCatamaranError, type CatamaranError, type ErrorCode } from '../../shared/domain/errors.ts'

/** SDK errors by name; whatever is not listed goes by its HTTP status. */
const codeByName: Readonly<Record<string, ErrorCode>> = {
  // DynamoDB
  ProvisionedThroughputExceededException: 'throttled',
  ThrottlingException: 'throttled',
  RequestLimitExceeded: 'throttled',
  ItemCollectionSizeLimitExceededException: 'too-large',
  ConditionalCheckFailedException: 'precondition-failed',
  // S3
  NoSuchKey: 'not-found',
  NotFound: 'not-found',
  NoSuchUpload: 'not-found',
  InvalidRange: 'range-not-satisfiable',
  PreconditionFailed: 'precondition-failed',
  ConditionalRequestConflict: 'precondition-failed',
  EntityTooLarge: 'too-large',
  EntityTooSmall: 'invalid-request',
  InvalidPart: 'invalid-request',
  InvalidPartOrder: 'invalid-request',
  BadDigest: 'invalid-request',
  KeyTooLongError: 'invalid-request',
  SlowDown: 'throttled',
  RequestTimeout: 'timed-out',
  // SQS
  OverLimit: 'throttled',
  RequestThrottled: 'throttled',
  InvalidMessageContents: 'invalid-request',
  // The connection
  TimeoutError: 'timed-out',
  ECONNREFUSED: 'unavailable',
  ECONNRESET: 'unavailable',
  EPIPE: 'unavailable',
  ENOTFOUND: 'unavailable',
  EAI_AGAIN: 'unavailable',
  ETIMEDOUT: 'unavailable',
}

interface SdkError {
  readonly name?: string
  readonly code?: string
  readonly message?: string
  readonly $metadata?: { readonly httpStatusCode?: number }
}

/** The error as one of ours, with the SDK's own as its cause; its words stay inside the site. */
export function mapError(error: unknown, doing: string): CatamaranError {
  if (isCatamaranError(error)) return error
  const { name = '', code = '', message = '', $metadata } = (error ?? {}) as SdkError
  return sdkError(codeOf(name, code, message, $metadata?.httpStatusCode), `${doing}: ${name} ${message}`, {
    cause: error,
  })
}

function codeOf(name: string, code: string, message: string, status: number | undefined): ErrorCode {
  // DynamoDB has no name of its own for an item over its limit.
  if (name === 'ValidationException' && message.includes('size has exceeded')) return 'too-large'
  const known = codeByName[name] ?? codeByName[code]
  if (known) return known
  if (status === undefined) return 'unavailable'
  if (status === 404) return 'not-found'
  if (status === 412) return 'precondition-failed'
  if (status === 416) return 'range-not-satisfiable'
  if (status === 429) return 'throttled'
  return status >= 500 ? 'unavailable' : 'internal'
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

export const isNamed = (error: unknown, ...names: readonly string[]): boolean =>
  names.includes(String((error as SdkError | undefined)?.name))
