import type { IncomingMessage, ServerResponse } from 'node:http'

const path = '/_local/throttle'

/** Refuses the next requests on demand: `POST /_local/throttle {"next": 5}`. */
export class Throttle {
  private left = 0

  /** True when this request is to be refused. */
  refuses(): boolean {
    if (this.left === 0) return false
    this.left--
    return true
  }

  /** Serves the control endpoint; true when the request was for it. */
  async control(request: IncomingMessage, response: ServerResponse): Promise<boolean> {
    if (request.url !== path || request.method !== 'POST') return false
    let text = ''
    for await (const piece of request) text += String(piece)
    const next: unknown = (JSON.parse(text) as { next?: unknown }).next
    const isCount = typeof next === 'number' && Number.isInteger(next) && next >= 0
    if (isCount) this.left = next
    response.writeHead(isCount ? 204 : 400).end()
    return true
  }
}
