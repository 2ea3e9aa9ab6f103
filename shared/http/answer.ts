import type { Context } from 'hono'
import type { Idempotency, WriteOptions } from '../core/records.ts'
import { CatamaranError } from '../domain/errors.ts'
import { derivedId, sha256Hex } from '../domain/hash.ts'
import { canonicalJson, type Json } from '../domain/json.ts'
import { originOf } from '../domain/site.ts'
import { joinSessions } from '../replication/session.ts'
import { joinVectors, type Vector } from '../replication/vector.ts'
import type { ApiEnv } from './api.ts'
import { clientHas, preconditionOf } from './conditions.ts'
import { openCursor, sealCursor } from './cursor.ts'
import type { AnyCall } from './route.ts'
import { formatSession } from './session.ts'

export interface AnswerOptions {
  readonly status?: 200 | 201 | 202
  readonly etag?: string
  readonly location?: string
  readonly replayed?: boolean
  readonly durability?: 'local' | 'both'
  /** The vectors of what the answer shows. */
  readonly seen?: readonly Vector[]
}

/** A JSON answer. With an ETag, a GET whose client has it already is answered 304. */
export function answer(call: AnyCall, value: unknown, options: AnswerOptions = {}): Response {
  const { c } = call
  setAnswerHeaders(call, options)
  const { etag } = options
  const read = c.req.method === 'GET' || c.req.method === 'HEAD'
  if (read && etag && clientHas(etag, c.req.header('if-none-match'))) return c.body(null, 304)
  return jsonText(c, JSON.stringify(value), options.status)
}

export function jsonText(c: Context<ApiEnv>, text: string, status: 200 | 201 | 202 = 200): Response {
  c.header('content-type', 'application/json')
  return c.body(text, status)
}

export function noContent(call: AnyCall, options: AnswerOptions = {}): Response {
  setAnswerHeaders(call, options)
  return call.c.body(null, 204)
}

function setAnswerHeaders(
  { c, services }: AnyCall,
  { etag, location, replayed, durability, seen = [] }: AnswerOptions,
): void {
  if (etag) {
    c.header('etag', etag)
    c.header('cache-control', 'private, no-cache')
  }
  if (location) c.header('location', location)
  if (replayed) c.header('idempotency-replayed', 'true')
  if (durability === 'both') c.header('preference-applied', 'durability=both')
  const shown = { [originOf(services.site, services.incarnation)]: seen.reduce(joinVectors, {}) }
  const session = formatSession(joinSessions(c.get('session') ?? {}, shown))
  if (session !== '') c.header('catamaran-session', session)
}

/** A page that a Lambda can still answer with (6 MB, base64 aside). */
const pageBytesMax = 4 * 1024 * 1024

export interface PageAnswer<Item> {
  readonly items: readonly Item[]
  readonly next?: string | undefined
  /** The `after` of the page that begins behind an item; without it, a page is never cut. */
  readonly afterOf?: (item: Item) => string
  readonly seen?: readonly Vector[]
}

/** A list page with its next cursor, cut where it would grow too large, and the RFC 8288 link to the rest. */
export function answerPage<Item>(
  call: AnyCall,
  scope: Json,
  { items, next, afterOf, seen = [] }: PageAnswer<Item>,
): Response {
  const texts: string[] = []
  let bytes = 0
  for (const item of items) {
    const text = JSON.stringify(item)
    bytes += Buffer.byteLength(text)
    if (afterOf && bytes > pageBytesMax && texts.length > 0) break
    texts.push(text)
  }
  const last = items[texts.length - 1]
  const after = texts.length < items.length && last && afterOf ? afterOf(last) : next
  const cursor = after === undefined ? null : sealCursor(call.api.options.signing, scope, { after })
  if (cursor !== null) {
    const url = new URL(call.c.req.url)
    url.searchParams.set('cursor', cursor)
    call.c.header('link', `<${call.api.options.publicUrl}${url.pathname}${url.search}>; rel="next"`)
  }
  setAnswerHeaders(call, { seen })
  return jsonText(call.c, `{"items":[${texts.join(',')}],"next":${JSON.stringify(cursor)}}`)
}

/** The `after` inside a page cursor. Throws `invalid-cursor`. */
export function afterOf(call: AnyCall, scope: Json, cursor: string | undefined): string | undefined {
  if (cursor === undefined) return undefined
  const { after } = openCursor(call.api.options.signing, scope, cursor)
  if (typeof after === 'string') return after
  throw new CatamaranError('invalid-cursor', 'The cursor belongs to another list.')
}

const idempotencyKey = /^[\x21-\x7e](?:[\x20-\x7e]{0,253}[\x21-\x7e])?$/

/** The request's Idempotency-Key as it is. Throws `invalid-request`. */
export function idempotencyKeyOf(call: AnyCall): string | undefined {
  const key = call.c.req.header('idempotency-key')
  if (key === undefined || idempotencyKey.test(key)) return key
  throw new CatamaranError('invalid-request', 'Idempotency-Key must be 1 to 255 printable ASCII characters.')
}

/** The hashed key and the fingerprint of what is asked; `content` stands for the request's body. */
export function idempotencyOf(call: AnyCall, content: Json | undefined, part = ''): Idempotency | undefined {
  const key = idempotencyKeyOf(call)
  if (key === undefined) return undefined
  const { method, path, url } = call.c.req
  const print = sha256Hex(canonicalJson([method, path, new URL(url).search, content ?? null, part]))
  return { key: derivedId(call.tenant, method, path, key, part), print }
}

/** The id of what a POST creates: the same for the same tenant, list and Idempotency-Key, at both sites. */
export function createdIdOf(call: AnyCall, list: string): string | undefined {
  const key = idempotencyKeyOf(call)
  return key === undefined ? undefined : derivedId('post', call.tenant, list, key)
}

/** What the headers of a mutation ask of the core. */
export function writeOptionsOf(
  call: AnyCall,
  content: Json | undefined,
  rules: { readonly required: boolean; readonly mayCreate: boolean },
): WriteOptions {
  const headers = { ifMatch: call.c.req.header('if-match'), ifNoneMatch: call.c.req.header('if-none-match') }
  return {
    precondition: preconditionOf(headers, rules),
    idempotency: idempotencyOf(call, content),
    durability: durabilityOf(call),
  }
}

/** RFC 7240; other preferences are ignored, as it says. */
export function durabilityOf(call: AnyCall): 'local' | 'both' {
  const preferences = (call.c.req.header('prefer') ?? '')
    .split(',')
    .map((preference) => preference.trim().toLowerCase())
  return preferences.includes('durability=both') || preferences.includes('durability="both"') ? 'both' : 'local'
}
