import type { Context, MiddlewareHandler } from 'hono'
import type { ContentfulStatusCode } from 'hono/utils/http-status'
import { isTraceparent, spanFields, spanIn } from '../core/trace.ts'
import { CatamaranError } from '../domain/errors.ts'
import type { Api, ApiEnv } from './api.ts'
import { answerOptions, setCorsHeaders } from './cors.ts'
import { logWithheld, problemResponse, publicError } from './problem.ts'

const requestIdPattern = /^[A-Za-z0-9._-]{1,128}$/
const urlCharsMax = 8192
/** Headers of an answer that was begun and then failed. */
const abandonedHeaders = [
  'content-type',
  'content-length',
  'cache-control',
  'content-disposition',
  'content-security-policy',
  'accept-ranges',
  'location',
]

/** What every answer has, whatever comes of the request: an id, safe headers, CORS, a line in the log. */
export function everyRequest(api: Api): MiddlewareHandler<ApiEnv> {
  const { clock, telemetry, random } = api.services
  return async (c, next) => {
    const startMs = clock.monotonicMs()
    const given = c.req.header('x-request-id')
    const requestId = given && requestIdPattern.test(given) ? given : Buffer.from(random.bytes(12)).toString('hex')
    c.set('requestId', requestId)
    const trace = c.req.header('traceparent')
    const span = spanIn(random, trace)
    c.set('span', span)
    await next()
    const { headers } = c.res
    headers.set('x-request-id', requestId)
    headers.set('x-content-type-options', 'nosniff')
    headers.set('referrer-policy', 'no-referrer')
    if (api.options.publicUrl.startsWith('https:')) headers.set('strict-transport-security', 'max-age=31536000')
    if (!headers.has('cache-control')) headers.set('cache-control', 'no-store')
    setCorsHeaders(api, c, headers)
    if (isTraceparent(trace)) headers.set('traceparent', trace)
    const tookMs = clock.monotonicMs() - startMs
    const route = c.get('routePattern') ?? 'none'
    telemetry.metric('requestMs', tookMs, { route, method: c.req.raw.method, status: String(c.res.status) })
    telemetry.log('info', 'request', {
      requestId,
      method: c.req.raw.method,
      route,
      status: c.res.status,
      tookMs: Math.round(tookMs),
      tenant: c.get('caller')?.tenant ?? null,
      key: c.get('caller')?.keyId ?? null,
      ...spanFields(span),
    })
  }
}

/** Refuses what could be read in two ways, and answers OPTIONS. */
export function checkUrl(api: Api): MiddlewareHandler<ApiEnv> {
  return async (c, next) => {
    const { url } = c.req
    if (url.length > urlCharsMax)
      throw new CatamaranError('invalid-request', `A URL may hold at most ${urlCharsMax} characters.`)
    try {
      decodeURIComponent(new URL(url).pathname)
    } catch {
      throw new CatamaranError('invalid-request', 'The path is not percent-encoded UTF-8.')
    }
    const methods = c.req.raw.method === 'OPTIONS' ? methodsOf(api, c) : []
    if (methods.length > 0) return answerOptions(c, methods)
    return next()
  }
}

/** What the path of a request can do; empty when there is no such path. */
function methodsOf(api: Api, c: Context<ApiEnv>): readonly string[] {
  const methods = new Set<string>()
  for (const [pattern, known] of api.paths) {
    if (!pathMatches(pattern, new URL(c.req.url).pathname)) continue
    for (const method of known) methods.add(method)
  }
  if (methods.size === 0) return []
  if (methods.has('GET')) methods.add('HEAD')
  return [...methods.add('OPTIONS')].sort()
}

function pathMatches(pattern: string, path: string): boolean {
  const [wanted, given] = [pattern.split('/'), path.split('/')]
  return (
    wanted.length === given.length &&
    wanted.every((step, at) => step === given[at] || (step.startsWith(':') && given[at] !== ''))
  )
}

/** No route: 405 with Allow when the path exists, else 404. */
export const noRoute =
  (api: Api) =>
  (c: Context<ApiEnv>): Response => {
    const methods = methodsOf(api, c)
    if (methods.length === 0) return failed(c, new CatamaranError('not-found', 'There is no such path.'))
    c.header('allow', methods.join(', '))
    return failed(c, new CatamaranError('method-not-allowed', `This path allows ${methods.join(', ')}.`))
  }

/** Any failure as a problem; only faults of our own and of the clouds are logged as errors. */
export const onFailure =
  ({ services }: Api) =>
  (error: unknown, c: Context<ApiEnv>): Response => {
    // Nobody reads this answer; it is no fault of ours that the work was broken off.
    const leftAlone = c.req.raw.signal.aborted
    if (leftAlone) return failed(c, new CatamaranError('timed-out', 'The client went away.'))
    logWithheld(services.telemetry, 'A request failed unexpectedly', { requestId: c.get('requestId') }, error)
    return failed(c, publicError(error))
  }

function failed(c: Context<ApiEnv>, error: CatamaranError): Response {
  for (const name of abandonedHeaders) c.header(name, undefined)
  const problem = problemResponse(error, new URL(c.req.url).pathname)
  for (const [name, value] of problem.headers) c.header(name, value)
  return c.newResponse(problem.body, problem.status as ContentfulStatusCode)
}
