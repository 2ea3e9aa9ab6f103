import { setTimeout as sleep } from 'node:timers/promises'
import { Unexpected } from './api.ts'

export interface UntilOptions {
  readonly timeoutMs?: number
  readonly everyMs?: number
  /** What the last try saw, for the message when the time is over. */
  readonly seen?: () => unknown
  /** Ends the waiting at once, with its reason. */
  readonly signal?: AbortSignal | undefined
}

const timeoutMsDefault = 30_000
const everyMsDefault = 150
const shownCharsMax = 1_000

/** Asks again and again until the probe gives something. Throws Unexpected that names `what` and the last thing seen. */
export async function until<Found>(
  what: string,
  probe: () => Promise<Found | undefined | false>,
  options: UntilOptions = {},
): Promise<Found> {
  const { timeoutMs = timeoutMsDefault, everyMs = everyMsDefault, signal } = options
  const endMs = performance.now() + timeoutMs
  let failure: unknown
  for (;;) {
    signal?.throwIfAborted()
    try {
      const found = await probe()
      if (found !== undefined && found !== false) return found
      failure = undefined
    } catch (error) {
      failure = error
    }
    signal?.throwIfAborted()
    if (performance.now() >= endMs)
      throw new Unexpected(what, `it within ${timeoutMs / 1000} s`, shown(failure, options))
    await sleep(everyMs, undefined, signal && { signal }).catch(() => undefined)
  }
}

function shown(failure: unknown, { seen }: UntilOptions): string {
  const last = seen ? JSON.stringify(seen())?.slice(0, shownCharsMax) : undefined
  return [failure === undefined ? undefined : messageOf(failure), last].filter((part) => part).join('; ') || 'nothing'
}

/** A failed fetch says why only in its cause. */
function messageOf(failure: unknown): string {
  const { message, cause } = failure as Error
  const why = cause === undefined ? '' : ` (${(cause as Error).message || String((cause as { code?: unknown }).code)})`
  return `${message ?? String(failure)}${why}`
}
