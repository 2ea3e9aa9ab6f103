import { sha256Base64Url } from '../domain/hash.ts'
import { canonicalJson, jsonEqual } from '../domain/json.ts'
import { idempotencyMs } from '../domain/limits.ts'
import type { AppliedKey, RecordState } from '../domain/record.ts'
import { peerOf, type Site } from '../domain/site.ts'
import { stampMs, stampSite, type Stamp } from '../domain/stamp.ts'
import { lostInMerge, lostOnTheWay, type Loser } from './lost-fields.ts'
import { mergeFields } from './merge-fields.ts'
import { compareVectors, joinVectors } from './vector.ts'

/** The loser must be stored before anything else is done with the merge; it is absent when nothing is lost. */
export type Merge = Outcome & {
  /** What lost of a record that merges by field. */
  readonly parts?: readonly Loser[]
}

type Outcome =
  /** The stored state has seen the offered one: its place is taken, by one that had seen it or by one that it lost to. */
  | { readonly kind: 'known'; readonly loser?: RecordState }
  /** The offered state has seen the stored one, knowingly or in a merge at the peer, and takes its place. */
  | { readonly kind: 'replace'; readonly state: RecordState; readonly loser?: RecordState }
  /** Neither has seen the other. */
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
      return { kind: 'known' }
    case 'before':
      return { kind: 'known', ...overruledBy(stored, offered) }
    case 'after':
      return { kind: 'replace', state: offered, ...overruledBy(offered, stored) }
    case 'concurrent':
      return resolve(stored, offered)
  }
}

/**
 * The older state when the newer one has seen it in a merge alone. The site that merged keeps it too; but that may burn, and
 * the older state may be in the only other hands.
 */
function overruledBy(newer: RecordState, older: RecordState): Pick<Merge, 'loser' | 'parts'> {
  if (newer.fields) return inParts(lostOnTheWay(older, newer))
  const isOther = older.stamp !== newer.stamp && newer.vector[stampSite(older.stamp)] === older.stamp
  return newer.overruled !== undefined && isOther && !isAlike(newer, older) ? { loser: older } : {}
}

function resolve(a: RecordState, b: RecordState): Merge {
  const [winner, loser] = a.stamp > b.stamp ? [a, b] : [b, a]
  if (winner.fields || loser.fields) return resolveFields(winner, loser)
  const merged: RecordState = {
    ...winner,
    vector: joinVectors(a.vector, b.vector),
    ...joinApplied(winner, loser),
    ...overruledIn(winner, loser),
  }
  return isAlike(winner, loser) ? { kind: 'conflict', winner: merged } : { kind: 'conflict', winner: merged, loser }
}

/** The later state says whether the record lives, and each field is as its later edit left it. */
function resolveFields(winner: RecordState, loser: RecordState): Merge {
  const { key, stamp, deleted, createdMs } = winner
  const applied = joinApplied(winner, loser)
  const { body, fields } = mergeFields(winner, loser)
  const merged: RecordState = {
    key,
    vector: joinVectors(winner.vector, loser.vector),
    stamp,
    deleted,
    body: deleted ? null : body,
    createdMs,
    ...applied,
    fields,
  }
  const lost = [...lostInMerge(winner, loser, { deleted, body }), ...lostInMerge(loser, winner, { deleted, body })]
  return { kind: 'conflict', winner: merged, ...inParts(lost) }
}

const inParts = (parts: readonly Loser[]): Pick<Merge, 'parts'> => (parts.length > 0 ? { parts } : {})

/** All that lost. */
export const losersIn = ({ loser, parts = [] }: Merge): readonly Loser[] => (loser ? [loserOf(loser), ...parts] : parts)

const loserOf = ({ key, stamp, deleted, body, createdMs }: RecordState): Loser => ({
  key,
  stamp,
  deleted,
  body,
  createdMs,
})

const isAlike = (a: RecordState, b: RecordState): boolean => a.deleted === b.deleted && jsonEqual(a.body, b.body)

/**
 * The winner had not seen the other site's write in the loser's vector, or the two would not have met. When the loser is an
 * older write of the winner's own site that had met that write before, it tells the print of it.
 */
function overruledIn(winner: RecordState, loser: RecordState): Pick<RecordState, 'overruled'> {
  if (stampSite(loser.stamp) === peerOf(stampSite(winner.stamp))) return { overruled: printOf(loser) }
  return loser.overruled === undefined ? {} : { overruled: loser.overruled }
}

/**
 * What a write at `site` on top of `state` says of the other site's write: it is still overruled unless the state says the same
 * as it did. The write takes the place of its own site's, so what was overruled of that has served its time.
 */
export function stillOverruled(state: RecordState, site: Site): Pick<RecordState, 'overruled'> {
  const { overruled } = state
  return overruled !== undefined && stampSite(state.stamp) === site && isLossIn(state) ? { overruled } : {}
}

/** Whether something was lost in the merge that a state came from: the two may have said the same. */
export const isLossIn = (state: Pick<RecordState, 'body' | 'overruled'>): boolean =>
  state.overruled !== undefined && state.overruled !== printOf(state)

const printBytes = 12

/** Of what a state says, whoever wrote it: 72 bits, as many as a digest has. */
const printOf = ({ body }: Pick<RecordState, 'body'>): string =>
  sha256Base64Url(canonicalJson(body)).slice(0, printBytes)

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
