import type { PeerCredentials, PeerToken } from '../ports/peer-credentials.ts'

/** The other site's clock may be ahead, and the call takes its time. */
const lastUseMs = 60_000
/** Of a token's life is left when a new one is asked for, since an identity service may be away for a while. */
const renewAtFraction = 0.25
const againMs = 10_000

interface Held extends PeerToken {
  readonly renewAtMs: number
}

/**
 * One token for many calls. It is renewed long before its end, by one call however many ask; where that fails, the old one
 * goes on being used to its end.
 */
export function heldToken(credentials: PeerCredentials, nowMs: () => number): () => Promise<string> {
  let held: Held | undefined
  let renewing: Promise<Held> | undefined
  let triedMs = -Infinity
  const fetchOne = async (): Promise<Held> => {
    const { text, expiresAtMs } = await credentials.token()
    const lifeMs = expiresAtMs - nowMs()
    held = { text, expiresAtMs, renewAtMs: expiresAtMs - lifeMs * renewAtFraction }
    return held
  }
  const renew = (): Promise<Held> => {
    triedMs = nowMs()
    renewing ??= fetchOne().finally(() => (renewing = undefined))
    return renewing
  }
  return async () => {
    if (held === undefined || held.expiresAtMs - nowMs() <= lastUseMs) return (await renew()).text
    // Nobody waits for it; a failure shows when the old one has ended.
    if (nowMs() >= held.renewAtMs && nowMs() - triedMs >= againMs) renew().catch(() => undefined)
    return held.text
  }
}
