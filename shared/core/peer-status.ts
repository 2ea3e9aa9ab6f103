import { type PeerStatus, ways } from '../ports/peer.ts'
import { breakerSummary } from './breaker-view.ts'
import { pauseOf } from './pause.ts'
import { readMark } from './replication-marks.ts'
import type { Services } from './services.ts'

const peerProtocol = 1

/** What this site tells its peer of itself. */
export async function statusForPeer(services: Services): Promise<PeerStatus> {
  const [lastOffer, breaker, ...pauses] = await Promise.all([
    readMark(services, 'last-offer'),
    breakerSummary(services),
    ...ways.map((way) => pauseOf(services, way)),
  ])
  return {
    site: services.site,
    nowMs: services.clock.now(),
    protocol: peerProtocol,
    lastOffer: lastOffer ?? null,
    breaker,
    paused: ways.filter((_, index) => pauses[index] !== undefined),
  }
}
