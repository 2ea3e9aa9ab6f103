/** What the gateway answers by itself, as it does when nothing else is declared. */
const own = {
  REQUEST_TOO_LARGE: { status: 413, message: 'Request Too Long' },
  THROTTLED: { status: 429, message: 'Too Many Requests' },
  INTEGRATION_FAILURE: { status: 502, message: 'Internal server error' },
  INTEGRATION_TIMEOUT: { status: 504, message: 'Endpoint request timed out' },
} as const

export type GatewayResponseType = keyof typeof own

/** The member `x-amazon-apigateway-gateway-responses` of an API's document. */
export type GatewayResponses = Readonly<Record<string, GatewayResponse | undefined>>

interface GatewayResponse {
  readonly statusCode?: number
  readonly responseParameters?: Readonly<Record<string, string>>
  readonly responseTemplates?: Readonly<Record<string, string>>
}

const headerPrefix = 'gatewayresponse.header.'

/**
 * An answer of the gateway's own in the form that the API's document declares: for this type, else for all of its class.
 * Source: Amazon API Gateway developer guide, "Gateway responses for REST APIs".
 */
export function gatewayAnswer(
  type: GatewayResponseType,
  declared: GatewayResponses = {},
): { readonly status: number; readonly headers: Readonly<Record<string, string>>; readonly body: string } {
  const { status, message } = own[type]
  const form = declared[type] ?? declared[status < 500 ? 'DEFAULT_4XX' : 'DEFAULT_5XX']
  const template = form?.responseTemplates?.['application/json'] ?? '{"message":$context.error.messageString}'
  const headers = Object.entries(form?.responseParameters ?? {})
    .filter(([name]) => name.startsWith(headerPrefix))
    // A fixed value stands in single quotes.
    .map(([name, value]) => [name.slice(headerPrefix.length).toLowerCase(), value.replace(/^'(.*)'$/, '$1')] as const)
  return {
    status: form?.statusCode ?? status,
    headers: { 'content-type': 'application/json', ...Object.fromEntries(headers) },
    body: template.replaceAll('$context.error.messageString', () => JSON.stringify(message)),
  }
}
