import { peerFeatures, type PeerStatus, ways } from '../ports/peer.ts'
import { breakerSummary } from './breaker-view.ts'
import { pauseOf } from './pause.ts'
import { readMark } from './replication-marks.ts'
import type { Services } from './services.ts'

const peerProtocol = 1

/** What this site tells its peer of itself: asked often, so what takes counting is as of the last minute. */
export async function statusForPeer(services: Services): Promise<PeerStatus> {
  const [watched, breaker, ...pauses] = await Promise.all([
    readMark(services, 'watched') as Promise<Pick<PeerStatus, 'lag' | 'lastOffer' | 'feedAgeMs'> | undefined>,
    breakerSummary(services),
    ...ways.map((way) => pauseOf(services, way)),
  ])
  const paused = ways.filter((_, index) => pauses[index] !== undefined)
  const facts = { site: services.site, nowMs: services.clock.now(), protocol: peerProtocol, features: peerFeatures }
  return { ...facts, breaker, paused, ...watched }
}
