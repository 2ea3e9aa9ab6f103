import { CatamaranError } from '../domain/errors.ts'
import type { JsonObject } from '../domain/json.ts'
import { backoffMs } from '../replication/backoff.ts'
import type { Destruction } from '../replication/destruction.ts'
import type { Slot } from './breaker-window.ts'
import type { Services } from './services.ts'

/** Why and since when destruction by the peer is held back. */
export type Freeze = {
  sinceMs: number
  /** `limit`, or the key of the person who froze it. */
  by: string
  reason: string
  /** What is held: what a person calls deletes (`settled`), or all that destroys. */
  kinds: Destruction[]
}

/** What people decided about the destruction that was held. */
export type Verdict = {
  kind: 'release' | 'reject'
  atMs: number
  by: string
  reason: string
  /** It covers what was stamped up to here, in milliseconds; whatever is younger is judged afresh. */
  upToMs: number
  /** And is forgotten then. */
  untilMs: number
  /** Rejected: where the log of what was let through is read from, and how far restoring has come. */
  restore?: { fromMs: number; after?: string; restored: number; isDone: boolean }
}

export type Example = { collection: string; id: string; tenant: string; stamp: string; deleted: boolean }

/** One breaker: of a tenant, or of everything. `held` counts offers, so what is offered again counts again. */
export type Scope = {
  slots: Slot[]
  frozen?: Freeze
  held?: { offers: number; examples: Example[] }
  verdict?: Verdict
}

/** Site-local. */
const partition = 'breaker'
export const everything = 'everything'
export const scopeOf = (tenant: string): string => `tenant/${tenant}`
/** Undefined for the scope of everything. */
export const tenantOfScope = (id: string): string | undefined =>
  id === everything ? undefined : id.slice('tenant/'.length)

const keptMs = 2 * 3_600_000
const swapTriesMax = 20
const pageItems = 1000
const pagesMax = 10

const emptyScope: Scope = { slots: [] }

export async function readScope(services: Services, id: string): Promise<Scope> {
  const item = await services.siteStore.get(partition, id)
  return (item?.value as Scope | undefined) ?? emptyScope
}

/** Changes one breaker by compare-and-swap; `change` returns no scope when nothing is to be written. */
export async function swapScope<Result>(
  services: Services,
  id: string,
  change: (scope: Scope) => { readonly scope?: Scope; readonly result: Result },
): Promise<Result> {
  for (let attempt = 0; attempt < swapTriesMax; attempt++) {
    let made: { readonly result: Result } | undefined
    const isDone = await changeOnce(services, id, (present) => {
      const { scope, result } = change(present)
      made = { result }
      return scope
    })
    if (isDone && made) return made.result
    await services.clock.sleep(backoffMs(attempt, services.random.fraction(), { baseMs: 10, capMs: 500 }))
  }
  throw new CatamaranError('unavailable', 'The breaker is being changed by others at once.')
}

/** False when another was faster: then nothing is changed. */
export async function changeOnce(
  services: Services,
  id: string,
  change: (scope: Scope) => Scope | undefined,
): Promise<boolean> {
  const item = await services.siteStore.get(partition, id)
  const scope = change((item?.value as Scope | undefined) ?? emptyScope)
  if (!scope) return true
  const condition = item ? ({ kind: 'unchanged', token: item.token } as const) : ({ kind: 'absent' } as const)
  return services.siteStore.put(itemOf(services, id, scope), condition)
}

/** Counts end with their hour. A freeze stays until people end it, and what they said stays as long as it holds. */
function itemOf({ clock }: Services, id: string, scope: Scope) {
  const value = scope as unknown as JsonObject
  if (scope.frozen) return { partition, id, value }
  return { partition, id, value, expiresMs: Math.max(clock.now() + keptMs, scope.verdict?.untilMs ?? 0) }
}

/** Every breaker that has counted something lately, or is frozen, or has a verdict. */
export async function listScopes(services: Services): Promise<{ id: string; scope: Scope }[]> {
  const found: { id: string; scope: Scope }[] = []
  let after: string | undefined
  for (let pages = 0; pages < pagesMax; pages++) {
    const page = await services.siteStore.list(partition, { after, limit: pageItems })
    found.push(...page.items.map(({ id, value }) => ({ id, scope: value as unknown as Scope })))
    after = page.next
    if (after === undefined) break
  }
  return found
}
