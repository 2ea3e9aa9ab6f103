import * as z from './zod.ts'
import type { Context } from 'hono'
import type { Caller } from '../core/keys.ts'
import type { Services } from '../core/services.ts'
import { within } from '../core/trace.ts'
import { CatamaranError } from '../domain/errors.ts'
import { originOf } from '../domain/site.ts'
import { seenElsewhere } from '../replication/session.ts'
import type { Vector } from '../replication/vector.ts'
import type { Api, ApiEnv, Scope } from './api.ts'
import { authenticate } from './authenticate.ts'
import { describeRoute } from './describe-route.ts'
import { readJson } from './request-body.ts'
import { parseSession } from './session.ts'
import { validate } from './validate.ts'

const none = z.strictObject({})
type None = typeof none

/** One operation: the source of its validation, its types and its documentation. */
export interface RouteDefinition<P extends z.ZodType, Q extends z.ZodType, B extends z.ZodType> {
  readonly method: 'get' | 'post' | 'put' | 'patch' | 'delete'
  /** With parameters in braces. */
  readonly path: string
  readonly operationId: string
  readonly tag: string
  readonly summary: string
  readonly description?: string
  /** What the key must allow; `public` needs no key. */
  readonly scope: Scope | 'public'
  readonly params?: P
  readonly query?: Q
  /** A JSON request. Without it the handler reads the content itself, or there is none. */
  readonly body?: { readonly schema: B; readonly mediaTypes: readonly string[]; readonly optional?: boolean }
  /** Request content that the handler reads itself, for the documentation: media type to description. */
  readonly content?: Readonly<Record<string, string>>
  readonly requestHeaders?: readonly DocumentedHeader[]
  readonly responses: Readonly<Record<number, DocumentedResponse>>
}

export type DocumentedHeader =
  | 'Idempotency-Key'
  | 'If-Match'
  | 'If-None-Match'
  | 'Prefer'
  | 'Catamaran-Session'
  | 'Range'

export interface DocumentedResponse {
  readonly description: string
  readonly schema?: z.ZodType
  readonly mediaType?: string
  readonly headers?: readonly string[]
}

/** A request that has passed authentication, rate limit, scope and validation. */
export interface Call<P, Q, B> {
  readonly c: Context<ApiEnv>
  readonly api: Api
  readonly services: Services
  readonly caller: Caller
  readonly tenant: string
  readonly params: P
  readonly query: Q
  readonly body: B
  /** The newest stamps that the client has seen, but for what this site showed it itself. */
  readonly session: Vector | undefined
}

export type AnyCall = Call<unknown, unknown, unknown>

/** For what begins long work: its jobs carry the trace of the request. */
export const tracedServices = ({ services, c }: AnyCall): Services => within(services, c.get('span'))

const nobody: Caller = { tenant: '', keyId: '', scopes: [] }
export const jsonTypes = ['application/json'] as const
export const patchTypes = ['application/merge-patch+json', 'application/json'] as const

/** Adds an operation to the app and to its OpenAPI document. */
export function route<P extends z.ZodType = None, Q extends z.ZodType = None, B extends z.ZodType = z.ZodUndefined>(
  api: Api,
  definition: RouteDefinition<P, Q, B>,
  handler: (call: Call<z.output<P>, z.output<Q>, z.output<B>>) => Promise<Response>,
): void {
  const { method, path, scope, requestHeaders = [] } = definition
  const mayWait = requestHeaders.includes('Prefer') || requestHeaders.includes('Catamaran-Session')
  const pattern = path.replaceAll(/\{(.+?)\}/g, ':$1')
  api.app.openAPIRegistry.registerPath(describeRoute(definition))
  const methods = api.paths.get(pattern) ?? new Set<string>()
  api.paths.set(pattern, methods.add(method.toUpperCase()))
  api.app.on(method.toUpperCase(), pattern, async (c) => {
    c.set('routePattern', path)
    const caller = scope === 'public' ? nobody : await authenticate(api, c, scope)
    const params = validate(definition.params ?? none, c.req.param(), 'path') as z.output<P>
    const query = validate(definition.query ?? none, queryOf(c), 'query') as z.output<Q>
    const body = (await bodyOf(api, c, definition)) as z.output<B>
    const sessionText = c.req.header('catamaran-session')
    if (sessionText !== undefined) c.set('session', parseSession(sessionText))
    const session = seenElsewhere(c.get('session') ?? {}, originOf(api.services.site, api.services.incarnation))
    const services = mayWait ? api.waiting(c.req.header('prefer')) : api.services
    return handler({ c, api, services, caller, tenant: caller.tenant, params, query, body, session })
  })
}

/** Each query parameter once; a second one of the same name is refused rather than dropped. */
function queryOf(c: Context<ApiEnv>): Record<string, string> {
  const query: Record<string, string> = Object.create(null) as Record<string, string>
  for (const [name, value] of new URL(c.req.url).searchParams) {
    if (Object.hasOwn(query, name)) {
      const errors = [{ pointer: `/${name}`, in: 'query', detail: 'It occurs more than once.' }]
      throw new CatamaranError('invalid-request', `The query parameter ${name} occurs more than once.`, { errors })
    }
    query[name] = value
  }
  return { ...query }
}

async function bodyOf<P extends z.ZodType, Q extends z.ZodType, B extends z.ZodType>(
  api: Api,
  c: Context<ApiEnv>,
  { body }: RouteDefinition<P, Q, B>,
): Promise<z.output<B> | undefined> {
  if (!body) return undefined
  const request = c.req.raw
  const empty = request.body === null || request.headers.get('content-length') === '0'
  if (body.optional && empty) return undefined
  return validate(body.schema, await readJson(request, body.mediaTypes, api.bodyBytesMax), 'body') as z.output<B>
}
