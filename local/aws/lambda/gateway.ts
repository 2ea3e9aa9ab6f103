import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { payloadBytesMax } from './function-spec.ts'
import type { FunctionPool } from './function-pool.ts'
import { gatewayAnswer, type GatewayResponses, type GatewayResponseType } from './gateway-responses.ts'
import { proxyAnswerOf, proxyEventOf, type ProxyContext } from './proxy-event.ts'

const requestBytesMax = 10 * 1024 * 1024
const integrationMsMax = 29_000
/** Lambda has no queue for calls that somebody waits for; this machine has few instances. */
const waitMsMax = 10_000

export interface GatewayOptions extends ProxyContext {
  readonly pool: FunctionPool
  readonly integrationMsMax?: number
  /** How long a call waits for an instance before it is answered with 429. */
  readonly waitMsMax?: number
  /** What the API's document says of answers that are the gateway's own. */
  readonly responses?: GatewayResponses
}

/** An API Gateway REST API whose every path goes to one function. */
export const createGateway = (options: GatewayOptions): Server =>
  createServer({ keepAliveTimeout: 30_000 }, (request, response) => {
    serve(request, response, options).catch(() => {
      if (response.headersSent) response.destroy()
      else fail('INTEGRATION_FAILURE', response, options)
    })
  })

async function serve(request: IncomingMessage, response: ServerResponse, options: GatewayOptions): Promise<void> {
  const body = await read(request)
  if (!body) return fail('REQUEST_TOO_LARGE', response, options)
  const event = JSON.stringify(proxyEventOf(request, body, options))
  if (Buffer.byteLength(event) > payloadBytesMax) return fail('REQUEST_TOO_LARGE', response, options)
  const result = await withTimeout(
    options.pool.invoke(event, { waitMsMax: options.waitMsMax ?? waitMsMax }),
    options.integrationMsMax ?? integrationMsMax,
  )
  if (result === 'late') return fail('INTEGRATION_TIMEOUT', response, options)
  if (result === 'throttled') return fail('THROTTLED', response, options)
  const answer = result.ok ? proxyAnswerOf(result.payload) : undefined
  if (!answer) return fail('INTEGRATION_FAILURE', response, options)
  for (const [name, values] of answer.headers) response.setHeader(name, values)
  response.setHeader('x-amzn-requestid', result.requestId)
  const hasBody = answer.status !== 204 && answer.status !== 304 && answer.status >= 200
  if (hasBody && request.method !== 'HEAD') response.setHeader('content-length', answer.body.length)
  response.writeHead(answer.status).end(hasBody && request.method !== 'HEAD' ? answer.body : undefined)
}

async function withTimeout<T>(work: Promise<T>, ms: number): Promise<T | 'late' | 'throttled'> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<'late'>((done) => {
    timer = setTimeout(() => done('late'), ms)
  })
  try {
    return await Promise.race([work.catch(() => 'throttled' as const), late])
  } finally {
    clearTimeout(timer)
  }
}

/** Undefined when the body is too large; it is read to its end all the same, so that the client gets the answer. */
async function read(request: IncomingMessage): Promise<Buffer | undefined> {
  const pieces: Buffer[] = []
  let bytes = 0
  for await (const piece of request) {
    bytes += (piece as Buffer).length
    if (bytes <= requestBytesMax) pieces.push(piece as Buffer)
    else pieces.length = 0
  }
  return bytes > requestBytesMax ? undefined : Buffer.concat(pieces)
}

function fail(type: GatewayResponseType, response: ServerResponse, { responses }: GatewayOptions): void {
  const { status, headers, body } = gatewayAnswer(type, responses)
  response.writeHead(status, { ...headers, 'content-length': Buffer.byteLength(body) })
  response.end(body)
}
