import type { HttpRequest, HttpResponseInit } from '@azure/functions'
import type { Env, Hono } from 'hono'

/** Functions HTTP request -> the API -> response; bodies stream both ways. */
export const answerWith =
  <E extends Env>(api: Hono<E>) =>
  async (request: HttpRequest): Promise<HttpResponseInit> =>
    toHttpResponse(await api.fetch(toRequest(request)))

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
