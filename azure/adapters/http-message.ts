import type { HttpRequest, HttpResponseInit } from '@azure/functions'
import type { Env, Hono } from 'hono'

/** Functions HTTP request -> the API -> response; bodies stream both ways. */
export const answerWith =
  <E extends Env>(api: Hono<E>) =>
  async (request: HttpRequest): Promise<HttpResponseInit> => {
    const asked = toRequest(request)
    const response = await api.fetch(asked)
    await drain(asked)
    return toHttpResponse(response)
  }

/**
 * Reads what the API left unread, as of a body that it refused by its length: a connection that is closed on unread bytes
 * is reset, and the answer is lost with it. The platform bounds a request to 100 MB.
 */
async function drain({ body, bodyUsed }: Request): Promise<void> {
  if (!body || bodyUsed) return
  const reader = body.getReader()
  for (let done = false; !done; )
    done = await reader.read().then(
      (part) => part.done,
      () => true,
    )
}

function toRequest(request: HttpRequest): Request {
  const hasBody = request.body !== null && request.method !== 'GET' && request.method !== 'HEAD'
  const body = hasBody ? { body: request.body as ReadableStream<Uint8Array>, duplex: 'half' } : {}
  return new Request(request.url, { method: request.method, headers: [...request.headers], ...body } as RequestInit)
}

function toHttpResponse(response: Response): HttpResponseInit {
  const body = response.body as HttpResponseInit['body'] | null
  const headers = [...response.headers] as unknown as Record<string, string>
  return { status: response.status, headers, ...(body ? { body } : {}) }
}
