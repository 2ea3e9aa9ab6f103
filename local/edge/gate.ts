/** What an edge knows of its cloud: who may read, what is cached under which key, and where the bytes come from. */
export interface Gate {
  /** What the templates put into every answer, by lower-case name; whatever the origin says of these is left out. */
  readonly headers: Readonly<Record<string, string>>
  admit(request: EdgeRequest): Promise<Admission>
}

export interface EdgeRequest {
  readonly method: string
  /** As received: path and query, still encoded. */
  readonly url: string
  /** The address the client used, scheme and host. */
  readonly origin: string
}

export type Admission =
  | {
      readonly kind: 'admitted'
      readonly cacheKey: string
      /** Where to fetch from, signed for the method. */
      originUrl(method: 'GET' | 'HEAD'): Promise<URL>
    }
  | { readonly kind: 'refused'; readonly status: number; readonly body: string }

export const xmlError = (code: string, message: string): string =>
  `<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>${code}</Code><Message>${message}</Message></Error>`

export const refuse = (status: number, code: string, message: string): Admission => ({
  kind: 'refused',
  status,
  body: xmlError(code, message),
})

/** The query as it was written, pair by pair: signatures cover the spelling. */
export function splitUrl(url: string): {
  readonly path: string
  readonly pairs: readonly (readonly [string, string])[]
} {
  const at = url.indexOf('?')
  if (at < 0) return { path: url, pairs: [] }
  const pairs = url
    .slice(at + 1)
    .split('&')
    .filter((pair) => pair !== '')
    .map((pair) => {
      const equals = pair.indexOf('=')
      return equals < 0 ? ([pair, ''] as const) : ([pair.slice(0, equals), pair.slice(equals + 1)] as const)
    })
  return { path: url.slice(0, at), pairs }
}

/** Undefined for what is not well-formed percent-encoding. */
export function decode(text: string): string | undefined {
  try {
    return decodeURIComponent(text)
  } catch {
    return undefined
  }
}

/** An upload is never a page of ours: it runs nothing, and is shown as nothing but what it is said to be. */
export const harmless = {
  'content-security-policy': "default-src 'none'; style-src 'unsafe-inline'; sandbox",
  'x-content-type-options': 'nosniff',
} as const
