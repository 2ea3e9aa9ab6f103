import type { Site } from '../../shared/domain/site.ts'

/** What one site answered. `body` is the JSON, or the text when it is not JSON. */
export interface Answer<Body = unknown> {
  readonly status: number
  readonly headers: Headers
  readonly body: Body
}

export interface CallOptions {
  readonly headers?: Readonly<Record<string, string>>
  /** Sent as it is. */
  readonly content?: string | Uint8Array<ArrayBuffer>
  /** Sent as JSON. */
  readonly json?: unknown
  /** What is expected; `call` throws Unexpected on any other. Any status when absent. */
  readonly status?: number | readonly number[]
  readonly timeoutMs?: number
}

export interface Api {
  readonly site: Site
  readonly url: string
  readonly key: string
  /** Ends every call at once, and whatever waits for the site. */
  readonly signal: AbortSignal | undefined
  call<Body = unknown>(method: string, path: string, options?: CallOptions): Promise<Answer<Body>>
  get<Body = unknown>(path: string, options?: CallOptions): Promise<Body>
}

/** Something else came than what was to be shown. */
export class Unexpected extends Error {
  readonly expected: string
  readonly seen: string

  constructor(what: string, expected: string, seen: string) {
    super(`${what}: expected ${expected}, saw ${seen}`)
    this.name = 'Unexpected'
    this.expected = expected
    this.seen = seen
  }
}

const timeoutMsDefault = 35_000
const shownCharsMax = 600

/** A small client of one site's API. */
export function apiOf(site: Site, url: string, key: string, signal?: AbortSignal): Api {
  const call = async <Body>(method: string, path: string, options: CallOptions = {}): Promise<Answer<Body>> => {
    const json = options.json === undefined ? undefined : JSON.stringify(options.json)
    const content = options.content ?? json
    const late = AbortSignal.timeout(options.timeoutMs ?? timeoutMsDefault)
    const response = await fetch(path.startsWith('http') ? path : `${url}${path}`, {
      method,
      redirect: 'manual',
      headers: {
        authorization: `Bearer ${key}`,
        ...(json === undefined ? {} : { 'content-type': 'application/json' }),
        ...options.headers,
      },
      ...(content === undefined ? {} : { body: content }),
      signal: signal === undefined ? late : AbortSignal.any([late, signal]),
    })
    const text = await response.text()
    const answer = { status: response.status, headers: response.headers, body: parsed(text) as Body }
    const wanted = options.status === undefined ? undefined : [options.status].flat()
    if (wanted && !wanted.includes(answer.status)) {
      const seen = `${answer.status} ${text.slice(0, shownCharsMax)}`
      throw new Unexpected(`${method} ${path} at ${site}`, wanted.join(' or '), seen)
    }
    return answer
  }
  return {
    site,
    url,
    key,
    signal,
    call,
    get: async <Body>(path: string, options: CallOptions = {}) =>
      (await call<Body>('GET', path, { status: 200, ...options })).body,
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return text
  }
}
