import { randomUUID } from 'node:crypto'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { verifyMasterKey } from './auth.ts'
import { CosmosError, tooLarge } from './errors.ts'
import type { CosmosRequest, CosmosResponse } from './protocol.ts'
import { Router } from './router.ts'
import { CosmosStore } from './store.ts'

export interface CosmosServer {
  readonly port: number
  readonly store: CosmosStore
  close(): Promise<void>
}

const requestBytesMax = 4 * 1024 * 1024
const sweepMs = 5_000

async function readBody(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  let bytes = 0
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length
    if (bytes <= requestBytesMax) chunks.push(chunk)
  }
  if (bytes > requestBytesMax) throw tooLarge()
  return Buffer.concat(chunks).toString()
}

/** The resource type and link that a token for this path must be made for. */
function signedResource(link: string): { type: string; link: string } {
  const parts = link.split('/')
  if (link === '') return { type: '', link: '' }
  const named = parts.length % 2 === 0
  return { type: (named ? parts.at(-2) : parts.at(-1)) ?? '', link: named ? link : parts.slice(0, -1).join('/') }
}

/**
 * A Cosmos DB account (SQL API, gateway mode) on `port` of 127.0.0.1; 0 takes a free one. Everything is kept in
 * `folder`. Speaks version 2020-07-15 of the REST protocol, as `@azure/cosmos` 4 does.
 */
export async function startCosmosServer(options: { folder: string; port: number; key: string }): Promise<CosmosServer> {
  const store = new CosmosStore(options.folder)
  const router = new Router(store)
  const answer = async (message: IncomingMessage): Promise<CosmosResponse> => {
    const path = new URL(message.url ?? '/', 'http://local').pathname
    const link = path.replace(/^\/+|\/+$/gu, '')
    const headers = message.headers as Record<string, string>
    const request = (body: string): CosmosRequest => ({
      method: message.method ?? 'GET',
      link,
      segments: link === '' ? [] : link.split('/').map(decodeSegment),
      headers,
      body,
    })
    const body = await readBody(message)
    if (link.startsWith('_local/')) return router.control(request(body))
    verifyMasterKey(options.key, { method: message.method ?? 'GET', headers }, signedResource(link))
    return router.handle(request(body))
  }
  const server = createServer({ keepAliveTimeout: 60_000 }, (message, response) => {
    answer(message)
      .catch(failure)
      .then((result) => send(response, result))
      .catch(() => response.destroy())
  })
  const port = await listen(server, options.port)
  const sweeper = setInterval(() => store.sweep(), sweepMs)
  return {
    port,
    store,
    close: async () => {
      clearInterval(sweeper)
      await new Promise<void>((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      })
      store.close()
    },
  }
}

function decodeSegment(segment: string): string {
  try {
    return decodeURIComponent(segment)
  } catch {
    return segment
  }
}

function failure(error: unknown): CosmosResponse {
  const known = error instanceof CosmosError ? error : unexpected(error)
  const headers: Record<string, string> = { ...known.headers }
  if (known.subStatus !== 0) headers['x-ms-substatus'] = String(known.subStatus)
  return { status: known.status, headers, body: JSON.stringify({ code: known.code, message: known.message }) }
}

function unexpected(error: unknown): CosmosError {
  const text = error instanceof Error ? (error.stack ?? error.message) : String(error)
  process.stderr.write(`${JSON.stringify({ level: 'error', source: 'cosmos', text })}\n`)
  if (error instanceof SyntaxError) return new CosmosError(400, 'BadRequest', 'The request body is not valid JSON.')
  return new CosmosError(500, 'InternalServerError', 'The local Cosmos DB server failed; see its log.')
}

function send(response: ServerResponse, { status, headers, body }: CosmosResponse): void {
  const bytes = body === undefined ? undefined : Buffer.from(body)
  response.writeHead(status, {
    'content-type': 'application/json',
    'x-ms-activity-id': randomUUID(),
    'x-ms-version': '2020-07-15',
    'x-ms-request-charge': '1',
    ...headers,
    ...(status === 304 || status === 204 ? {} : { 'content-length': String(bytes?.length ?? 0) }),
  })
  response.end(status === 304 || status === 204 ? undefined : bytes)
}

export function listen(server: Server, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, '127.0.0.1', () => {
      const address = server.address()
      resolve(typeof address === 'object' && address !== null ? address.port : port)
    })
  })
}
