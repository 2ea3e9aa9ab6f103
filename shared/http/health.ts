import { isCatamaranError } from '../domain/errors.ts'
import type { Services } from '../core/services.ts'

export interface DependencyHealth {
  readonly name: string
  readonly ok: boolean
  readonly tookMs: number
  /** The site works without it. */
  readonly optional: boolean
  readonly code?: string
}

export interface Health {
  readonly status: 'ok' | 'degraded' | 'unavailable'
  readonly site: string
  readonly dependencies: readonly DependencyHealth[]
}

/** Route 53 takes a site whose answer takes two seconds for dead. */
const probeMsMax = 1_500
/** A peer that hangs must not make this site look dead. */
const optionalProbeMsMax = 1_000
/** Anyone may ask, so answers are shared: dependencies are not asked more often than this. */
const healthCacheMs = 1000

/** A check of every dependency, at most once a second however often it is called. */
export function makeHealthCheck(services: Services): () => Promise<Health> {
  let last: { readonly atMs: number; readonly health: Promise<Health> } | undefined
  return () => {
    const nowMs = services.clock.monotonicMs()
    if (!last || nowMs - last.atMs >= healthCacheMs) last = { atMs: nowMs, health: checkHealth(services) }
    return last.health
  }
}

async function checkHealth(services: Services): Promise<Health> {
  const nowhere = { tenant: '_system', collection: '_health', id: 'probe' }
  const dependencies = await Promise.all([
    probe(services, 'records', () => services.records.get(nowhere)),
    probe(services, 'site-store', () => services.siteStore.get('health', 'probe')),
    probe(services, 'objects', () => services.objects.head('objects/_system/health/probe')),
    probe(services, 'queue', () => services.jobs.depth()),
    probe(services, 'peer', () => services.peer.status(), true),
  ])
  const broken = dependencies.filter(({ ok }) => !ok)
  const status = broken.some(({ optional }) => !optional) ? 'unavailable' : broken.length > 0 ? 'degraded' : 'ok'
  return { status, site: services.site, dependencies }
}

async function probe(
  { clock, telemetry }: Services,
  name: string,
  ask: () => Promise<unknown>,
  optional = false,
): Promise<DependencyHealth> {
  const startMs = clock.monotonicMs()
  const took = (): number => Math.round(clock.monotonicMs() - startMs)
  const late = new AbortController()
  try {
    const timeout = clock
      .sleep(optional ? optionalProbeMsMax : probeMsMax, late.signal)
      .then(() => Promise.reject(new TimeoutFault()))
    await Promise.race([ask(), timeout])
    return { name, ok: true, tookMs: took(), optional }
  } catch (error) {
    telemetry.log('warn', `The dependency ${name} does not answer`, {}, error)
    const code = error instanceof TimeoutFault ? 'timed-out' : isCatamaranError(error) ? error.code : 'unavailable'
    return { name, ok: false, tookMs: took(), optional, code }
  } finally {
    late.abort()
  }
}

class TimeoutFault extends Error {}
