import { Agent, type IncomingHttpHeaders, request } from 'node:http'
import type { HttpRequest } from '../load.ts'
import type { Gauge } from './gauge.ts'

export interface Received {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly content: Buffer
}

/** A connection of one user alone to one server, opened by the first request and kept for as long as the server keeps it. */
export interface Connection {
  /** Rejects when the connection is refused or cut, and when the answer is not complete in time. */
  send(sent: HttpRequest, msMax: number): Promise<Received>
  /** What is under way fails. */
  close(): void
}

/** `open` counts the connections that are open, this one among them. */
export function connect(open: Gauge): Connection {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 })
  return {
    send: (sent, msMax) => send(agent, open, sent, msMax),
    close: () => agent.destroy(),
  }
}

function send(agent: Agent, open: Gauge, sent: HttpRequest, msMax: number): Promise<Received> {
  const { method, url, headers, content } = sent
  return new Promise((resolve, reject) => {
    const outgoing = request(url, { agent, method, headers })
    const late = setTimeout(() => outgoing.destroy(new Error('no answer in time')), Math.max(1, msMax))
    const fail = (error: Error): void => {
      clearTimeout(late)
      reject(error)
    }
    outgoing.on('error', fail)
    outgoing.on('socket', (socket) => {
      if (outgoing.reusedSocket) return
      open.rise()
      socket.once('close', () => open.fall())
    })
    outgoing.on('response', (response) => {
      const pieces: Buffer[] = []
      response.on('error', fail)
      response.on('data', (piece: Buffer) => pieces.push(piece))
      response.on('end', () => {
        clearTimeout(late)
        resolve({ status: response.statusCode ?? 0, headers: response.headers, content: Buffer.concat(pieces) })
      })
    })
    outgoing.end(content)
  })
}
