import { stampAheadMsMax } from '../domain/limits.ts'
import { CatamaranError } from '../domain/errors.ts'
import { tendBreaker } from './breaker-restore.ts'
import { everything, listScopes, scopeOf, swapScope, type Scope, type Verdict } from './breaker-scope.ts'
import { clearHeldBuckets } from './held-buckets.ts'
import type { Services } from './services.ts'

/** Who decides and why. Without a tenant it is about everything that the peer sends. */
export interface Decision {
  readonly tenant?: string | undefined
  /** The id of the key. */
  readonly by: string
  readonly reason: string
}

const hourMs = 3_600_000
const releasedMs = 24 * hourMs
const rejectedMs = 30 * 24 * hourMs

/** Holds deletes back from now on, whatever their number. One person may. Doing it twice keeps the first. */
export async function freezeBreaker(services: Services, { tenant, by, reason }: Decision): Promise<void> {
  const sinceMs = services.clock.now()
  await swapScope(services, tenant === undefined ? everything : scopeOf(tenant), (scope) =>
    scope.frozen
      ? { result: undefined }
      : { scope: { ...scope, frozen: { sinceMs, by, reason, kinds: ['settled'] } }, result: undefined },
  )
  services.telemetry.log('warn', 'Deletes from the peer were frozen by hand', { by, reason, tenant: tenant ?? null })
}

/**
 * Lets through what was held: whatever was stamped by now, for a day. With `forMs` also what will be stamped in that time,
 * frozen or not: a mass delete that is planned. Throws `conflict` when there is nothing to release. A second person's
 * consent would be asked for here, and in `rejectBreaker`.
 */
export async function releaseBreaker(
  services: Services,
  decision: Decision & { readonly forMs?: number | undefined },
): Promise<void> {
  const nowMs = services.clock.now()
  const { by, reason, forMs = 0 } = decision
  const upToMs = nowMs + stampAheadMsMax + forMs
  const verdict: Verdict = { kind: 'release', atMs: nowMs, by, reason, upToMs, untilMs: nowMs + releasedMs }
  await decide(services, decision, { isPlanned: forMs > 0, verdictOn: () => ({ slots: [], verdict }) })
}

/**
 * Refuses what was held, and brings back what the peer was let through before: from an hour before the freeze, or from
 * `sinceMs`. What is restored here is a new write, so the peer gets it back too. What had used up the hour stays counted.
 */
export async function rejectBreaker(
  services: Services,
  decision: Decision & { readonly sinceMs?: number | undefined },
): Promise<void> {
  const nowMs = services.clock.now()
  const { by, reason, sinceMs } = decision
  const verdictOn = ({ slots, frozen }: Scope): Scope => {
    const fromMs = sinceMs ?? (frozen?.sinceMs ?? nowMs) - hourMs
    const restore = { fromMs, restored: 0, isDone: false }
    const facts = { atMs: nowMs, by, reason, upToMs: nowMs + stampAheadMsMax, untilMs: nowMs + rejectedMs }
    return { slots, verdict: { kind: 'reject', ...facts, restore } }
  }
  await decide(services, decision, { isPlanned: false, verdictOn })
  await tendBreaker(services)
}

/** Puts a verdict in the place of every freeze it is about; buckets that were set aside are compared again at once. */
async function decide(
  services: Services,
  { tenant, by, reason }: Decision,
  { isPlanned, verdictOn }: { readonly isPlanned: boolean; readonly verdictOn: (scope: Scope) => Scope },
): Promise<void> {
  const frozen = (await listScopes(services)).flatMap(({ id, scope }) => (scope.frozen ? [id] : []))
  const own = tenant === undefined ? everything : scopeOf(tenant)
  const meant = new Set(tenant === undefined ? frozen : frozen.filter((id) => id === own))
  if (isPlanned) meant.add(own)
  if (meant.size === 0) throw new CatamaranError('conflict', 'Nothing is frozen there.')
  for (const id of meant) {
    const kind = await swapScope(services, id, (present) => {
      const scope = verdictOn(present)
      return { scope, result: scope.verdict?.kind ?? 'release' }
    })
    services.telemetry.log('warn', `The breaker: ${kind} by a person`, { scope: id, by, reason })
  }
  await clearHeldBuckets(services)
}
