import { createHash, randomUUID } from 'node:crypto'
import { EventEmitter } from 'node:events'
import { mkdirSync } from 'node:fs'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { join } from 'node:path'
import { systemClock } from '../../../shared/adapters/clock.ts'
import type { Clock } from '../../../shared/ports/clock.ts'
import { closeServer, listen } from '../process.ts'
import { verifySignature } from '../signature.ts'
import { Throttle } from '../throttle.ts'
import { actions } from './actions.ts'
import { SqsError } from './errors.ts'
import type { Input, SqsState } from './input.ts'
import { SqsStore } from './store.ts'

export interface SqsServerOptions {
  readonly data: string
  readonly port: number
  readonly region: string
  readonly account: string
  readonly secrets: Readonly<Record<string, string>>
  /** What messages are hidden, delayed and forgotten by; requests are signed by the true time. */
  readonly clock?: Pick<Clock, 'now' | 'sleep'>
}

const targetPrefix = 'AmazonSQS.'
const bodyBytesMax = 12 * 1024 * 1024

/** An SQS server (AWS JSON 1.0 protocol, standard queues). Everything acknowledged is on disk. */
export async function startSqsServer(options: SqsServerOptions): Promise<{ port: number; close(): Promise<void> }> {
  mkdirSync(options.data, { recursive: true })
  const store = new SqsStore(join(options.data, 'sqs.sqlite'))
  const arrivals = new EventEmitter().setMaxListeners(0)
  const closing = new AbortController()
  const { clock = systemClock } = options
  let port = options.port
  const state: SqsState = {
    store,
    region: options.region,
    account: options.account,
    url: () => `http://127.0.0.1:${port}`,
    now: clock.now,
    wake: (queue) => void arrivals.emit(queue),
    waitForMessage: (queue, ms, signal) => waitFor(arrivals, queue, (woken) => clock.sleep(ms, woken), signal),
  }
  const throttle = new Throttle()
  const server = createServer({ keepAliveTimeout: 30_000 }, (request, response) => {
    void serve(request, response, state, options.secrets, throttle, closing.signal)
  })
  port = await listen(server, options.port, 'The SQS server')
  return {
    port,
    close: async () => {
      closing.abort()
      await closeServer(server)
      store.close()
    },
  }
}

async function waitFor(
  arrivals: EventEmitter,
  queue: string,
  sleep: (woken: AbortSignal) => Promise<void>,
  signal: AbortSignal,
): Promise<void> {
  const woken = new AbortController()
  const wake = (): void => woken.abort()
  arrivals.on(queue, wake)
  try {
    await sleep(AbortSignal.any([woken.signal, signal]))
  } catch {
    // Something came, or whoever waited is gone.
  } finally {
    arrivals.off(queue, wake)
  }
}

async function serve(
  request: IncomingMessage,
  response: ServerResponse,
  state: SqsState,
  secrets: Readonly<Record<string, string>>,
  throttle: Throttle,
  closing: AbortSignal,
): Promise<void> {
  response.setHeader('x-amzn-requestid', randomUUID())
  const gone = new AbortController()
  response.on('close', () => gone.abort())
  try {
    if (await throttle.control(request, response)) return
    const body = await bodyOf(request)
    if (throttle.refuses()) throw new SqsError('RequestThrottled', 'The request was denied due to request throttling.')
    verify(request, body, secrets, Date.now())
    const target = request.headers['x-amz-target'] ?? ''
    const name = String(target).startsWith(targetPrefix) ? String(target).slice(targetPrefix.length) : ''
    const action = Object.hasOwn(actions, name) ? actions[name] : undefined
    if (!action)
      throw new SqsError('UnknownOperationException', `The action ${name || '(none)'} is not valid for this endpoint.`)
    const result = await action(parse(body), state, AbortSignal.any([gone.signal, closing]))
    answer(response, 200, result)
  } catch (error) {
    sendError(response, error)
  }
}

function verify(
  request: IncomingMessage,
  body: Buffer,
  secrets: Readonly<Record<string, string>>,
  nowMs: number,
): void {
  const signable = { method: request.method ?? '', url: request.url ?? '/', headers: request.headersDistinct }
  const bodyHash = createHash('sha256').update(body).digest('hex')
  try {
    verifySignature(signable, { service: 'sqs', secrets, nowMs, bodyHash })
  } catch (error) {
    const { code, message } = error as { code?: string; message: string }
    if (code === 'InvalidAccessKeyId')
      throw new SqsError('InvalidClientTokenId', 'The security token included in the request is invalid.')
    throw new SqsError(code === 'SignatureDoesNotMatch' ? code : 'AccessDenied', message)
  }
}

async function bodyOf(request: IncomingMessage): Promise<Buffer> {
  const pieces: Buffer[] = []
  let bytes = 0
  for await (const piece of request) {
    bytes += (piece as Buffer).length
    if (bytes > bodyBytesMax) throw new SqsError('InvalidParameterValue', 'The request is too large.')
    pieces.push(piece as Buffer)
  }
  return Buffer.concat(pieces)
}

function parse(body: Buffer): Input {
  try {
    const input: unknown = JSON.parse(body.toString('utf8') || '{}')
    if (typeof input === 'object' && input !== null) return input as Input
  } catch {
    throw new SqsError('InvalidParameterValue', 'The request body is not JSON.')
  }
  throw new SqsError('InvalidParameterValue', 'The request body is not a JSON object.')
}

function answer(response: ServerResponse, status: number, value: object): void {
  if (response.destroyed) return
  const body = JSON.stringify(value)
  response.writeHead(status, {
    'content-type': 'application/x-amz-json-1.0',
    'content-length': Buffer.byteLength(body),
  })
  response.end(body)
}

function sendError(response: ServerResponse, error: unknown): void {
  if (response.headersSent || response.destroyed) return
  const known =
    error instanceof SqsError ? error : new SqsError('InternalFailure', 'The request failed for an unknown reason.')
  if (known !== error) process.stderr.write(`SQS: ${(error as Error).stack ?? String(error)}\n`)
  response.setHeader('x-amzn-query-error', `${known.query};${known.status < 500 ? 'Sender' : 'Receiver'}`)
  answer(response, known.status, { __type: known.type, message: known.message })
}
