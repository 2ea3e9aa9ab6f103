import type { Origin } from '../domain/site.ts'
import type { Stamp } from '../domain/stamp.ts'

/**
 * Per record: the last stamp of each origin that a state has seen; that is of each site, until one goes back to a backup.
 * A version vector after Parker et al., 1983.
 */
export type Vector = Readonly<Partial<Record<Origin, Stamp>>>

export type Order = 'equal' | 'before' | 'after' | 'concurrent'

/** How `a` stands to `b`: `before` when `b` has seen all that `a` has and more. */
export function compareVectors(a: Vector, b: Vector): Order {
  const aMissesSome = missesSome(a, b)
  const bMissesSome = missesSome(b, a)
  if (aMissesSome && bMissesSome) return 'concurrent'
  if (aMissesSome) return 'before'
  return bMissesSome ? 'after' : 'equal'
}

function missesSome(vector: Vector, other: Vector): boolean {
  for (const origin in other) {
    if ((vector[origin as Origin] ?? '') < (other[origin as Origin] ?? '')) return true
  }
  return false
}

/** The element-wise maximum: a state that has seen both. */
export function joinVectors(a: Vector, b: Vector): Vector {
  const joined: Partial<Record<Origin, Stamp>> = {}
  for (const [origin, stamp] of [...entriesOf(a), ...entriesOf(b)]) {
    if ((joined[origin] ?? '') < stamp) joined[origin] = stamp
  }
  return joined
}

/** What is known of each origin, in the order of their names. */
export function entriesOf(vector: Vector): [Origin, Stamp][] {
  const entries: [Origin, Stamp][] = []
  for (const origin of Object.keys(vector).sort() as Origin[]) {
    const stamp = vector[origin]
    if (stamp) entries.push([origin, stamp])
  }
  return entries
}

/** The newest stamp in a vector; a record's state is the write that made this stamp. */
export function newestStamp(vector: Vector): Stamp | undefined {
  return Object.values(vector).reduce<Stamp | undefined>((newest, stamp) => later(newest, stamp), undefined)
}

/** One line of text per vector, equal for equal vectors: `aws=<stamp>,azure=<stamp>`. */
export const vectorText = (vector: Vector): string =>
  entriesOf(vector)
    .map(([origin, stamp]) => `${origin}=${stamp}`)
    .join(',')

export const later = (a: Stamp | undefined, b: Stamp | undefined): Stamp | undefined => ((a ?? '') >= (b ?? '') ? a : b)
