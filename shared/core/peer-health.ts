import { hasCode } from '../domain/errors.ts'
import { clearMark, readMark, writeMark } from './replication-marks.ts'
import type { Services } from './services.ts'

/** After a failure the peer is left alone for this long, so that a dead peer costs the feed nothing. */
const restMs = 3000

const restUntil = new WeakMap<Services, number>()
const markedDown = new WeakSet<Services>()

/** Whether it is worth asking the peer now. What this instance remembers is a hint, never a fact others rely on. */
export async function peerMayAnswer(services: Services): Promise<boolean> {
  return services.clock.monotonicMs() >= (restUntil.get(services) ?? 0)
}

/** Whether the peer could not be asked, or said that an operator has paused it there: either way it takes the rest later. */
export const isPeerAway = (error: unknown): boolean =>
  hasCode(error, 'peer-unavailable') || hasCode(error, 'replication-paused')

export async function peerAnswered(services: Services): Promise<void> {
  restUntil.delete(services)
  if (markedDown.delete(services)) await clearMark(services, 'peer-down')
}

/** Reconcile has gone through: whichever instance found the peer down, it is back. */
export async function peerIsBack(services: Services): Promise<void> {
  restUntil.delete(services)
  markedDown.delete(services)
  await clearMark(services, 'peer-down')
}

export async function peerFailed(services: Services, error: unknown): Promise<void> {
  restUntil.set(services, services.clock.monotonicMs() + restMs)
  if (hasCode(error, 'replication-paused')) return
  services.telemetry.log('warn', 'The peer does not answer; reconciliation will bring it up to date', {}, error)
  markedDown.add(services)
  const known = await readMark(services, 'peer-down')
  const cause = error instanceof Error ? error.message : String(error)
  await writeMark(services, 'peer-down', { downSinceMs: known?.['downSinceMs'] ?? services.clock.now(), cause })
}
