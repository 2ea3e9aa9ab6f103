import * as z from '../zod.ts'
import { getAsset } from '../../core/assets.ts'
import { assetContent, contentInfo, openContent, type ContentInfo, type ContentRequest } from '../../core/content.ts'
import { CatamaranError, hasCode } from '../../domain/errors.ts'
import type { ByteRange } from '../../ports/object-store.ts'
import type { Api } from '../api.ts'
import { rangeOf } from '../byte-ranges.ts'
import { assertIfMatch, clientHas } from '../conditions.ts'
import { route, type AnyCall } from '../route.ts'
import { assetIdSchema } from '../schemas/assets.ts'
import { assetParams, assetPath, assetTag } from './assets.ts'
import { directBytesMax } from './asset-create.ts'

/** A signed URL is good for longer than this, so a redirect may be kept that long. */
const redirectSeconds = 60

const contentHeaders = [
  'accept-ranges',
  'cache-control',
  'content-disposition',
  'content-length',
  'content-range',
  'content-security-policy',
  'content-type',
  'etag',
]

const query = z.strictObject({
  via: z
    .enum(['cdn', 'api'])
    .default('cdn')
    .openapi({ description: '`api`: the bytes in this answer, up to 4 MiB at a time.' }),
})
const responses = {
  307: { description: 'To the CDN, or to the other site while the bytes are not here.', headers: ['Location'] },
  200: { description: 'The bytes (via=api).', headers: ['ETag'] },
  206: { description: 'A part of them (via=api).', headers: ['ETag'] },
  304: { description: 'The client has it (via=api).' },
} as const

export function addContentRoutes(api: Api): void {
  const shared = { method: 'get', tag: assetTag, scope: 'assets:read', query, responses } as const
  const requestHeaders = ['Range', 'If-Match', 'If-None-Match'] as const
  const description =
    'HEAD answers the same without content. Originals are attachments: they are shown as they were uploaded.'
  const original = {
    ...shared,
    path: `${assetPath}/content`,
    operationId: 'getContent',
    summary: 'Download the original',
    description,
    params: assetParams,
    requestHeaders,
  }
  route(api, original, (call) => content(call, call.params.id, {}, call.query.via))
  const rendition = {
    ...shared,
    path: `${assetPath}/renditions/{name}`,
    operationId: 'getRendition',
    summary: 'Download a rendition',
    params: z.strictObject({ id: assetIdSchema, name: z.string().regex(/^[A-Za-z0-9][A-Za-z0-9_.-]{0,99}$/) }),
    requestHeaders,
  }
  route(api, rendition, (call) => content(call, call.params.id, { rendition: call.params.name }, call.query.via))
}

async function content(call: AnyCall, id: string, request: ContentRequest, via: 'cdn' | 'api'): Promise<Response> {
  const { services, tenant, c, session } = call
  // Brings the asset here first when the session has seen more of it than this site.
  if (session) await getAsset(services, tenant, id, { session })
  if (via === 'api') return streamed(call, id, request)
  const found = await assetContent(services, tenant, id, request)
  c.header('location', found.url)
  if (found.kind === 'redirect') c.header('cache-control', `private, max-age=${redirectSeconds}`)
  return c.body(null, 307)
}

/** Conditions and ranges in the order of RFC 9110, 13.2.2. */
async function streamed(call: AnyCall, id: string, request: ContentRequest): Promise<Response> {
  const { c, services, tenant } = call
  const { info } = await contentInfo(services, tenant, id, request)
  assertIfMatch(info.etag, c.req.header('if-match'))
  c.header('etag', info.etag)
  c.header('cache-control', 'private, no-cache')
  if (clientHas(info.etag, c.req.header('if-none-match'))) return c.body(null, 304)
  const range = requestedRange(call, info)
  setContentHeaders(call, info, range)
  const status = range ? 206 : 200
  // `method` as it came: the app answers HEAD through GET and drops the content, which must not be opened then.
  if (c.req.raw.method === 'HEAD') return c.body(null, status)
  const opened = await openContent(services, tenant, id, { ...request, ...(range ? { range } : {}) })
  if (opened.kind === 'here') return c.body(opened.body, status)
  clearContentHeaders(call)
  c.header('location', opened.url)
  return c.body(null, 307)
}

function requestedRange(call: AnyCall, { bytes, etag }: ContentInfo): ByteRange | undefined {
  const { c } = call
  const ifRange = c.req.header('if-range')
  const wanted = ifRange === undefined || ifRange === etag ? c.req.header('range') : undefined
  const range = rangeOrHeader(call, wanted, bytes)
  if (!range && bytes > directBytesMax && c.req.raw.method !== 'HEAD') {
    throw new CatamaranError(
      'too-large',
      `The API passes at most ${directBytesMax} bytes at a time: ask for a Range, or without via=api.`,
    )
  }
  // RFC 9110, 15.3.7: a part of the range asked for is an answer too.
  return range && { first: range.first, last: Math.min(range.last, range.first + directBytesMax - 1) }
}

/** A range that cannot be satisfied is answered with the true length. */
function rangeOrHeader(call: AnyCall, header: string | undefined, bytes: number): ByteRange | undefined {
  try {
    return rangeOf(header, bytes)
  } catch (error) {
    if (hasCode(error, 'range-not-satisfiable')) call.c.header('content-range', `bytes */${bytes}`)
    throw error
  }
}

function setContentHeaders({ c }: AnyCall, info: ContentInfo, range: ByteRange | undefined): void {
  c.header('content-type', info.mediaType)
  c.header('accept-ranges', 'bytes')
  c.header('content-length', String(range ? range.last - range.first + 1 : info.bytes))
  if (range) c.header('content-range', `bytes ${range.first}-${range.last}/${info.bytes}`)
  c.header('content-disposition', info.disposition)
  // An original is whatever somebody uploaded: it must not run as a page of this origin.
  c.header('content-security-policy', "sandbox; default-src 'none'")
}

function clearContentHeaders({ c }: AnyCall): void {
  for (const name of contentHeaders) c.header(name, undefined)
}
