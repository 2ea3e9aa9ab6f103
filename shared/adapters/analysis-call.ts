import { CatamaranError, type ErrorCode } from '../domain/errors.ts'

const callMsMax = 20_000
const wordsMax = 300
const away = 'The service that looks at pictures does not answer just now.'
const refused = 'The service that looks at pictures refused to. The log of the site has the reason.'

/** The code of a refusal by what its text names; undefined goes by the status. */
export type RefusalReader = (text: string) => ErrorCode | undefined

/** Sends one request to a service that looks at pictures; its answer, a JSON object. A caller's own abort passes unchanged. */
export async function callAnalysis(
  service: string,
  url: URL,
  init: Pick<RequestInit, 'headers' | 'body'>,
  { signal, refusalOf }: { readonly signal: AbortSignal; readonly refusalOf: RefusalReader },
): Promise<object> {
  const within = AbortSignal.any([signal, AbortSignal.timeout(callMsMax)])
  const { status, text } = await answerOf(service, url, { ...init, method: 'POST', signal: within }, signal)
  if (status !== 200) {
    const byStatus = status === 429 ? 'throttled' : status >= 500 ? 'unavailable' : 'internal'
    throw analysisError(refusalOf(text) ?? byStatus, `${service} answered ${status} ${text.slice(0, wordsMax)}`)
  }
  try {
    const answer: unknown = JSON.parse(text)
    if (typeof answer === 'object' && answer !== null) return answer
  } catch {
    // Told below.
  }
  throw analysisError('unavailable', `${service} answered ${text.slice(0, wordsMax)}`)
}

async function answerOf(
  service: string,
  url: URL,
  init: RequestInit,
  signal: AbortSignal,
): Promise<{ status: number; text: string }> {
  try {
    const response = await fetch(url, init)
    return { status: response.status, text: await response.text() }
  } catch (cause) {
    signal.throwIfAborted()
    const code = (cause as Error).name === 'TimeoutError' ? 'timed-out' : 'unavailable'
    throw analysisError(code, `${service} does not answer.`, cause)
  }
}

/** The service's own words stay inside the site. */
export function analysisError(code: ErrorCode, message: string, cause?: unknown): CatamaranError {
  const isAway = code === 'throttled' || code === 'unavailable' || code === 'timed-out'
  return new CatamaranError(code, message, { cause, publicMessage: isAway ? away : refused })
}
