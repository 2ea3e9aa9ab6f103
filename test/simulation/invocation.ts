import { CatamaranError } from '../../shared/domain/errors.ts'
import { backoffMs } from '../../shared/replication/backoff.ts'
import type { Site } from '../../shared/domain/site.ts'
import type { Service } from './site.ts'
import type { World } from './world.ts'

/**
 * One run of a function. It may be killed at any effect: what it awaits then never resolves, as when its machine is gone.
 * A zombie is one that its host gave up on while it still runs.
 */
export interface Invocation {
  readonly site: Site
  /** What runs: http, feed, job, a timer's task, or the peer's verb. */
  readonly name: string
  /** Runs one effect on a service, with the faults that this invocation was dealt. */
  effect<Result>(service: Service, name: string, act: () => Promise<Result>): Promise<Result>
  /** Whether a fault of its own site has hit it: one of the way to the peer does not count. */
  readonly isHarmed: () => boolean
  /** Resolves when the invocation was killed. */
  readonly killed: Promise<void>
}

const never = <Result>(): Promise<Result> => new Promise<Result>(() => {})

/** `items` is how many things the invocation is to deal with. */
export function makeInvocation(world: World, site: Site, name: string, items = 1): Invocation {
  const { profile, streams, mark } = world
  const { promise: killed, resolve } = Promise.withResolvers<void>()
  const { epoch } = world.sites[site]
  let isDead = false
  let isHarmed = false
  let effects = 0
  const doomed = world.faultsOn() && streams.faults.oneIn(profile.crash)
  const crashAt = doomed ? streams.faults.pick(streams.faults.of([4, 12, 60])) : -1
  const crashAfter = doomed && streams.faults.oneIn(2)
  const isGone = (): boolean => isDead || epoch !== world.sites[site].epoch
  const die = <Result>(): Promise<Result> => {
    isDead = isHarmed = true
    resolve()
    return never()
  }
  const crash = <Result>(index: number): Promise<Result> => {
    mark(crashAfter ? 'crash after an effect' : 'crash before an effect')
    if (items > 1 && index > 0) mark('crash in the middle of a batch')
    return die()
  }
  const effect = async <Result>(service: Service, what: string, act: () => Promise<Result>): Promise<Result> => {
    if (isDead) return never()
    const index = effects++
    await world.scheduler.delay(latencyMs(world), `${site} ${name} ${service}.${what}`)
    // The machines of a site that was wiped are gone with it.
    if (isGone()) return die()
    if (index === crashAt && !crashAfter) return crash(index)
    const meet = async (fault: () => Promise<void> | void): Promise<void> => {
      try {
        await fault()
      } catch (error) {
        isHarmed ||= service !== 'peer'
        throw error
      }
    }
    if (service === 'records' && profile.capacity > 0)
      await meet(() => waitForCapacity(world, site, () => (isHarmed = true)))
    await meet(() => refuseSometimes(world, site, service))
    let result: Result
    try {
      result = await act()
    } catch (error) {
      if (isGone()) return die()
      throw error
    }
    if (index === crashAt) return crash(index)
    if (isGone()) return die()
    await meet(() => loseAnswerSometimes(world))
    return result
  }
  return { site, name, effect, isHarmed: () => isHarmed, killed }
}

const latencyMs = ({ streams, profile }: World): number =>
  1 +
  streams.scheduling.pick(profile.isCalm ? 5 : 20) +
  (streams.scheduling.oneIn(50) ? streams.scheduling.pick(800) : 0)

const throttledTriesMax = 9
const throttledPauseMs = { baseMs: 100, capMs: 5_000 }

/** As the clouds' own clients do it: a request that comes too soon is tried again, later and later, before its caller hears. */
async function waitForCapacity(world: World, site: Site, onWait: () => void): Promise<void> {
  const { ledger, profile, scheduler, streams, mark } = world
  const isTaken = (attempt: number): boolean =>
    ledger.traffic.takes(site, { atMs: scheduler.now(), isAgain: attempt > 0 }, profile.capacity)
  for (let attempt = 0; !isTaken(attempt); attempt++) {
    mark('throttled')
    onWait()
    if (attempt + 1 >= throttledTriesMax) throw new CatamaranError('throttled', 'simulated: too many requests at once')
    const ms = backoffMs(attempt, streams.scheduling.fraction(), throttledPauseMs)
    await scheduler.delay(1 + ms, `${site} is too busy`)
  }
}

/** Before the effect: nothing has happened. */
function refuseSometimes(world: World, site: Site, service: Service): void {
  const { profile, streams, faultsOn, mark, scheduler } = world
  if (scheduler.now() < world.sites[site].outUntilMs[service]) {
    mark('one service out')
    throw new CatamaranError('unavailable', `simulated: ${service} is out`)
  }
  if (!faultsOn() || !streams.faults.oneIn(profile.throttle)) return
  if (streams.faults.oneIn(2)) {
    mark('throttled')
    throw new CatamaranError('throttled', 'simulated: too many requests', { retryAfterMs: 100 })
  }
  mark('unavailable before an effect')
  throw new CatamaranError('unavailable', 'simulated: the service did not take the request')
}

/** After the effect: it has happened, and the caller cannot know. */
function loseAnswerSometimes({ profile, streams, faultsOn, mark }: World): void {
  if (!faultsOn() || !streams.faults.oneIn(profile.lostAnswer)) return
  mark('answer lost after an effect')
  throw new CatamaranError('unavailable', 'simulated: the answer was lost')
}
