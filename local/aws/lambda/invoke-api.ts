import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import { type Invocation, payloadBytesMax } from './function-spec.ts'
import type { FunctionPool } from './function-pool.ts'

const path = /^\/2015-03-31\/functions\/([^/]+)\/invocations\/?(?:\?.*)?$/
const eventBytesMax = 1024 * 1024
/** How long an asynchronous invocation waits before its second and third try. */
const retryDelaysMs = [60_000, 120_000]

export interface InvokeApiOptions {
  readonly pools: ReadonlyMap<string, FunctionPool>
  readonly scale: number
}

/** The Lambda Invoke API. Source: Lambda API reference, "Invoke". */
export const createInvokeApi = (options: InvokeApiOptions): Server =>
  createServer((request, response) => {
    serve(request, response, options).catch((error: unknown) => {
      if (!response.headersSent) fail(response, 500, 'ServiceException', String(error))
    })
  })

async function serve(request: IncomingMessage, response: ServerResponse, options: InvokeApiOptions): Promise<void> {
  const [, encoded] = path.exec(request.url ?? '') ?? []
  const name =
    decodeURIComponent(encoded ?? '')
      .replace(/^arn:.*:function:/, '')
      .split(':')[0] ?? ''
  const pool = options.pools.get(name)
  if (request.method !== 'POST' || !pool)
    return fail(response, 404, 'ResourceNotFoundException', `Function not found: ${name}`)
  const type = request.headers['x-amz-invocation-type'] ?? 'RequestResponse'
  const limit = type === 'Event' ? eventBytesMax : payloadBytesMax
  const event = await bodyOf(request, limit)
  if (event === undefined) {
    return fail(
      response,
      413,
      'RequestTooLargeException',
      `Request must be smaller than ${limit} bytes for the InvokeFunction operation`,
    )
  }
  if (!isJson(event))
    return fail(response, 400, 'InvalidRequestContentException', 'Could not parse request body into json')
  if (type === 'DryRun') return void response.writeHead(204).end()
  if (type === 'Event') {
    void invokeWithRetries(pool, event, options.scale)
    return void response.writeHead(202).end()
  }
  answer(response, await pool.invoke(event).catch(() => undefined))
}

function answer(response: ServerResponse, result: Invocation | undefined): void {
  if (!result) return fail(response, 429, 'TooManyRequestsException', 'Rate Exceeded.')
  response.setHeader('x-amzn-requestid', result.requestId)
  response.setHeader('x-amz-executed-version', '$LATEST')
  if (!result.ok) response.setHeader('x-amz-function-error', 'Unhandled')
  response
    .writeHead(200, { 'content-type': 'application/json' })
    .end(result.ok ? result.payload : JSON.stringify(result.error))
}

function fail(response: ServerResponse, status: number, type: string, message: string): void {
  response.writeHead(status, { 'content-type': 'application/json', 'x-amzn-errortype': type })
  response.end(JSON.stringify({ Type: 'User', Message: message }))
}

/** Three tries in all, as for asynchronous invocations. Answers the last outcome. */
export async function invokeWithRetries(
  pool: FunctionPool,
  event: string,
  scale: number,
): Promise<Invocation | undefined> {
  for (const delayMs of [...retryDelaysMs, undefined]) {
    const result = await pool.invoke(event).catch(() => undefined)
    if (result?.ok || delayMs === undefined) return result
    await sleep(delayMs / scale, undefined, { ref: false })
  }
  return undefined
}

/** Undefined when the body is too large. */
export async function bodyOf(request: IncomingMessage, bytesMax: number): Promise<string | undefined> {
  const pieces: Buffer[] = []
  let bytes = 0
  for await (const piece of request) {
    bytes += (piece as Buffer).length
    if (bytes <= bytesMax) pieces.push(piece as Buffer)
    else pieces.length = 0
  }
  return bytes > bytesMax ? undefined : Buffer.concat(pieces).toString('utf8') || '{}'
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text)
    return true
  } catch {
    return false
  }
}
