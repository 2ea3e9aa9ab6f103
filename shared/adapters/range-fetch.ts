import { Agent as HttpAgent, type IncomingMessage, request as requestHttp } from 'node:http'
import { Agent as HttpsAgent, request as requestHttps } from 'node:https'
import type { RangeFetch } from '../core/work-tools.ts'

const idleMsMax = 60_000
const http = new HttpAgent({ keepAlive: true })
const https = new HttpsAgent({ keepAlive: true })

/**
 * Reads bytes of a store as they are, over node's own client. What the platform's `fetch` makes for a request is watched by
 * the garbage collector, so all of it stays until the old generation is cleared, which an object of many ranges seldom sees.
 * Follows no redirect. Rejects with the signal's reason when aborted.
 */
export const fetchRange: RangeFetch = (text, { headers, signal }) =>
  new Promise((resolve, reject) => {
    signal.throwIfAborted()
    const url = new URL(text)
    const isPlain = url.protocol === 'http:'
    const options = { headers: { ...headers }, agent: isPlain ? http : https, timeout: idleMsMax }
    const request = (isPlain ? requestHttp : requestHttps)(url, options)
    const abort = (): void => void request.destroy(signal.reason as Error)
    signal.addEventListener('abort', abort, { once: true })
    request.once('close', () => signal.removeEventListener('abort', abort))
    request.once('timeout', () => request.destroy(new Error(`The store said nothing for ${idleMsMax} ms`)))
    // A second one, when the answer is on its way already, is told by the answer.
    request.on('error', reject)
    request.once('response', (response) => resolve(answerOf(response)))
    request.end()
  })

function answerOf(response: IncomingMessage): Awaited<ReturnType<RangeFetch>> {
  // Whoever reads it is told; an answer that nobody wants any more may break off unheard.
  response.on('error', () => undefined)
  return {
    status: response.statusCode ?? 0,
    headers: { get: (name) => [response.headers[name] ?? []].flat().at(0) ?? null },
    body: {
      [Symbol.asyncIterator]: () => response[Symbol.asyncIterator]() as AsyncIterator<Uint8Array>,
      cancel: async () => void response.destroy(),
    },
  }
}
