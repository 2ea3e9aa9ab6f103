import { joinSessions } from './session.ts'

/** One request of a call, as it is sent to whichever site. */
export interface Request {
  readonly method: string
  readonly path: string
  readonly headers: Readonly<Record<string, string>>
  readonly content: string | Uint8Array<ArrayBuffer> | undefined
  readonly signal: AbortSignal | undefined
}

/** What came back, read to its end. */
export interface Received {
  readonly status: number
  readonly headers: Headers
  readonly text: string
  /** Which site answered. */
  readonly origin: string
  /** False when the session was left out, since only a site that is away could have told. */
  readonly sessionKept: boolean
}

/** What one try came to. All but `done` is worth another one. */
export type Attempt =
  | { readonly kind: 'done'; readonly received: Received }
  /** The site is away, or in trouble for every call. */
  | { readonly kind: 'away'; readonly reason: string; readonly received?: Received }
  /** Only the other site knows what this client has seen, and this one cannot reach it. */
  | { readonly kind: 'behind'; readonly received: Received }
  /** The site is well, and this call is too much for it just now. */
  | { readonly kind: 'later'; readonly received: Received }

/** What a client remembers from call to call. */
export interface Memory {
  session: string | undefined
  /** Until when a site is not asked for what only the other one knows. */
  readonly withoutSessionUntilMs: Map<string, number>
}

export interface Surroundings {
  readonly fetch: typeof fetch
  readonly nowMs: () => number
  readonly tryMsMax: number
  readonly session: 'prefer' | 'require' | 'none'
  readonly memory: Memory
}

const withoutSessionMs = 5_000
const reads = ['GET', 'HEAD']
/** Trouble that may pass, of this call alone; the same request is safe to repeat by its key. */
const laterStatuses = [408, 425, 429, 500]
const awayStatuses = [502, 503, 504]

/** Sends a request to one site. Rejects only with the reason of the request's own signal. */
export async function attempt(surroundings: Surroundings, request: Request, origin: string): Promise<Attempt> {
  const { memory, tryMsMax } = surroundings
  const session = sessionFor(surroundings, request, origin)
  const sessionKept = session !== undefined || memory.session === undefined || surroundings.session === 'none'
  const late = AbortSignal.timeout(tryMsMax)
  try {
    const response = await surroundings.fetch(`${origin}${request.path}`, {
      method: request.method,
      redirect: 'manual',
      headers: { ...request.headers, ...(session === undefined ? {} : { 'catamaran-session': session }) },
      ...(request.content === undefined ? {} : { body: request.content }),
      signal: request.signal ? AbortSignal.any([late, request.signal]) : late,
    })
    const received = {
      status: response.status,
      headers: response.headers,
      text: await response.text(),
      origin,
      sessionKept,
    }
    memory.session = joinSessions(memory.session, response.headers.get('catamaran-session') ?? undefined)
    return judge(surroundings, received, session !== undefined)
  } catch (error) {
    request.signal?.throwIfAborted()
    return { kind: 'away', reason: late.aborted ? `no answer in ${tryMsMax} ms` : reasonOf(error) }
  }
}

function judge({ memory, nowMs }: Surroundings, received: Received, withSession: boolean): Attempt {
  const { status, origin } = received
  if (laterStatuses.includes(status)) return { kind: 'later', received }
  if (!awayStatuses.includes(status)) return { kind: 'done', received }
  const code = codeOf(received.text)
  if (code !== 'peer-unavailable' && code !== 'replication-paused') {
    return { kind: 'away', reason: String(status), received }
  }
  if (!withSession) return { kind: 'later', received }
  memory.withoutSessionUntilMs.set(origin, nowMs() + withoutSessionMs)
  return { kind: 'behind', received }
}

function sessionFor({ memory, session, nowMs }: Surroundings, { method }: Request, origin: string): string | undefined {
  if (session === 'none') return undefined
  const isLeftOut = session === 'prefer' && nowMs() < (memory.withoutSessionUntilMs.get(origin) ?? 0)
  return isLeftOut && reads.includes(method) ? undefined : memory.session
}

/** The stable code of a problem document (RFC 9457). */
function codeOf(text: string): unknown {
  try {
    return (JSON.parse(text) as { code?: unknown } | null)?.code
  } catch {
    return undefined
  }
}

/** A failed fetch says why only in its cause. */
function reasonOf(error: unknown): string {
  const { message, cause } = error as { message?: string; cause?: { code?: string; message?: string } }
  return cause?.code ?? cause?.message ?? message ?? String(error)
}
