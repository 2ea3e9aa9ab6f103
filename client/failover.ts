import { attempt, type Attempt, type Memory, type Received, type Request } from './attempt.ts'
import { originsOf } from './origins.ts'

export interface FailoverOptions {
  /** The base URLs of both sites, the preferred one first. */
  readonly origins: readonly string[]
  /** Sent with every request, for instance `authorization`. */
  readonly headers?: Readonly<Record<string, string>>
  /** How long one site may take; then the other one is asked. 2,000 ms when absent. */
  readonly tryMsMax?: number
  /** How long a call may take in all. 30,000 ms when absent. */
  readonly callMsMax?: number
  /**
   * What becomes of a read when the site that answers cannot reach the one where this client has seen something newer:
   * `prefer` (the default) takes the older state and says so, `require` goes on trying, `none` sends no session at all.
   */
  readonly session?: 'prefer' | 'require' | 'none'
  readonly fetch?: typeof fetch
}

export interface CallOptions {
  readonly headers?: Readonly<Record<string, string>>
  /** Sent as it is, as often as needed: text or bytes, never a stream. */
  readonly content?: string | Uint8Array<ArrayBuffer>
  /** Sent as JSON, in place of `content`. */
  readonly json?: unknown
  readonly signal?: AbortSignal
}

export interface Try {
  readonly origin: string
  readonly tookMs: number
  /** The status, or why there was none. */
  readonly outcome: number | string
}

export interface Answer extends Received {
  readonly tries: readonly Try[]
}

export interface FailoverClient {
  /**
   * The answer of the first site that gives one. Any status that trying again would not change is an answer; 429 and what
   * may pass of 5xx are one only when the time is over. Throws FailoverError when no site answered at all, and the reason
   * of `signal`.
   */
  call(method: string, path: string, options?: CallOptions): Promise<Answer>
}

/** No site answered within the time of the call. */
export class FailoverError extends Error {
  readonly tries: readonly Try[]

  constructor(method: string, path: string, tries: readonly Try[]) {
    super(`${method} ${path}: no site answered in ${tries.length} tries (${tries.at(-1)?.outcome ?? 'none'})`)
    this.name = 'FailoverError'
    this.tries = tries
  }
}

const tryMsDefault = 2_000
const callMsDefault = 30_000
const waitMsMin = 100
const waitMsMax = 2_000
/** The part of a try that is left for the site's own work when it waits for the other one. */
const ownWorkMs = 500
const unkeyed = ['GET', 'HEAD', 'OPTIONS']

/**
 * A client of both sites that needs no help of DNS: each call goes to the preferred site that is in good standing, and when
 * that one does not answer in time, to the other one, with the same `Idempotency-Key`. What was done at the first before
 * its answer got lost is therefore not done twice: both sites derive the same id from the key, and merge.
 */
export function failoverClient(options: FailoverOptions): FailoverClient {
  const { tryMsMax = tryMsDefault, callMsMax = callMsDefault, session = 'prefer' } = options
  const send = options.fetch ?? fetch
  const nowMs = (): number => performance.now()
  const memory: Memory = { session: undefined, withoutSessionUntilMs: new Map() }
  const surroundings = { fetch: send, nowMs, tryMsMax, session, memory }
  const origins = originsOf({
    origins: options.origins.map((each) => each.replace(/\/+$/, '')),
    nowMs,
    probe: (origin) => probe(send, origin, tryMsMax),
  })
  return {
    call: async (method, path, call = {}) => {
      const request = requestOf(method, path, call, { headers: options.headers ?? {}, tryMsMax })
      const endMs = nowMs() + callMsMax
      const tries: Try[] = []
      let last: Received | undefined
      for (let round = 0; ; round++) {
        let atOnce = false
        for (const origin of origins.inOrder()) {
          const beganMs = nowMs()
          const tried = await attempt(surroundings, request, origin)
          const outcome = tried.kind === 'away' ? tried.reason : tried.received.status
          tries.push({ origin, tookMs: nowMs() - beganMs, outcome })
          if (tried.kind === 'away') origins.failed(origin)
          else origins.answered(origin)
          if (tried.kind === 'done') return { ...tried.received, tries }
          last = tried.received ?? last
          atOnce ||= tried.kind === 'behind' && session === 'prefer'
          // Going elsewhere with what is too much would only spread it.
          if (isTooMuch(tried)) break
        }
        const waitMs = atOnce ? 0 : waitOf(round, last)
        if (nowMs() + waitMs >= endMs) break
        await pause(waitMs, call.signal)
      }
      if (last) return { ...last, tries }
      throw new FailoverError(method, path, tries)
    },
  }
}

const isTooMuch = (tried: Attempt): boolean => tried.kind === 'later' && tried.received.status === 429

async function probe(send: typeof fetch, origin: string, msMax: number): Promise<boolean> {
  try {
    const response = await send(`${origin}/v1/health/ready`, { signal: AbortSignal.timeout(msMax) })
    await response.body?.cancel()
    return response.ok
  } catch {
    return false
  }
}

function requestOf(
  method: string,
  path: string,
  { headers = {}, content, json, signal }: CallOptions,
  common: { readonly headers: Readonly<Record<string, string>>; readonly tryMsMax: number },
): Request {
  const given = Object.fromEntries(
    Object.entries({ ...common.headers, ...headers }).map(([name, value]) => [name.toLowerCase(), value]),
  )
  // RFC 7240: how long the site may wait for the other one before it answers as well as it can alone.
  const wait = `wait=${Math.max(1, Math.floor((common.tryMsMax - ownWorkMs) / 1000))}`
  return {
    method,
    path,
    headers: {
      ...(json === undefined ? {} : { 'content-type': 'application/json' }),
      ...(unkeyed.includes(method) ? {} : { 'idempotency-key': crypto.randomUUID() }),
      ...given,
      prefer: given['prefer'] === undefined ? wait : `${given['prefer']}, ${wait}`,
    },
    content: json === undefined ? content : JSON.stringify(json),
    signal,
  }
}

/** What the last answer asks for, else longer and longer, and never in step with other clients. */
function waitOf(round: number, last: Received | undefined): number {
  const asked = Number(last?.headers.get('retry-after') ?? 0) * 1000
  const backoff = Math.min(waitMsMin * 2 ** round, waitMsMax)
  return Math.max(Number.isFinite(asked) ? asked : 0, backoff * (0.5 + Math.random() / 2))
}

function pause(ms: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    const stop = (): void => {
      clearTimeout(timer)
      reject(signal?.reason as Error)
    }
    const timer = setTimeout(() => {
      signal?.removeEventListener('abort', stop)
      resolve()
    }, ms)
    if (signal?.aborted) stop()
    else signal?.addEventListener('abort', stop, { once: true })
  })
}
