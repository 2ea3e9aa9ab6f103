import { randomUUID } from 'node:crypto'
import { Agent, type IncomingMessage, request as httpRequest, type ServerResponse } from 'node:http'
import { Transform } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type { TypedData } from './core-types.ts'
import type { RouteMatch } from './http-routes.ts'
import type { Invocation, Invoker } from './invoke.ts'
import { errorText, log } from './log.ts'

/** The service's limits: 100 MB a request, and the load balancer's patience. */
export const requestBytesMax = 100 * 1024 * 1024
const responseMsMax = 230_000

const hopByHop = new Set([
  'connection',
  'keep-alive',
  'transfer-encoding',
  'upgrade',
  'expect',
  'te',
  'trailer',
  'proxy-connection',
])

/** Of an answer, beside the hop-by-hop headers: what only the worker and its host speak of. */
const isForCaller = (name: string): boolean => !hopByHop.has(name) && name !== 'x-ms-invocation-id'

class TooLarge extends Error {}

const limited = (): Transform => {
  let bytes = 0
  return new Transform({
    transform(chunk: Buffer, _encoding, done) {
      bytes += chunk.length
      if (bytes > requestBytesMax) done(new TooLarge())
      else done(null, chunk)
    },
  })
}

function headersOf(request: IncomingMessage): Record<string, string> {
  const headers: Record<string, string> = {}
  for (const [name, value] of Object.entries(request.headers)) {
    if (!hopByHop.has(name) && value !== undefined) headers[name] = Array.isArray(value) ? value.join(', ') : value
  }
  const address = request.socket.remoteAddress ?? ''
  headers['x-forwarded-for'] = headers['x-forwarded-for'] ? `${headers['x-forwarded-for']}, ${address}` : address
  headers['x-forwarded-host'] ??= headers.host ?? '127.0.0.1'
  headers['x-forwarded-proto'] ??= 'http'
  return headers
}

function answerEmpty(response: ServerResponse, status: number): void {
  if (response.headersSent) response.destroy()
  else response.writeHead(status, { 'content-length': '0' }).end()
}

/** An answer of the host's own, with the cause in the host's log and a problem (RFC 9457) for the caller. */
function answerFault(response: ServerResponse, detail: string, error: unknown): void {
  if (response.destroyed || response.writableEnded) return
  log('error', `${detail} ${errorText(error)}`, { category: 'http', answered: response.headersSent ? 'cut' : 500 })
  if (response.headersSent) {
    response.destroy()
    return
  }
  const body = JSON.stringify({ type: 'about:blank', title: 'Internal error', status: 500, code: 'internal', detail })
  response.writeHead(500, { 'content-type': 'application/problem+json', 'content-length': Buffer.byteLength(body) })
  response.end(body)
}

const thrownDetail = 'The function ended with an error.'
const lostDetail = 'The answer of the function was lost.'

/** Calls HTTP functions, streaming through the worker's own HTTP endpoint when the app turned that on. */
export class HttpTrigger {
  readonly #invoker: Invoker
  readonly #workerUrl: URL | undefined
  // The worker's server closes a kept connection after some idle seconds, and under load the word of it comes after the
  // next request has been sent there: that request would be lost, and the invocation wait for it until its time is over.
  readonly #agent = new Agent({ keepAlive: false })

  constructor(invoker: Invoker, workerUrl: string | undefined) {
    this.#invoker = invoker
    this.#workerUrl = workerUrl === undefined ? undefined : new URL(workerUrl)
  }

  close(): void {
    this.#agent.destroy()
  }

  async handle(request: IncomingMessage, response: ServerResponse, match: RouteMatch): Promise<void> {
    if (Number(request.headers['content-length'] ?? 0) > requestBytesMax) {
      response.setHeader('connection', 'close')
      answerEmpty(response, 413)
      return
    }
    const timer = setTimeout(() => answerEmpty(response, 504), responseMsMax)
    response.once('close', () => clearTimeout(timer))
    const headers = headersOf(request)
    if (this.#workerUrl === undefined) await this.#buffered(request, response, match, headers)
    else await this.#streamed(request, response, match, headers, this.#workerUrl)
  }

  async #streamed(
    request: IncomingMessage,
    response: ServerResponse,
    match: RouteMatch,
    headers: Record<string, string>,
    worker: URL,
  ): Promise<void> {
    const invocationId = randomUUID()
    const upstream = httpRequest({
      host: '127.0.0.1',
      port: worker.port,
      method: request.method,
      path: request.url,
      headers: { ...headers, 'x-ms-invocation-id': invocationId },
      agent: this.#agent,
    })
    const connected = new Promise<void>((resolve, reject) => {
      upstream.once('socket', (socket) => socket.once('connect', resolve))
      upstream.once('error', reject)
    })
    const answered = new Promise<IncomingMessage>((resolve, reject) => {
      upstream.once('response', resolve)
      upstream.once('error', reject)
    })
    answered.catch(() => undefined)
    upstream.flushHeaders()
    try {
      // An invocation whose request never comes would wait until it takes the process down.
      await connected
    } catch (error) {
      answerFault(response, 'The function could not be reached.', error)
      return
    }
    response.once('close', () => {
      if (!response.writableFinished) upstream.destroy()
    })
    if (response.destroyed) upstream.destroy()
    const sent = pipeline(request, limited(), upstream).catch((error: unknown) => {
      if (error instanceof TooLarge) answerEmpty(response, 413)
    })
    const invoked = this.#invoker.invoke(match.registered, invocationOf(request, match, headers, invocationId))
    const failed = invoked.then(
      () => new Promise<never>(() => undefined),
      (error: unknown) => {
        answerFault(response, thrownDetail, error)
        upstream.destroy()
        throw error
      },
    )
    try {
      const answer = await Promise.race([answered, failed])
      const kept = Object.entries(answer.headers).filter(([name]) => isForCaller(name))
      response.writeHead(answer.statusCode ?? 500, Object.fromEntries(kept))
      await pipeline(answer, response)
      await sent
    } catch (error) {
      upstream.destroy()
      await sent
      answerFault(response, lostDetail, error)
    }
    await invoked.catch(() => undefined)
  }

  async #buffered(
    request: IncomingMessage,
    response: ServerResponse,
    match: RouteMatch,
    headers: Record<string, string>,
  ): Promise<void> {
    const chunks: Buffer[] = []
    for await (const chunk of request.pipe(limited()) as AsyncIterable<Buffer>) chunks.push(chunk)
    const { method = 'GET', url = '/' } = request
    const full = `http://${headers.host ?? '127.0.0.1'}${url}`
    const body = Buffer.concat(chunks)
    const http = {
      method,
      url: full,
      headers,
      query: Object.fromEntries(new URL(full).searchParams),
      params: match.params,
      ...(body.length === 0 ? {} : { body: { bytes: body } }),
    }
    try {
      const result = (await this.#invoker.invoke(match.registered, { data: { http } }))?.http
      const bytes = Buffer.from(result?.body?.bytes ?? Buffer.from(result?.body?.string ?? result?.body?.json ?? ''))
      const cookies = (result?.cookies ?? []).map(({ name, value }) => `${name}=${value}`)
      response.writeHead(Number(result?.statusCode ?? 200), {
        ...result?.headers,
        ...(cookies.length === 0 ? {} : { 'set-cookie': cookies }),
        'content-length': bytes.length,
      })
      response.end(bytes)
    } catch (error) {
      answerFault(response, thrownDetail, error)
    }
  }
}

/** A streamed invocation: the worker takes the request itself from its own endpoint. */
function invocationOf(
  request: IncomingMessage,
  match: RouteMatch,
  headers: Readonly<Record<string, string>>,
  invocationId: string,
): Invocation {
  const query = new URL(request.url ?? '/', 'http://local').searchParams
  const triggerMetadata: Record<string, TypedData> = {
    Headers: { json: JSON.stringify(headers) },
    Query: { json: JSON.stringify(Object.fromEntries(query)) },
    ...Object.fromEntries(Object.entries(match.params).map(([name, value]) => [name, { string: value }])),
  }
  const traceParent = headers['traceparent']
  return {
    invocationId,
    data: { http: {} },
    triggerMetadata,
    ...(traceParent === undefined ? {} : { traceParent }),
  }
}
