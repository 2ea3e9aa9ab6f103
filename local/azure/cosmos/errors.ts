/** An answer of the service that is not a success: HTTP status, the service's code word and its sub status. */
export class CosmosError extends Error {
  readonly status: number
  readonly code: string
  readonly subStatus: number
  readonly headers: Readonly<Record<string, string>>

  constructor(status: number, code: string, message: string, subStatus = 0, headers: Record<string, string> = {}) {
    super(message)
    this.name = 'CosmosError'
    this.status = status
    this.code = code
    this.subStatus = subStatus
    this.headers = headers
  }
}

export const badRequest = (message: string, subStatus = 0): CosmosError =>
  new CosmosError(400, 'BadRequest', message, subStatus)

export const notFound = (message = 'Entity with the specified id does not exist in the system.'): CosmosError =>
  new CosmosError(404, 'NotFound', message)

/** Sub status 1003: the database or container that should hold the resource does not exist. */
export const ownerNotFound = (): CosmosError => new CosmosError(404, 'NotFound', 'Owner resource does not exist', 1003)

export const conflict = (): CosmosError =>
  new CosmosError(409, 'Conflict', 'Entity with the specified id already exists in the system.')

export const preconditionFailed = (): CosmosError =>
  new CosmosError(412, 'PreconditionFailed', 'One of the specified pre-condition is not met')

export const tooLarge = (): CosmosError => new CosmosError(413, 'RequestEntityTooLarge', 'Request size is too large')

export const throttled = (retryAfterMs: number): CosmosError =>
  new CosmosError(429, 'TooManyRequests', 'The request rate is too large. Please retry after sometime.', 3200, {
    'x-ms-retry-after-ms': String(retryAfterMs),
  })
