import * as z from './zod.ts'
import type { OpenAPIHono } from '@hono/zod-openapi'
import { problemSchema } from './schemas/common.ts'
import type { DocumentedHeader, DocumentedResponse, RouteDefinition } from './route.ts'

type PathConfig = Parameters<OpenAPIHono['openAPIRegistry']['registerPath']>[0]

const headerTexts: Readonly<Record<DocumentedHeader, string>> = {
  'Idempotency-Key':
    'Makes a repeated request harmless for 72 hours, also when it is repeated at the other site. 1 to 255 printable characters.',
  'If-Match': 'The ETag that was read, or * for whatever is there.',
  'If-None-Match': '* to create only (PUT), or the ETags that the client has (GET, HEAD).',
  Prefer:
    '`durability=both`: wait until the other site holds the write too; Preference-Applied in the answer says that it does. `wait=N`: for at most N seconds, 10 when absent.',
  'Catamaran-Session':
    'The value of an earlier answer, of either site: the answer will not be older than what that one showed.',
  Range: 'One range of bytes, as in RFC 9110.',
}

const answerHeaderTexts: Readonly<Record<string, string>> = {
  ETag: 'Strong entity tag, the same at both sites.',
  Location: 'Where the resource or its bytes are.',
  Link: 'RFC 8288: rel="next" while there is more.',
  'Catamaran-Session': 'The newest versions seen; send it with later requests to either site.',
  'Idempotency-Replayed': 'true when the Idempotency-Key was honoured before and nothing was done now.',
  'Preference-Applied': 'durability=both when the other site holds the write.',
}

const problemContent = { 'application/problem+json': { schema: problemSchema } }

/** The OpenAPI operation of a route. Every operation may answer with a problem. */
export function describeRoute<P extends z.ZodType, Q extends z.ZodType, B extends z.ZodType>(
  definition: RouteDefinition<P, Q, B>,
): PathConfig {
  const { method, path, operationId, tag, summary, description, scope, params, query, requestHeaders = [] } = definition
  const responses: Record<string, object> = {}
  for (const [status, response] of Object.entries(definition.responses)) responses[status] = describeResponse(response)
  responses['default'] = { description: 'A problem (RFC 9457) with a stable code.', content: problemContent }
  const request = {
    ...(params ? { params: params as unknown as z.ZodObject } : {}),
    ...(query ? { query: query as unknown as z.ZodObject } : {}),
    ...(requestHeaders.length > 0 ? { headers: headerSchema(requestHeaders) } : {}),
    ...describeBody(definition),
  }
  return {
    method,
    path,
    operationId,
    tags: [tag],
    summary,
    ...(description ? { description } : {}),
    security: scope === 'public' ? [] : [{ bearer: [scope] }, { apiKey: [scope] }],
    request,
    responses,
  } as PathConfig
}

function describeResponse({
  description,
  schema,
  mediaType = 'application/json',
  headers = [],
}: DocumentedResponse): object {
  const described = headers.map((name) => [
    name,
    { description: answerHeaderTexts[name] ?? name, schema: { type: 'string' } },
  ])
  return {
    description,
    ...(schema ? { content: { [mediaType]: { schema } } } : {}),
    ...(headers.length > 0 ? { headers: Object.fromEntries(described) as object } : {}),
  }
}

function describeBody<P extends z.ZodType, Q extends z.ZodType, B extends z.ZodType>({
  body,
  content,
}: RouteDefinition<P, Q, B>): { body?: object } {
  if (!body && !content) return {}
  const json = (body?.mediaTypes ?? []).map((mediaType) => [mediaType, { schema: body?.schema }])
  const raw = Object.entries(content ?? {}).map(([mediaType, description]) => [
    mediaType,
    { schema: { type: 'string', description } },
  ])
  return { body: { required: !body?.optional, content: Object.fromEntries([...json, ...raw]) as object } }
}

const headerSchema = (names: readonly DocumentedHeader[]): z.ZodObject =>
  z.object(
    Object.fromEntries(names.map((name) => [name, z.string().optional().openapi({ description: headerTexts[name] })])),
  )
