import type { OpenAPIHono } from '@hono/zod-openapi'
import type { Caller } from '../core/keys.ts'
import type { Services } from '../core/services.ts'
import type { Span } from '../core/trace.ts'
import type { Session } from '../replication/session.ts'
import type { ApiOptions } from './options.ts'
import type { RateLimiter } from './rate-limit.ts'

/** What a key may be allowed to do. */
export const scopes = [
  'assets:read',
  'assets:write',
  'images:sign',
  'records:read',
  'records:write',
  'replication:read',
  'replication:operate',
  'keys:write',
  'webhooks:write',
] as const
export type Scope = (typeof scopes)[number]

// A type alias, since Hono asks for an index signature.
export type ApiEnv = {
  Variables: {
    requestId: string
    /** In the caller's trace, or at the beginning of one. */
    span: Span
    /** Set once the key is known. */
    caller?: Caller
    /** The request's session. */
    session?: Session
    /** The route's pattern, for logs and metrics. */
    routePattern?: string
  }
}

/** What the route files share while the app is put together. */
export interface Api {
  readonly app: OpenAPIHono<ApiEnv>
  readonly services: Services
  /** The same for a request with this Prefer header: it waits no longer than that says for the other site. */
  readonly waiting: (prefer: string | undefined) => Services
  readonly options: ApiOptions
  /** By key. */
  readonly limiter: RateLimiter
  /** By address, of the requests whose key is not valid. */
  readonly wrongKeyLimiter: RateLimiter
  readonly bodyBytesMax: number
  /** Every path with its methods: what 405 and OPTIONS answer from. */
  readonly paths: Map<string, Set<string>>
}
