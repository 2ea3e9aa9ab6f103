import { randomUUID } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import type { APIGatewayProxyEvent, APIGatewayProxyResult } from 'aws-lambda'

export interface ProxyContext {
  readonly stage: string
  readonly account: string
  /** True when a body of this media type travels in base64. */
  readonly isBinary: (mediaType: string) => boolean
}

/** A request as a Lambda proxy integration of a REST API passes it on, payload format 1.0. */
export function proxyEventOf(request: IncomingMessage, body: Buffer, context: ProxyContext): APIGatewayProxyEvent {
  const url = request.url ?? '/'
  const at = url.indexOf('?')
  const path = at < 0 ? url : url.slice(0, at)
  const query = new URLSearchParams(at < 0 ? '' : url.slice(at + 1))
  const multiValueHeaders = withForwardedFor(headersOf(request.rawHeaders), request.socket.remoteAddress ?? '')
  const multiValueQuery = collect(query)
  const requestId = randomUUID()
  const isBinary = context.isBinary(request.headers['content-type'] ?? 'application/octet-stream')
  return {
    resource: path === '/' ? '/' : '/{proxy+}',
    path,
    httpMethod: request.method ?? 'GET',
    headers: lastOf(multiValueHeaders) ?? {},
    multiValueHeaders,
    queryStringParameters: lastOf(multiValueQuery),
    multiValueQueryStringParameters: Object.keys(multiValueQuery).length > 0 ? multiValueQuery : null,
    pathParameters: path === '/' ? null : { proxy: path.slice(1) },
    stageVariables: null,
    body: body.length === 0 ? null : body.toString(isBinary ? 'base64' : 'utf8'),
    isBase64Encoded: body.length > 0 && isBinary,
    requestContext: requestContextOf(request, path, requestId, context),
  }
}

function requestContextOf(
  request: IncomingMessage,
  path: string,
  requestId: string,
  { stage, account }: ProxyContext,
): APIGatewayProxyEvent['requestContext'] {
  const nowMs = Date.now()
  return {
    accountId: account,
    apiId: 'local',
    authorizer: null,
    domainName: request.headers.host ?? '127.0.0.1',
    domainPrefix: 'local',
    extendedRequestId: requestId,
    httpMethod: request.method ?? 'GET',
    identity: {
      ...nobody,
      sourceIp: request.socket.remoteAddress ?? '',
      userAgent: request.headers['user-agent'] ?? null,
    },
    path: `/${stage}${path}`,
    protocol: `HTTP/${request.httpVersion}`,
    requestId,
    requestTime: clfTime(nowMs),
    requestTimeEpoch: nowMs,
    resourceId: 'local',
    resourcePath: path === '/' ? '/' : '/{proxy+}',
    stage,
  }
}

const nobody = {
  accessKey: null,
  accountId: null,
  apiKey: null,
  apiKeyId: null,
  caller: null,
  clientCert: null,
  cognitoAuthenticationProvider: null,
  cognitoAuthenticationType: null,
  cognitoIdentityId: null,
  cognitoIdentityPoolId: null,
  principalOrgId: null,
  user: null,
  userArn: null,
} as const

const months = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec']

/** `22/Nov/2026:01:45:00 +0000` */
function clfTime(ms: number): string {
  const [year, month, day, time] = new Date(ms).toISOString().split(/[-T.]/)
  return `${day}/${months[Number(month) - 1]}/${year}:${time} +0000`
}

function headersOf(raw: readonly string[]): Record<string, string[]> {
  const pairs = raw.flatMap((name, index) => (index % 2 === 0 ? [[name, raw[index + 1] ?? ''] as const] : []))
  return collect(pairs)
}

/** As the service does: its caller's address goes behind whatever the caller wrote there. */
function withForwardedFor(headers: Readonly<Record<string, string[]>>, address: string): Record<string, string[]> {
  const isForwarded = (name: string): boolean => name.toLowerCase() === 'x-forwarded-for'
  const entries = Object.entries(headers)
  const sent = entries.flatMap(([name, values]) => (isForwarded(name) ? values : []))
  return {
    ...Object.fromEntries(entries.filter(([name]) => !isForwarded(name))),
    'X-Forwarded-For': [[...sent, address].join(', ')],
  }
}

function collect(pairs: Iterable<readonly [string, string]>): Record<string, string[]> {
  const all: Record<string, string[]> = {}
  for (const [name, value] of pairs) {
    const values = all[name] ?? []
    values.push(value)
    all[name] = values
  }
  return all
}

function lastOf(all: Readonly<Record<string, string[]>>): Record<string, string> | null {
  const entries = Object.entries(all).map(([name, values]) => [name, values.at(-1) ?? ''] as const)
  return entries.length > 0 ? Object.fromEntries(entries) : null
}

export interface ProxyAnswer {
  readonly status: number
  readonly headers: readonly (readonly [string, string[]])[]
  readonly body: Buffer
}

/** Headers that API Gateway keeps for itself: the function's value moves to `x-amzn-remapped-`. */
const remapped = new Set([
  'connection',
  'content-length',
  'content-md5',
  'date',
  'expect',
  'host',
  'max-forwards',
  'proxy-authenticate',
  'server',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
  'user-agent',
  'www-authenticate',
])

/** What the function answered, or undefined when it is not a proxy response (API Gateway: 502). */
export function proxyAnswerOf(payload: string): ProxyAnswer | undefined {
  const result = JSON.parse(payload) as APIGatewayProxyResult | null
  if (typeof result !== 'object' || result === null || !Number.isInteger(Number(result.statusCode))) return undefined
  const headers = new Map<string, string[]>()
  for (const [name, value] of Object.entries(result.headers ?? {})) headers.set(rename(name), [String(value)])
  for (const [name, values] of Object.entries(result.multiValueHeaders ?? {}))
    headers.set(rename(name), values.map(String))
  const body = Buffer.from(result.body ?? '', result.isBase64Encoded ? 'base64' : 'utf8')
  return { status: Number(result.statusCode), headers: [...headers], body }
}

const rename = (name: string): string => {
  const lower = name.toLowerCase()
  return remapped.has(lower) ? `x-amzn-remapped-${lower}` : lower
}
