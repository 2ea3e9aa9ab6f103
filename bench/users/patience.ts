import { setTimeout as sleep } from 'node:timers/promises'
import type { HttpRequest } from '../load.ts'
import type { Connection, Received } from './connection.ts'

/** In all, with what a site asked to be waited for. */
export const callMsMax = 30_000
/** Too much for now, and away for now. */
const laterStatuses = [429, 503]

/**
 * Sends a request as a client does that heeds Retry-After: told to come later, it waits and sends the same again, as long as
 * its time lasts. Then the last answer is the answer. Rejects like `Connection.send`.
 */
export async function sendPatiently(
  connection: Connection,
  request: HttpRequest,
  { onToldToWait, signal }: { readonly onToldToWait: () => void; readonly signal: AbortSignal },
): Promise<Received> {
  const endMs = performance.now() + callMsMax
  for (;;) {
    const received = await connection.send(request, endMs - performance.now())
    const waitMs = Number(received.headers['retry-after'] ?? Number.NaN) * 1000
    if (!laterStatuses.includes(received.status) || !(performance.now() + waitMs < endMs)) return received
    onToldToWait()
    // Those who were sent away together must not come back together.
    await sleep(waitMs * (1 + Math.random() / 4), undefined, { signal })
  }
}
