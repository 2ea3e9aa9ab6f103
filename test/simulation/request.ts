import type { Services } from '../../shared/core/services.ts'
import { hasCode, isCatamaranError } from '../../shared/domain/errors.ts'
import type { Site } from '../../shared/domain/site.ts'
import type { Code } from './code.ts'
import { makeInvocation } from './invocation.ts'
import { isFrozen } from './operator.ts'
import { assertAlone, type PeerUse } from './alone.ts'
import type { World } from './world.ts'

const clientTimeoutMs = 30_000

export type Outcome<Value> =
  | { readonly kind: 'answered'; readonly value: Value }
  | { readonly kind: 'refused'; readonly code: string }
  /** Nobody can tell whether it happened. */
  | { readonly kind: 'unknown'; readonly isHeld?: boolean; readonly why?: string }

/** One request of a client to one site, as it is seen from outside. */
export async function request<Value>(
  world: World,
  site: Site,
  run: (services: Services, code: Code) => Promise<Value>,
  peerUse: PeerUse = 'none',
): Promise<Outcome<Value>> {
  const atMs = world.scheduler.now()
  const outcome = await requestOnce(world, site, run, peerUse)
  // A session that saw a delete which a breaker holds back here is turned away until somebody has decided.
  const isHeld = outcome.kind === 'unknown' && outcome.isHeld === true && isFrozen(world, site)
  if (!isHeld) world.ledger.traffic.requests.push({ atMs, isAnswered: outcome.kind !== 'unknown' })
  return outcome
}

async function requestOnce<Value>(
  world: World,
  site: Site,
  run: (services: Services, code: Code) => Promise<Value>,
  peerUse: PeerUse,
): Promise<Outcome<Value>> {
  const { scheduler, sites: all, streams, profile } = world
  await scheduler.delay(5, `to ${site}`)
  if (!all[site].isUp || !all[site].isOpen) return { kind: 'unknown' }
  const invocation = makeInvocation(world, site, 'http')
  const beganMs = scheduler.now()
  const isImpatient = world.faultsOn() && streams.faults.oneIn(profile.zombie)
  const patienceMs = isImpatient ? 1 + streams.faults.pick(300) : clientTimeoutMs
  const timeout = scheduler.timeout(patienceMs, `${site} client time-out`)
  const outcome = await Promise.race([
    run(all[site].servicesOf(invocation), all[site].code()).then(
      (value): Outcome<Value> => ({ kind: 'answered', value }),
      (error: unknown): Outcome<Value> => outcomeOf(world, error),
    ),
    invocation.killed.then(
      (): Promise<Outcome<Value>> => scheduler.delay(1, 'connection lost').then(() => ({ kind: 'unknown' })),
    ),
    timeout.over.then((): Outcome<Value> => {
      if (isImpatient) world.mark('request went on after its client gave up')
      return { kind: 'unknown' }
    }),
  ])
  timeout.cancel()
  if (!isImpatient && !invocation.isHarmed()) {
    const failure = outcome.kind === 'unknown' ? (outcome.why ?? 'it took too long') : undefined
    assertAlone(world, site, peerUse, { failure, ms: scheduler.now() - beganMs })
  }
  if (outcome.kind === 'unknown' || !world.faultsOn() || !streams.faults.oneIn(profile.lostAnswer)) return outcome
  world.mark('answer to the client lost')
  return { kind: 'unknown' }
}

function outcomeOf(world: World, error: unknown): Exclude<Outcome<never>, { kind: 'answered' }> {
  if (!isCatamaranError(error)) {
    world.ledger.violations.push(`0: a request failed with ${String(error)}`)
    return { kind: 'unknown' }
  }
  if (hasCode(error, 'idempotency-key-reused')) world.ledger.violations.push(`6: ${error.message}`)
  if (error.status < 500 && error.code !== 'throttled') return { kind: 'refused', code: error.code }
  return { kind: 'unknown', isHeld: error.code === 'unavailable', why: error.message }
}
