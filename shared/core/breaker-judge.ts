import type { RecordState, StoredRecord } from '../domain/record.ts'
import { stampMs } from '../domain/stamp.ts'
import type { Destruction } from '../replication/destruction.ts'
import type { Example, Freeze, Scope } from './breaker-scope.ts'
import { addToSlots, countsIn, type Counts } from './breaker-window.ts'

/** One state of the peer that would destroy something here. */
export interface Harm {
  readonly kind: Destruction
  readonly stored: StoredRecord
  readonly offered: RecordState
}

/** `count`: it may pass if the hour still has room for it. */
type Standing = 'pass' | 'count' | 'hold' | 'restore'

/** What one breaker says of a harm, before anything is counted. */
export function standingOf(
  { frozen, verdict }: Pick<Scope, 'frozen' | 'verdict'>,
  { kind, offered }: Harm,
  nowMs: number,
): Standing {
  if (verdict && nowMs < verdict.untilMs && stampMs(offered.stamp) <= verdict.upToMs) {
    return verdict.kind === 'release' ? 'pass' : 'restore'
  }
  return frozen?.kinds.includes(kind) ? 'hold' : 'count'
}

export interface Counted {
  readonly scope: Scope
  /** In the order of the harms: whether each may pass. */
  readonly passes: readonly boolean[]
  /** Of which kind there was more than an hour may take, if it was now that the breaker tripped. */
  readonly tripped?: Destruction
}

/** Lets through what the hour has room for, counts it, and freezes with the first for which there is none. */
export function countHarms(scope: Scope, harms: readonly Harm[], limits: Counts, nowMs: number): Counted {
  const before = countsIn(scope.slots, nowMs)
  const taken = { settled: 0, recent: 0 }
  let frozen = scope.frozen
  let tripped: Destruction | undefined
  const passes = harms.map((harm) => {
    const standing = standingOf({ ...scope, ...(frozen ? { frozen } : {}) }, harm, nowMs)
    if (standing !== 'count') return standing === 'pass'
    if (before[harm.kind] + taken[harm.kind] < limits[harm.kind]) {
      taken[harm.kind]++
      return true
    }
    frozen = freezeOf(frozen, harm.kind, limits, nowMs)
    tripped = harm.kind
    return false
  })
  const slots = taken.settled + taken.recent > 0 ? addToSlots(scope.slots, nowMs, taken) : scope.slots
  const held = harms.filter((_, index) => !passes[index])
  const next = withHeld({ ...scope, slots, ...(frozen ? { frozen } : {}) }, held)
  return { scope: next, passes, ...(tripped ? { tripped } : {}) }
}

function freezeOf(known: Freeze | undefined, kind: Destruction, limits: Counts, nowMs: number): Freeze {
  const what = kind === 'settled' ? 'deleted, or overwrote what had rested for a day' : 'overwrote'
  const reason = `Within an hour the peer ${what} more than ${limits[kind]} records.`
  const kinds: Destruction[] = kind === 'recent' ? ['settled', 'recent'] : ['settled']
  return { sinceMs: known?.sinceMs ?? nowMs, by: 'limit', reason, kinds }
}

const examplesMax = 20

/** A bounded memory of what is held: a number of offers, and the first few. */
export function withHeld(scope: Scope, harms: readonly Harm[]): Scope {
  if (harms.length === 0) return scope
  const { offers = 0, examples = [] } = scope.held ?? {}
  const fresh = harms
    .map(({ offered: { key, stamp, deleted } }): Example => ({ ...key, stamp, deleted }))
    .filter((one) => !examples.some((each) => each.id === one.id && each.collection === one.collection))
  return { ...scope, held: { offers: offers + harms.length, examples: [...examples, ...fresh].slice(0, examplesMax) } }
}
