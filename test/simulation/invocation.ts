import { CatamaranError } from '../../shared/domain/errors.ts'
import type { World } from './world.ts'

/**
 * One run of a function. It may be killed at any effect: what it awaits then never resolves, as when its machine is gone.
 * A zombie is one that its host gave up on while it still runs.
 */
export interface Invocation {
  readonly label: string
  /** Runs one effect, with the faults that this invocation was dealt. */
  effect<Result>(name: string, act: () => Promise<Result>): Promise<Result>
  /** Resolves when the invocation was killed. */
  readonly killed: Promise<void>
  kill(): void
}

const never = <Result>(): Promise<Result> => new Promise<Result>(() => {})

export function makeInvocation(world: World, label: string, { mayCrash = true } = {}): Invocation {
  const { profile, streams, mark } = world
  const { promise: killed, resolve } = Promise.withResolvers<void>()
  let isDead = false
  let effects = 0
  const doomed = mayCrash && world.faultsOn() && streams.faults.oneIn(profile.crash)
  const crashAt = doomed ? streams.faults.pick(12) : -1
  const crashAfter = doomed && streams.faults.oneIn(2)
  const kill = (): void => {
    isDead = true
    resolve()
  }
  const effect = async <Result>(name: string, act: () => Promise<Result>): Promise<Result> => {
    if (isDead) return never()
    const index = effects++
    await world.scheduler.delay(latencyMs(world), `${label} ${name}`)
    if (isDead) return never()
    if (index === crashAt && !crashAfter) {
      mark('crash before an effect')
      kill()
      return never()
    }
    refuseSometimes(world)
    const result = await act()
    if (index === crashAt) {
      mark('crash after an effect')
      kill()
      return never()
    }
    if (isDead) return never()
    loseAnswerSometimes(world)
    return result
  }
  return { label, effect, killed, kill }
}

const latencyMs = ({ streams, profile }: World): number =>
  1 +
  streams.scheduling.pick(profile.name === 'calm' ? 5 : 20) +
  (streams.scheduling.oneIn(50) ? streams.scheduling.pick(800) : 0)

/** Before the effect: nothing has happened. */
function refuseSometimes({ profile, streams, faultsOn, mark }: World): void {
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
