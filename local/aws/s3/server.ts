import { randomBytes } from 'node:crypto'
import { mkdirSync } from 'node:fs'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { closeServer, listen } from '../process.ts'
import { verifySignature } from '../signature.ts'
import { Throttle } from '../throttle.ts'
import { BlobFolder } from './blobs.ts'
import type { S3Answer, S3Call, S3State } from './call.ts'
import { corsHeaders } from './cors.ts'
import { S3Database } from './database.ts'
import { isS3ErrorCode, S3Error } from './errors.ts'
import { Outbox, type SendEvent } from './outbox.ts'
import { findRoute } from './routes.ts'
import { errorXml } from './xml.ts'

export interface S3ServerOptions {
  readonly data: string
  readonly port: number
  readonly region: string
  readonly secrets: Readonly<Record<string, string>>
  /** Delivers an event to the queue of this ARN; called until it succeeds. */
  readonly sendEvent: SendEvent
  readonly now?: () => number
  /** What a part has to hold that is not the last: S3's 5 MiB when nothing is said. */
  readonly partBytesMin?: number
}

const keyBytesMax = 1024
const partBytesMinDefault = 5 * 1024 ** 2

/** An S3 server, path style. Everything acknowledged is on disk. */
export async function startS3Server(options: S3ServerOptions): Promise<{ port: number; close(): Promise<void> }> {
  mkdirSync(options.data, { recursive: true })
  const database = new S3Database(join(options.data, 's3.sqlite'))
  const blobs = new BlobFolder(join(options.data, 'blobs'), (file) => database.isNamed(file))
  const outbox = new Outbox(database, options.sendEvent)
  const now = options.now ?? Date.now
  const { region, partBytesMin = partBytesMinDefault } = options
  const state: S3State = { database, blobs, region, now, partBytesMin, wakeOutbox: () => outbox.wake() }
  const throttle = new Throttle()
  const handle = (request: IncomingMessage, response: ServerResponse): void => {
    void serve(request, response, state, options.secrets, throttle)
  }
  const server = createServer({ keepAliveTimeout: 30_000, requestTimeout: 0 }, handle)
  server.on('checkContinue', handle)
  const port = await listen(server, options.port, 'The S3 server')
  outbox.wake()
  return {
    port,
    close: async () => {
      await closeServer(server)
      await outbox.close()
      await blobs.removeDoomed()
      database.close()
    },
  }
}

async function serve(
  request: IncomingMessage,
  response: ServerResponse,
  state: S3State,
  secrets: Readonly<Record<string, string>>,
  throttle: Throttle,
): Promise<void> {
  const requestId = randomBytes(8).toString('hex').toUpperCase()
  response.setHeader('x-amz-request-id', requestId)
  response.setHeader('server', 'AmazonS3')
  response.setHeader('date', new Date(state.now()).toUTCString())
  const url = request.url ?? '/'
  try {
    if (await throttle.control(request, response)) return
    const target = targetOf(url)
    if (request.method === 'OPTIONS') return preflight(request, response, state, target.bucket)
    allowOrigin(request, response, state, target.bucket)
    if (throttle.refuses()) throw new S3Error('SlowDown')
    const call = callOf(request, response, state, requestId, target, secrets)
    const scope = call.key !== '' ? 'object' : call.bucket !== '' ? 'bucket' : 'service'
    const run = findRoute(call.method, scope, call.query, call.headers)
    if (!run) throw new S3Error('NotImplemented', 'This sub-resource or method is not implemented.')
    await send(request, response, await run(call, state))
  } catch (error) {
    sendError(request, response, error, url, requestId)
  }
}

interface Target {
  readonly bucket: string
  readonly key: string
  readonly query: URLSearchParams
}

function targetOf(url: string): Target {
  const [path = '', ...rest] = url.split('?')
  const query = new URLSearchParams(rest.join('?'))
  const slash = path.indexOf('/', 1)
  try {
    const bucket = decodeURIComponent(slash < 0 ? path.slice(1) : path.slice(1, slash))
    const key = slash < 0 ? '' : decodeURIComponent(path.slice(slash + 1))
    if (Buffer.byteLength(key) > keyBytesMax) throw new S3Error('KeyTooLongError')
    return { bucket, key, query }
  } catch (error) {
    throw error instanceof S3Error ? error : new S3Error('InvalidURI')
  }
}

function callOf(
  request: IncomingMessage,
  response: ServerResponse,
  state: S3State,
  requestId: string,
  target: Target,
  secrets: Readonly<Record<string, string>>,
): S3Call {
  const method = request.method ?? 'GET'
  const signable = { method, url: request.url ?? '/', headers: request.headersDistinct }
  const verified = verifySignature(signable, { service: 's3', secrets, nowMs: state.now() })
  const headers: Record<string, string | undefined> = {}
  for (const [name, values] of Object.entries(request.headersDistinct)) headers[name] = values?.join(',')
  // A presigned URL may carry x-amz- headers as query members; they count as headers.
  for (const [name, value] of target.query) {
    const lower = name.toLowerCase()
    if (lower.startsWith('x-amz-') && headers[lower] === undefined) headers[lower] = value
  }
  const sourceIp = request.socket.remoteAddress ?? ''
  return { method, ...target, headers, requestId, sourceIp, verified, request, response, trailers: new Map() }
}

function preflight(request: IncomingMessage, response: ServerResponse, state: S3State, bucket: string): void {
  const { origin, 'access-control-request-method': method, 'access-control-request-headers': asked } = request.headers
  const headers = asked?.split(',').map((name) => name.trim()) ?? []
  const rules = state.database.bucket(bucket)?.settings.cors
  const allowed = origin && method ? corsHeaders(rules, { origin, method, headers }) : undefined
  if (!allowed) throw new S3Error('AccessDenied', 'CORSResponse: This CORS request is not allowed.')
  response.writeHead(200, allowed).end()
}

function allowOrigin(request: IncomingMessage, response: ServerResponse, state: S3State, bucket: string): void {
  const { origin } = request.headers
  if (origin === undefined) return
  const rules = state.database.bucket(bucket)?.settings.cors
  const allowed = corsHeaders(rules, { origin, method: request.method ?? 'GET', headers: [] })
  for (const [name, value] of Object.entries(allowed ?? {})) response.setHeader(name, value)
}

async function send(request: IncomingMessage, response: ServerResponse, answer: S3Answer): Promise<void> {
  if (!request.readableEnded) request.resume()
  const { status = 200, headers = {}, body } = answer
  for (const [name, value] of Object.entries(headers)) if (value !== undefined) response.setHeader(name, value)
  if (typeof body === 'string') response.setHeader('content-length', Buffer.byteLength(body))
  response.writeHead(status)
  if (body === undefined || typeof body === 'string') response.end(body)
  else await pipeline(Readable.from(body, { objectMode: false }), response)
}

function sendError(
  request: IncomingMessage,
  response: ServerResponse,
  error: unknown,
  url: string,
  requestId: string,
): void {
  if (response.headersSent || response.destroyed) {
    response.destroy()
    return
  }
  const known = toS3Error(error)
  if (known.status === 500)
    process.stderr.write(`S3 ${request.method} ${url}: ${(error as Error).stack ?? String(error)}\n`)
  for (const [name, value] of Object.entries(known.headers)) response.setHeader(name, value)
  // What is left of the body is read and dropped, so that the client gets to read the answer.
  request.resume()
  if (known.status === 304) return void response.writeHead(304).end()
  // As S3 answers; without a word on its length the client would close the connection.
  if (request.method === 'HEAD') {
    return void response
      .writeHead(known.status, { 'content-type': 'application/xml', 'transfer-encoding': 'chunked' })
      .end()
  }
  const { code, message, fields } = known
  const body = errorXml({ Code: code, Message: message, ...fields, Resource: url.split('?')[0], RequestId: requestId })
  response.writeHead(known.status, { 'content-type': 'application/xml', 'content-length': Buffer.byteLength(body) })
  response.end(body)
}

function toS3Error(error: unknown): S3Error {
  if (error instanceof S3Error) return error
  const { name, code = '', message } = error as { name?: string; code?: string; message?: string }
  if (name === 'SignatureError' && isS3ErrorCode(code)) return new S3Error(code, message)
  return new S3Error('InternalError', code === 'ENOSPC' ? 'The disk is full.' : undefined)
}
