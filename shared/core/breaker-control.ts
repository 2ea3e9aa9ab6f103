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
  await swapScope(services, placeOf(tenant), (scope) =>
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
  const { tenant, by, reason, forMs = 0 } = decision
  const frozen = (await freezesOf(services, tenant)).map(({ id }) => id)
  const meant = forMs > 0 ? [...frozen, placeOf(tenant)] : frozen
  if (meant.length === 0) throw new CatamaranError('conflict', 'Nothing is frozen there.')
  const upToMs = nowMs + stampAheadMsMax + forMs
  const verdict: Verdict = { kind: 'release', atMs: nowMs, by, reason, upToMs, untilMs: nowMs + releasedMs }
  await decide(services, decision, { meant, verdictOn: () => ({ slots: [], verdict }) })
}

/**
 * Refuses what was held, and brings back what the peer was let through before: from an hour before the first freeze, or from
 * `sinceMs`, for which nothing needs to be frozen, since whoever is patient stays below every limit. Without a tenant it is
 * about all tenants, however few of them were frozen. What is restored here is a new write, so the peer gets it back too.
 * What had used up the hour stays counted. Throws `conflict` when nothing is frozen and no time is given.
 */
export async function rejectBreaker(
  services: Services,
  decision: Decision & { readonly sinceMs?: number | undefined },
): Promise<void> {
  const nowMs = services.clock.now()
  const { tenant, by, reason, sinceMs } = decision
  const freezes = await freezesOf(services, tenant)
  if (sinceMs === undefined && freezes.length === 0)
    throw new CatamaranError('conflict', 'Nothing is frozen there; say with "since" from when on it is to be undone.')
  const fromMs = sinceMs ?? Math.min(...freezes.map((freeze) => freeze.sinceMs)) - hourMs
  const place = placeOf(tenant)
  const verdictOn = (scope: Scope, id: string): Scope => {
    // What is brought back for all tenants is so for each.
    const restore = restoreFrom(scope, id === place ? fromMs : Infinity)
    const facts = { atMs: nowMs, by, reason, upToMs: nowMs + stampAheadMsMax, untilMs: nowMs + rejectedMs }
    return { slots: scope.slots, verdict: { kind: 'reject', ...facts, ...(restore ? { restore } : {}) } }
  }
  await decide(services, decision, { meant: [...freezes.map(({ id }) => id), place], verdictOn })
  await beginRestoring(services)
}

/** It is decided by now: whoever asked is not told that it failed, and would begin anew by asking again. The timer goes on with it. */
async function beginRestoring(services: Services): Promise<void> {
  try {
    await tendBreaker(services)
  } catch (error) {
    services.telemetry.log('warn', 'What was rejected is brought back later', {}, error)
  }
}

/** From `fromMs` on, or from where an earlier rejection began that has not brought back everything yet. */
function restoreFrom({ verdict }: Scope, fromMs: number): Verdict['restore'] {
  const { fromMs: earlierMs = Infinity, isDone = true } = verdict?.restore ?? {}
  const firstMs = Math.min(fromMs, isDone ? Infinity : earlierMs)
  return firstMs === Infinity ? undefined : { fromMs: firstMs, restored: 0, isDone: false }
}

const placeOf = (tenant: string | undefined): string => (tenant === undefined ? everything : scopeOf(tenant))

/** What is frozen of a tenant; without one, whatever is frozen. */
async function freezesOf(
  services: Services,
  tenant: string | undefined,
): Promise<readonly { readonly id: string; readonly sinceMs: number }[]> {
  const frozen = (await listScopes(services)).flatMap(({ id, scope }) =>
    scope.frozen ? [{ id, sinceMs: scope.frozen.sinceMs }] : [],
  )
  return tenant === undefined ? frozen : frozen.filter(({ id }) => id === scopeOf(tenant))
}

interface Meant {
  readonly meant: readonly string[]
  readonly verdictOn: (scope: Scope, id: string) => Scope
}

/** Puts a verdict in the place of every freeze it is about; buckets that were set aside are compared again at once. */
async function decide(services: Services, { by, reason }: Decision, { meant, verdictOn }: Meant): Promise<void> {
  for (const id of new Set(meant)) {
    const kind = await swapScope(services, id, (present) => {
      const scope = verdictOn(present, id)
      return { scope, result: scope.verdict?.kind ?? 'release' }
    })
    services.telemetry.log('warn', `The breaker: ${kind} by a person`, { scope: id, by, reason })
  }
  await clearHeldBuckets(services)
}
