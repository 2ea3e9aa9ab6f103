import type { RecordState, StoredRecord } from '../domain/record.ts'
import { destructionOf } from '../replication/destruction.ts'
import { countHarms, standingOf, withHeld, type Harm } from './breaker-judge.ts'
import { logPassed } from './breaker-log.ts'
import { changeOnce, everything, readScope, scopeOf, swapScope, type Scope } from './breaker-scope.ts'
import { liveRecords } from './breaker-sizes.ts'
import { countsIn, everythingLimits, tenantLimits, type Counts } from './breaker-window.ts'
import { isEndOf } from './conflict-record.ts'
import type { Services } from './services.ts'

/**
 * What becomes of a state of the peer: it may `pass`; it is on `hold`, neither applied nor kept, and found again by
 * reconciliation once people have let it through; or it was rejected, and what is stored here is to be asserted anew.
 */
export type Judgement = 'pass' | 'hold' | 'restore'

export interface Breaker {
  /**
   * To be asked before `next`, which is what becomes of `offered`, takes the place of `stored`. Costs nothing unless
   * something is destroyed. Throws when counting fails: then nothing may be applied either.
   */
  judge(offered: RecordState, stored: StoredRecord | undefined, next: RecordState): Promise<Judgement>
}

interface Waiting {
  readonly harm: Harm
  readonly resolve: (judgement: Judgement) => void
  readonly reject: (error: unknown) => void
}

/** The breaker for one batch of states. What comes while it is counting is counted together afterwards, in one write. */
export function openBreaker(services: Services): Breaker {
  let waiting: Waiting[] = []
  let isRunning = false
  /** A writer that came between makes a state be applied again; it destroys one record all the same. */
  const passed = new Set<RecordState>()
  const run = async (): Promise<void> => {
    for (isRunning = true; waiting.length > 0; ) {
      const batch = waiting
      waiting = []
      try {
        const judgements = await judgeHarms(
          services,
          batch.map(({ harm }) => harm),
        )
        for (const [index, { harm, resolve }] of batch.entries()) {
          const judgement = judgements[index] ?? 'hold'
          if (judgement === 'pass') passed.add(harm.offered)
          resolve(judgement)
        }
      } catch (error) {
        for (const { reject } of batch) reject(error)
      }
    }
    isRunning = false
  }
  return {
    judge: async (offered, stored, next) => {
      const kind = stored && !isEndOf(stored, next) && destructionOf(stored, next, services.clock.now())
      if (!stored || !kind || passed.has(offered)) return 'pass'
      return new Promise((resolve, reject) => {
        waiting.push({ harm: { kind, stored, offered }, resolve, reject })
        if (!isRunning) void run()
      })
    },
  }
}

async function judgeHarms(services: Services, harms: readonly Harm[]): Promise<Judgement[]> {
  const judgements = new Map<RecordState, Judgement>()
  const all = await readScope(services, everything)
  for (const [tenant, group] of Map.groupBy(harms, ({ stored }) => stored.key.tenant)) {
    await judgeTenant(services, tenant, { all, group, judgements })
  }
  return harms.map(({ offered }) => judgements.get(offered) ?? 'hold')
}

interface Group {
  readonly all: Scope
  readonly group: readonly Harm[]
  readonly judgements: Map<RecordState, Judgement>
}

/** First what is decided already, so that it uses up nobody's hour; then the tenant's count, then that of everything. */
async function judgeTenant(services: Services, tenant: string, { all, group, judgements }: Group): Promise<void> {
  const nowMs = services.clock.now()
  const own = await readScope(services, scopeOf(tenant))
  const held = new Map<string, Harm[]>()
  const open: Harm[] = []
  const isDistrusted = wasRejected(own, nowMs) || wasRejected(all, nowMs)
  for (const each of group) {
    const harm: Harm = isDistrusted ? { ...each, kind: 'settled' } : each
    const standings = [standingOf(own, harm, nowMs), standingOf(all, harm, nowMs)]
    if (standings.includes('restore')) judgements.set(harm.offered, 'restore')
    else if (standings.includes('hold')) {
      const holder = standings[0] === 'hold' ? scopeOf(tenant) : everything
      held.set(holder, [...(held.get(holder) ?? []), harm])
      judgements.set(harm.offered, 'hold')
    } else if (standings.includes('pass')) judgements.set(harm.offered, 'pass')
    else open.push(harm)
  }
  // A number for people to look at: when another is writing it, this once is left out.
  for (const [holder, harms] of held) await changeOnce(services, holder, (scope) => withHeld(scope, harms))
  let counted: readonly Harm[] = open
  const sizes = open.length > 0 ? await liveRecords(services, tenant) : { tenant: 0, everything: 0 }
  counted = await count(services, scopeOf(tenant), counted, tenantLimits(sizes.tenant))
  counted = await count(services, everything, counted, everythingLimits(sizes.everything))
  await logPassed(services, counted)
  for (const harm of counted) judgements.set(harm.offered, 'pass')
}

const distrustMs = 24 * 3_600_000

/** For a day after a rejection nothing that the peer overwrites is taken for ordinary work. */
const wasRejected = ({ verdict }: Scope, nowMs: number): boolean =>
  verdict?.kind === 'reject' && nowMs < verdict.atMs + distrustMs

/** The harms that may pass one breaker. */
async function count(services: Services, id: string, harms: readonly Harm[], limits: Counts): Promise<readonly Harm[]> {
  if (harms.length === 0) return harms
  const nowMs = services.clock.now()
  const { scope, passes, tripped } = await swapScope(services, id, (present) => {
    const counted = countHarms(present, harms, limits, nowMs)
    return { scope: counted.scope, result: counted }
  })
  if (tripped) {
    const { reason = '' } = scope.frozen ?? {}
    services.telemetry.log('error', `The breaker froze deletes from the peer: ${reason}`, {
      scope: id,
      limit: limits[tripped],
      counted: countsIn(scope.slots, nowMs)[tripped],
    })
    services.telemetry.metric('breakerTripped', 1, { kind: tripped })
  }
  return harms.filter((_, index) => passes[index])
}
