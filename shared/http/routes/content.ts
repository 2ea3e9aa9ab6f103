import { z } from '@hono/zod-openapi'
import type { AssetView } from '../../core/asset-view.ts'
import { getAsset } from '../../core/assets.ts'
import { assetContent, openContent } from '../../core/content.ts'
import { CatamaranError, hasCode } from '../../domain/errors.ts'
import type { ByteRange } from '../../ports/object-store.ts'
import type { Api } from '../api.ts'
import { rangeOf } from '../byte-ranges.ts'
import { assertIfMatch, clientHas } from '../conditions.ts'
import { contentDisposition } from '../content-disposition.ts'
import { route, type AnyCall } from '../route.ts'
import { assetIdSchema } from '../schemas/assets.ts'
import { assetParams, assetPath, assetTag, noSuchAsset } from './assets.ts'
import { directBytesMax } from './asset-create.ts'

/** A signed URL is good for longer than this, so a redirect may be kept that long. */
const redirectSeconds = 60

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
  route(api, original, (call) => content(call, call.params.id, undefined, call.query.via))
  const rendition = {
    ...shared,
    path: `${assetPath}/renditions/{name}`,
    operationId: 'getRendition',
    summary: 'Download a rendition',
    params: z.strictObject({ id: assetIdSchema, name: z.string().regex(/^[A-Za-z0-9][A-Za-z0-9_.-]{0,99}$/) }),
    requestHeaders,
  }
  route(api, rendition, (call) => content(call, call.params.id, call.params.name, call.query.via))
}

async function content(
  call: AnyCall,
  id: string,
  rendition: string | undefined,
  via: 'cdn' | 'api',
): Promise<Response> {
  const { services, tenant, c } = call
  if (via === 'api') return streamed(call, id, rendition)
  const found = await assetContent(services, tenant, id, rendition === undefined ? {} : { rendition })
  c.header('location', found.url)
  if (found.kind === 'redirect') c.header('cache-control', `private, max-age=${redirectSeconds}`)
  return c.body(null, 307)
}

interface Representation {
  readonly name: string
  readonly mediaType: string
  readonly bytes: number
  readonly etag: string
}

function representationOf(view: AssetView, rendition: string | undefined): Representation {
  const found = rendition === undefined ? view : view.renditions.find(({ name }) => name === rendition)
  if (!found) throw new CatamaranError('not-found', 'There is no such rendition.')
  if (found.bytes === undefined || found.sha256 === undefined || view.status === 'awaiting-upload') {
    throw new CatamaranError('conflict', `The asset is ${view.status}: its bytes cannot be downloaded yet.`)
  }
  const name = rendition === undefined ? view.name : `${view.name}.${rendition}`
  return { name, mediaType: found.mediaType, bytes: found.bytes, etag: `"${found.sha256}"` }
}

/** Conditions and ranges in the order of RFC 9110, 13.2.2. */
async function streamed(call: AnyCall, id: string, rendition: string | undefined): Promise<Response> {
  const { c, services, tenant } = call
  const view = await getAsset(services, tenant, id, call.session ? { session: call.session } : {})
  if (!view || view.deleted) throw noSuchAsset()
  const what = representationOf(view, rendition)
  assertIfMatch(what.etag, c.req.header('if-match'))
  c.header('etag', what.etag)
  c.header('cache-control', 'private, no-cache')
  if (clientHas(what.etag, c.req.header('if-none-match'))) return c.body(null, 304)
  const range = requestedRange(call, what)
  setContentHeaders(call, what, rendition, range)
  const status = range ? 206 : 200
  // `method` as it came: the app answers HEAD through GET and drops the content, which must not be opened then.
  if (c.req.raw.method === 'HEAD') return c.body(null, status)
  const options = { ...(rendition === undefined ? {} : { rendition }), ...(range ? { range } : {}) }
  const { body } = await openContent(services, tenant, id, options)
  return c.body(body, status)
}

function requestedRange(call: AnyCall, { bytes, etag }: Representation): ByteRange | undefined {
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

function setContentHeaders(
  call: AnyCall,
  what: Representation,
  rendition: string | undefined,
  range: ByteRange | undefined,
): void {
  const { c } = call
  c.header('content-type', what.mediaType)
  c.header('accept-ranges', 'bytes')
  c.header('content-length', String(range ? range.last - range.first + 1 : what.bytes))
  if (range) c.header('content-range', `bytes ${range.first}-${range.last}/${what.bytes}`)
  c.header('content-disposition', contentDisposition(rendition === undefined ? 'attachment' : 'inline', what.name))
  // An original is whatever somebody uploaded: it must not run as a page of this origin.
  c.header('content-security-policy', "sandbox; default-src 'none'")
}
