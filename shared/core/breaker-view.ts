import type { JsonObject } from '../domain/json.ts'
import { everything, listScopes, readScope, tenantOfScope, type Scope } from './breaker-scope.ts'
import { liveRecords } from './breaker-sizes.ts'
import { countsIn, everythingLimits, tenantLimits } from './breaker-window.ts'
import type { Services } from './services.ts'

/** What people need in order to decide: each breaker that has counted something lately, is frozen, or has a verdict. */
export async function breakerView(services: Services): Promise<JsonObject> {
  const scopes = await listScopes(services)
  const isListed = scopes.some(({ id }) => id === everything)
  if (!isListed) scopes.unshift({ id: everything, scope: await readScope(services, everything) })
  const views = await Promise.all(scopes.map(({ id, scope }) => scopeView(services, id, scope)))
  return {
    incoming: { frozen: views.some(({ frozen }) => frozen !== null), scopes: views },
    outgoing: await outgoing(services),
  }
}

/** What the peer says that it holds back of this site; null when it does not say. */
async function outgoing(services: Services): Promise<JsonObject | null> {
  try {
    return (await services.peer.status()).breaker ?? null
  } catch (error) {
    services.telemetry.log('info', 'The peer could not be asked what it holds back', {}, error)
    return null
  }
}

/** What this site tells the peer: how many breakers hold something back, and since when. */
export async function breakerSummary(services: Services): Promise<JsonObject> {
  const freezes = (await listScopes(services)).flatMap(({ scope }) => scope.frozen ?? [])
  return {
    frozen: freezes.length > 0,
    scopes: freezes.length,
    since: freezes.length > 0 ? time(Math.min(...freezes.map(({ sinceMs }) => sinceMs))) : null,
  }
}

async function scopeView(services: Services, id: string, scope: Scope) {
  const { slots, frozen, held, verdict } = scope
  const tenant = tenantOfScope(id)
  const sizes = await liveRecords(services, tenant ?? '')
  const records = tenant === undefined ? sizes.everything : sizes.tenant
  const limits = tenant === undefined ? everythingLimits(records) : tenantLimits(records)
  return {
    tenant: tenant ?? null,
    lastHour: { ...countsIn(slots, services.clock.now()) },
    limits: { ...limits },
    recordsAbout: records,
    frozen: frozen ? { since: time(frozen.sinceMs), by: frozen.by, reason: frozen.reason, holds: frozen.kinds } : null,
    held: { offers: held?.offers ?? 0, examples: held?.examples ?? [] },
    verdict: verdict ? verdictView(verdict) : null,
  } satisfies JsonObject
}

function verdictView({ kind, atMs, by, reason, upToMs, untilMs, restore }: NonNullable<Scope['verdict']>): JsonObject {
  const facts = { kind, at: time(atMs), by, reason, coversUntil: time(upToMs), forgottenAt: time(untilMs) }
  return restore ? { ...facts, restored: restore.restored, isRestored: restore.isDone } : facts
}

const time = (ms: number): string => new Date(ms).toISOString()
