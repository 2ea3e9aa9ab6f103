import type { RegisteredFunction } from './registry.ts'

export interface Route {
  readonly registered: RegisteredFunction
  readonly methods: readonly string[]
  readonly segments: readonly string[]
}

export interface RouteMatch {
  readonly registered: RegisteredFunction
  readonly params: Readonly<Record<string, string>>
}

/** Literal segments go before parameters, parameters before catch-alls, longer routes before shorter ones. */
const weight = (segment: string | undefined): number => {
  if (segment === undefined) return 1
  if (segment.startsWith('{*')) return 0
  return segment.startsWith('{') ? 2 : 3
}

function moreSpecific(a: Route, b: Route): number {
  for (let at = 0; at < Math.max(a.segments.length, b.segments.length); at += 1) {
    const difference = weight(b.segments[at]) - weight(a.segments[at])
    if (difference !== 0) return difference
  }
  return 0
}

const split = (path: string): string[] => path.split('/').filter((segment) => segment !== '')

export function httpRoutes(functions: Iterable<RegisteredFunction>, routePrefix: string): Route[] {
  const routes: Route[] = []
  for (const registered of functions) {
    const binding = registered.metadata.bindings[registered.trigger]
    if (binding?.type !== 'httpTrigger') continue
    const route = typeof binding.route === 'string' ? binding.route : registered.metadata.name
    const methods = (binding.methods as string[] | undefined) ?? []
    routes.push({
      registered,
      methods: methods.map((method) => method.toUpperCase()),
      segments: [...split(routePrefix), ...split(route)],
    })
  }
  return routes.sort(moreSpecific)
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}

function parse(segment: string): { name: string; all: boolean; optional: boolean; number: boolean } | undefined {
  const match = /^\{(\*?)([^}:?=]+)(?::(\w+)[^}]*?)?(\?)?\}$/u.exec(segment)
  if (match === null) return undefined
  const [, star, name = '', constraint, question] = match
  return { name, all: star === '*', optional: question === '?', number: constraint === 'int' || constraint === 'long' }
}

function matchOne(route: Route, parts: readonly string[]): Record<string, string> | undefined {
  const params: Record<string, string> = {}
  for (const [at, segment] of route.segments.entries()) {
    const parameter = parse(segment)
    const part = parts[at]
    if (parameter?.all === true) {
      params[parameter.name] = parts.slice(at).map(decode).join('/')
      return params
    }
    if (part === undefined) {
      if (parameter?.optional === true) return params
      return undefined
    }
    if (parameter === undefined) {
      if (segment.toLowerCase() !== decode(part).toLowerCase()) return undefined
    } else if (parameter.number && !/^-?\d+$/u.test(part)) return undefined
    else params[parameter.name] = decode(part)
  }
  return parts.length > route.segments.length ? undefined : params
}

export function matchRoute(routes: readonly Route[], method: string, pathname: string): RouteMatch | undefined {
  const parts = split(pathname)
  for (const route of routes) {
    if (route.methods.length > 0 && !route.methods.includes(method)) continue
    const params = matchOne(route, parts)
    if (params !== undefined) return { registered: route.registered, params }
  }
  return undefined
}
