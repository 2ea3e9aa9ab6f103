import { sha256Base64Url } from '../domain/hash.ts'
import { canonicalJson, jsonEqual } from '../domain/json.ts'
import { idempotencyMs } from '../domain/limits.ts'
import type { AppliedKey, Overruled, RecordState } from '../domain/record.ts'
import { siteOf, type Origin } from '../domain/site.ts'
import { stampMs, stampOrigin, stampSite, type Stamp } from '../domain/stamp.ts'
import { lostInMerge, lostOnTheWay, type Loser } from './lost-fields.ts'
import { mergeFields } from './merge-fields.ts'
import { compareVectors, entriesOf, joinVectors, type Vector } from './vector.ts'

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
  const origin = stampOrigin(older.stamp)
  const isOverruled = newer.overruled?.[origin] !== undefined && newer.vector[origin] === older.stamp
  return isOverruled && !isAlike(newer, older) ? { loser: older } : {}
}

function resolve(a: RecordState, b: RecordState): Merge {
  const [winner, loser] = a.stamp > b.stamp ? [a, b] : [b, a]
  if (winner.fields || loser.fields) return resolveFields(winner, loser)
  const { overruled: _, ...won } = winner
  const vector = joinVectors(a.vector, b.vector)
  const merged: RecordState = {
    ...won,
    vector,
    ...joinApplied(winner, loser),
    ...overruledIn(winner, loser, vector),
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
 * Of what each other origin wrote last, what lost to the winner: it is the loser, or it had lost to one of the two before. Where
 * either of them had overwritten it knowingly there is nothing to keep.
 */
function overruledIn(winner: RecordState, loser: RecordState, vector: Vector): Pick<RecordState, 'overruled'> {
  const prints = entriesOf(vector).flatMap(([origin, stamp]) => {
    if (origin === stampOrigin(winner.stamp)) return []
    const told = [winner, loser]
      .filter((state) => state.vector[origin] === stamp)
      .map((state) => (state.stamp === stamp ? printOf(state) : state.overruled?.[origin]))
    const [print] = told
    return print === undefined || told.includes(undefined) ? [] : [[origin, print] as const]
  })
  return overruledOf(prints)
}

const overruledOf = (prints: readonly (readonly [string, string])[]): { readonly overruled?: Overruled } =>
  prints.length > 0 ? { overruled: Object.fromEntries(prints) } : {}

/**
 * What a write of `origin` on top of `state` says of the writes of others: they are still overruled unless the state says the
 * same as they did. When the state is a write of the other site, neither can hold any longer what that one had not seen.
 */
export function stillOverruled(state: RecordState, origin: Origin): Pick<RecordState, 'overruled'> {
  if (stampSite(state.stamp) !== siteOf(origin)) return {}
  const others = lossesIn(state).filter((other) => other !== origin)
  return overruledOf(others.map((other) => [other, state.overruled?.[other] ?? '']))
}

/** The origins whose newest write lost something in the merge that a state came from: the two may have said the same. */
export const lossesIn = (state: Pick<RecordState, 'body' | 'overruled'>): Origin[] => {
  const prints = Object.entries(state.overruled ?? {})
  const own = prints.length > 0 ? printOf(state) : undefined
  return prints.flatMap(([origin, print]) => (print === own ? [] : [origin as Origin]))
}

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
