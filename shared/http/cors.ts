import type { Context } from 'hono'
import type { Api, ApiEnv } from './api.ts'

/** What a page may send. */
export const allowHeaders = [
  'Authorization',
  'Content-Disposition',
  'Content-Type',
  'Catamaran-Session',
  'Idempotency-Key',
  'If-Match',
  'If-None-Match',
  'If-Range',
  'Prefer',
  'Range',
  'X-Api-Key',
  'X-Asset-Name',
  'X-Request-Id',
  'Traceparent',
].join(', ')

const exposeHeaders = [
  'Catamaran-Session',
  'Content-Disposition',
  'Content-Range',
  'ETag',
  'Idempotency-Replayed',
  'Link',
  'Location',
  'Preference-Applied',
  'RateLimit',
  'RateLimit-Policy',
  'Retry-After',
  'X-Request-Id',
].join(', ')

/** For how long a page keeps what it was told. */
export const preflightSeconds = 600

/** Lets the pages of exactly the allowed origins read the answer. Keys are sent by scripts, so no credentials mode. */
export function setCorsHeaders({ options }: Api, c: Context<ApiEnv>, headers: Headers): void {
  headers.append('vary', 'Origin')
  const origin = c.req.header('origin')
  if (!origin || !options.allowedOrigins?.includes(origin)) return
  headers.set('access-control-allow-origin', origin)
  headers.set('access-control-expose-headers', exposeHeaders)
}

/** The answer to OPTIONS on a path that has `methods`: what is allowed, and for a preflight, what a page may send. */
export function answerOptions(c: Context<ApiEnv>, methods: readonly string[]): Response {
  c.header('allow', methods.join(', '))
  if (c.req.header('access-control-request-method')) {
    c.header('access-control-allow-methods', methods.join(', '))
    c.header('access-control-allow-headers', allowHeaders)
    c.header('access-control-max-age', String(preflightSeconds))
  }
  return c.body(null, 204)
}
