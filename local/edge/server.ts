import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { pipeline } from 'node:stream/promises'
import { answerFromCache } from './cached-answer.ts'
import { openCache } from './disk-cache.ts'
import { type Admission, type Gate, xmlError } from './gate.ts'
import { createLoader, type Loader } from './load.ts'
import { fetchOrigin, type Headers } from './origin.ts'

export interface EdgeOptions {
  readonly gate: Gate
  /** Holds the cache; emptied at start. */
  readonly folder: string
  /** An object over this size streams through unstored. */
  readonly objectBytesMax?: number
  readonly cacheBytesMax?: number
}

const objectBytesDefault = 32 * 1024 * 1024
const cacheBytesDefault = 1024 * 1024 * 1024
/**
 * Header fields of the client that the origin sees. Conditions and ranges are the edge's business, and a client's
 * `Cache-Control` is ignored, as CloudFront and Front Door do: nobody reaches the origin by asking for it.
 */
const forwarded = ['accept', 'accept-language', 'origin']
const hopByHop = new Set([
  'connection',
  'keep-alive',
  'transfer-encoding',
  'te',
  'trailer',
  'upgrade',
  'proxy-authenticate',
])

type Admitted = Extract<Admission, { kind: 'admitted' }>

/** A caching reverse proxy (RFC 9111) that answers `X-Cache: hit | miss | revalidated | refused`. */
export async function createEdge(options: EdgeOptions): Promise<Server> {
  const cache = await openCache(options.folder, options.cacheBytesMax ?? cacheBytesDefault)
  const load = createLoader({ cache, objectBytesMax: options.objectBytesMax ?? objectBytesDefault })

  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const { method = 'GET', url = '/' } = request
    for (const [name, value] of Object.entries(options.gate.headers)) response.setHeader(name, value)
    if (!['GET', 'HEAD', 'OPTIONS'].includes(method)) {
      return refuse(response, 405, xmlError('MethodNotAllowed', 'The edge serves GET, HEAD and OPTIONS.'))
    }
    const admission = await options.gate.admit({ method, url, origin: `http://${request.headers.host ?? ''}` })
    if (admission.kind === 'refused') return refuse(response, admission.status, admission.body)
    if (method === 'OPTIONS') return passThrough(admission, method, request, response)
    const headers = Object.fromEntries(forwarded.map((name) => [name, request.headers[name]]))
    // What the origin says to one web origin is not for another.
    const key = `${request.headers.origin ?? ''} ${admission.cacheKey}`
    const known = cache.get(key)
    if (known?.policy.satisfiesWithoutRevalidation({ url: key, method: 'GET', headers: present(headers) })) {
      return answerFromCache(known, { method, headers: request.headers }, response, 'hit')
    }
    await answerFromOrigin({ request, response, admission, key, headers, load })
  }

  return createServer((request, response) => {
    answer(request, response).catch((error: unknown) => {
      if (response.headersSent) return response.destroy()
      refuse(response, 502, xmlError('BadGateway', `The origin did not answer: ${(error as Error).message}`), 'miss')
    })
  })
}

interface Exchange {
  readonly request: IncomingMessage
  readonly response: ServerResponse
  readonly admission: Admitted
  readonly key: string
  readonly headers: Headers
  readonly load: Loader
}

async function answerFromOrigin({ request, response, admission, key, headers, load }: Exchange): Promise<void> {
  const loaded = await load(admission, key, present(headers))
  const method = request.method === 'HEAD' ? 'HEAD' : 'GET'
  if (loaded.kind === 'stored') {
    // Who waited for another's fetch was served by the cache.
    const status = !loaded.mine ? 'hit' : loaded.revalidated ? 'revalidated' : 'miss'
    return answerFromCache(loaded.entry, { method, headers: request.headers }, response, status)
  }
  if (loaded.kind === 'answer') {
    response.setHeader('x-cache', 'miss')
    copyHeaders(loaded.headers, response)
    response.writeHead(loaded.status, { 'content-length': loaded.body.length })
    response.end(method === 'HEAD' ? undefined : loaded.body)
    return
  }
  await passThrough(admission, method, request, response)
}

const passed = [
  'range',
  'if-range',
  'if-none-match',
  'if-modified-since',
  'origin',
  'access-control-request-method',
  'access-control-request-headers',
]

async function passThrough(
  admission: Admitted,
  method: 'GET' | 'HEAD' | 'OPTIONS',
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const headers = Object.fromEntries(passed.map((name) => [name, request.headers[name]]))
  const answer = await fetchOrigin(await admission.originUrl(method === 'HEAD' ? 'HEAD' : 'GET'), method, headers)
  response.setHeader('x-cache', 'miss')
  copyHeaders(answer.headers, response)
  response.writeHead(answer.statusCode ?? 502)
  if (method === 'HEAD') response.flushHeaders()
  await pipeline(answer, response)
}

function copyHeaders(headers: Headers, response: ServerResponse): void {
  for (const [name, value] of Object.entries(headers)) {
    if (value !== undefined && !hopByHop.has(name) && !response.hasHeader(name)) response.setHeader(name, value)
  }
}

const present = (headers: Headers): Record<string, string | string[]> =>
  Object.fromEntries(Object.entries(headers).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])))

function refuse(response: ServerResponse, status: number, body: string, cacheStatus = 'refused'): void {
  response.writeHead(status, {
    'content-type': 'application/xml',
    'content-length': Buffer.byteLength(body),
    'cache-control': 'no-store',
    'x-cache': cacheStatus,
  })
  response.end(response.req.method === 'HEAD' ? undefined : body)
}
