import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import { buffer } from 'node:stream/consumers'

/** What crossed the wire: bytes of HTTP bodies as they travel, and everything else on the connections. */
export interface Traffic {
  calls: number
  bodyBytes: number
  headerBytes: number
}

export interface Wire {
  readonly url: string
  /** What crossed since the last call of this. */
  take(): Traffic
  close(): Promise<void>
}

/** A connection outlasts whatever is measured: none is ever closed under a call. */
const keepAliveMs = 3_600_000

/** Serves an API on a socket of this machine and counts what goes through it, both ways. */
export async function serveCounted(answer: (request: Request) => Response | Promise<Response>): Promise<Wire> {
  const sockets = new Set<Socket>()
  let [calls, bodyBytes, taken] = [0, 0, 0]
  const serve = async (incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> => {
    const body = await buffer(incoming)
    const response = await answer(requestOf(incoming, body))
    const bytes = Buffer.from(await response.arrayBuffer())
    calls += 1
    bodyBytes += body.length + bytes.length
    outgoing.writeHead(response.status, { ...Object.fromEntries(response.headers), 'content-length': bytes.length })
    outgoing.end(bytes)
  }
  const server = createServer((incoming, outgoing) => {
    serve(incoming, outgoing).catch((error: unknown) => outgoing.destroy(error as Error))
  })
  server.keepAliveTimeout = keepAliveMs
  server.on('connection', (socket) => sockets.add(socket))
  const url = await listen(server)
  const wireBytes = (): number => [...sockets].reduce((sum, socket) => sum + socket.bytesRead + socket.bytesWritten, 0)
  return {
    url,
    take: () => {
      const traffic = { calls, bodyBytes, headerBytes: wireBytes() - taken - bodyBytes }
      taken = wireBytes()
      ;[calls, bodyBytes] = [0, 0]
      return traffic
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

function requestOf({ method = 'GET', url = '/', headers }: IncomingMessage, body: Buffer): Request {
  const list = Object.entries(headers).map(([name, value]): [string, string] => [name, String(value)])
  const hasBody = method !== 'GET' && method !== 'HEAD'
  return new Request(`http://peer.test${url}`, {
    method,
    headers: list,
    ...(hasBody ? { body: new Uint8Array(body) } : {}),
  })
}

const listen = (server: Server): Promise<string> =>
  new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(0, '127.0.0.1', () => resolve(`http://127.0.0.1:${(server.address() as AddressInfo).port}`))
  })
