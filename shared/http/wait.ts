import type { Services } from '../core/services.ts'
import { CatamaranError } from '../domain/errors.ts'
import type { Clock } from '../ports/clock.ts'
import type { Peer } from '../ports/peer.ts'

const waitSecondsMax = 10
/** Of what the caller waits, for this site's own work. */
const ownWorkMs = 200

/** The seconds of `wait` in a Prefer header (RFC 7240, 4.3): undefined when it is absent or no such number. */
export function waitSecondsOf(prefer: string | undefined): number | undefined {
  const seconds = /(?:^|[\s,;])wait="?(\d{1,4})"?(?=$|[\s,;])/i.exec(prefer ?? '')?.[1]
  return seconds === undefined ? undefined : Math.min(Number(seconds), waitSecondsMax)
}

/**
 * The same site for requests that wait no longer than they say for what the other one knows. What is remembered per
 * services (keys, pauses) is remembered per number of seconds, of which there are few.
 */
export function makeWaiting(services: Services): (prefer: string | undefined) => Services {
  const bySeconds = new Map<number, Services>()
  return (prefer) => {
    const seconds = waitSecondsOf(prefer)
    if (seconds === undefined) return services
    const known = bySeconds.get(seconds)
    if (known) return known
    const made = { ...services, peer: within(services.peer, services.clock, Math.max(1, seconds) * 1000 - ownWorkMs) }
    bySeconds.set(seconds, made)
    return made
  }
}

/** The peer, given up after this long; what was asked of it may still be done there. */
const within = (peer: Peer, clock: Clock, msMax: number): Peer => ({
  offer: (states) => before(clock, msMax, peer.offer(states)),
  read: (keys) => before(clock, msMax, peer.read(keys)),
  list: (collection, page) => before(clock, msMax, peer.list(collection, page)),
  grantRead: (keys, options) => before(clock, msMax, peer.grantRead(keys, options)),
  summaries: (requests, salt) => before(clock, msMax, peer.summaries(requests, salt)),
  compareBuckets: (questions) => before(clock, msMax, peer.compareBuckets(questions)),
  fetchObjects: (targets) => before(clock, msMax, peer.fetchObjects(targets)),
  status: () => before(clock, msMax, peer.status()),
})

async function before<Answer>(clock: Clock, msMax: number, asked: Promise<Answer>): Promise<Answer> {
  const answered = new AbortController()
  const late = clock.sleep(msMax, answered.signal).then(() => {
    throw new CatamaranError('peer-unavailable', `The peer site did not answer within ${msMax} ms.`)
  })
  try {
    return await Promise.race([asked, late])
  } finally {
    answered.abort()
    late.catch(() => undefined)
  }
}
