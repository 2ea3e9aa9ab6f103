import { jsonEqual } from '../domain/json.ts'
import { idempotencyMs } from '../domain/limits.ts'
import type { AppliedKey, RecordState } from '../domain/record.ts'
import { stampMs, type Stamp } from '../domain/stamp.ts'
import { compareVectors, joinVectors } from './vector.ts'

export type Merge =
  /** The stored state has seen the offered one: nothing to do. */
  | { readonly kind: 'known' }
  /** The offered state has seen the stored one: it takes its place. */
  | { readonly kind: 'replace'; readonly state: RecordState }
  /** Neither has seen the other. The loser must be stored before the winner; it is absent when nothing is lost with it. */
  | { readonly kind: 'conflict'; readonly winner: RecordState; readonly loser?: RecordState }

/**
 * What becomes of a stored state when the peer offers another. Commutative, associative and idempotent, so both sites
 * come to the same state whatever the order and the number of deliveries. The later stamp wins; stamps hold the site
 * as their last part, so two are never equal unless they name the same write.
 */
export function mergeStates(stored: RecordState | undefined, offered: RecordState): Merge {
  if (!stored) return { kind: 'replace', state: offered }
  switch (compareVectors(offered.vector, stored.vector)) {
    case 'equal':
    case 'before':
      return { kind: 'known' }
    case 'after':
      return { kind: 'replace', state: offered }
    case 'concurrent':
      return resolve(stored, offered)
  }
}

function resolve(a: RecordState, b: RecordState): Merge {
  const [winner, loser] = a.stamp > b.stamp ? [a, b] : [b, a]
  const merged: RecordState = { ...winner, vector: joinVectors(a.vector, b.vector), ...joinApplied(winner, loser) }
  const nothingLost = loser.deleted === winner.deleted && jsonEqual(loser.body, winner.body)
  return nothingLost ? { kind: 'conflict', winner: merged } : { kind: 'conflict', winner: merged, loser }
}

/** Keeps what both sides have honoured, so that a retry of the losing write is recognised too. */
function joinApplied(winner: RecordState, loser: RecordState): Pick<RecordState, 'applied'> {
  const byKey = new Map<string, AppliedKey>()
  for (const applied of [...(winner.applied ?? []), ...(loser.applied ?? [])]) {
    const known = byKey.get(applied.key)
    if (!known || known.stamp < applied.stamp) byKey.set(applied.key, applied)
  }
  const kept = pruneApplied([...byKey.values()], winner.stamp)
  return kept.length > 0 ? { applied: kept } : {}
}

const appliedKeysMax = 64

/** Keys younger than the honoured time before `stamp`, newest last, bounded. */
export function pruneApplied(applied: readonly AppliedKey[], stamp: Stamp): AppliedKey[] {
  return applied
    .filter((entry) => stampMs(entry.stamp) > stampMs(stamp) - idempotencyMs)
    .sort((a, b) => (a.stamp < b.stamp ? -1 : 1))
    .slice(-appliedKeysMax)
}
