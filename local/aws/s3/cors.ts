import type { CorsRule } from './model.ts'

const matches = (pattern: string, text: string): boolean => {
  const [before = '', after] = pattern.split('*')
  if (after === undefined) return pattern === text
  return text.length >= before.length + after.length && text.startsWith(before) && text.endsWith(after)
}

export interface CorsRequest {
  readonly origin: string
  readonly method: string
  readonly headers: readonly string[]
}

/** The headers that allow a cross-origin request, by the first rule that fits; undefined when none does. */
export function corsHeaders(
  rules: readonly CorsRule[] | undefined,
  { origin, method, headers }: CorsRequest,
): Record<string, string> | undefined {
  const rule = rules?.find(
    (each) =>
      each.origins.some((pattern) => matches(pattern, origin)) &&
      each.methods.includes(method) &&
      headers.every((name) => each.headers.some((pattern) => matches(pattern.toLowerCase(), name.toLowerCase()))),
  )
  if (!rule) return undefined
  const any = rule.origins.includes('*')
  return {
    'access-control-allow-origin': any ? '*' : origin,
    'access-control-allow-methods': rule.methods.join(', '),
    ...(headers.length > 0 ? { 'access-control-allow-headers': headers.join(', ') } : {}),
    ...(rule.expose.length > 0 ? { 'access-control-expose-headers': rule.expose.join(', ') } : {}),
    ...(rule.maxAgeSeconds === undefined ? {} : { 'access-control-max-age': String(rule.maxAgeSeconds) }),
    ...(any ? {} : { 'access-control-allow-credentials': 'true' }),
    vary: 'Origin, Access-Control-Request-Headers, Access-Control-Request-Method',
  }
}
