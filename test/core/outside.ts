import type { Site } from '../../shared/domain/site.ts'
import type { Outbound, OutboundRequest } from '../../shared/ports/outbound.ts'

export interface OutsideRequest extends Pick<OutboundRequest, 'method' | 'headers' | 'body'> {
  readonly url: string
  readonly from: Site
}

/** Servers of users, as a test wants them: every request is kept, and answered by `answer`, which may throw. */
export interface Outside {
  readonly requests: OutsideRequest[]
  answer: (request: OutsideRequest) => Response | Promise<Response>
}

/** The way there from one site. */
export const answering = (outside: Outside, from: Site): Outbound => ({
  request: async (url, { method, headers, body, signal }) => {
    signal.throwIfAborted()
    const request = { url, from, method, ...(headers ? { headers } : {}), ...(body === undefined ? {} : { body }) }
    outside.requests.push(request)
    const response = await outside.answer(request)
    const empty = new Blob([]).stream() as ReadableStream<Uint8Array>
    const stream = (response.body as ReadableStream<Uint8Array> | null) ?? empty
    return { status: response.status, headers: Object.fromEntries(response.headers), body: stream }
  },
})
