import { sites } from '../domain/site.ts'
import type { Site } from '../domain/site.ts'
import type { Stamp } from '../domain/stamp.ts'

/** Per record: the last stamp of each site that a state has seen. A version vector after Parker et al., 1983. */
export type Vector = Readonly<Partial<Record<Site, Stamp>>>

export type Order = 'equal' | 'before' | 'after' | 'concurrent'

/** How `a` stands to `b`: `before` when `b` has seen all that `a` has and more. */
export function compareVectors(a: Vector, b: Vector): Order {
  const aMissesSome = sites.some((site) => (a[site] ?? '') < (b[site] ?? ''))
  const bMissesSome = sites.some((site) => (b[site] ?? '') < (a[site] ?? ''))
  if (aMissesSome && bMissesSome) return 'concurrent'
  if (aMissesSome) return 'before'
  return bMissesSome ? 'after' : 'equal'
}

/** The element-wise maximum: a state that has seen both. */
export function joinVectors(a: Vector, b: Vector): Vector {
  const joined: Partial<Record<Site, Stamp>> = {}
  for (const site of sites) {
    const stamp = later(a[site], b[site])
    if (stamp) joined[site] = stamp
  }
  return joined
}

/** The newest stamp in a vector; a record's state is the write that made this stamp. */
export function newestStamp(vector: Vector): Stamp | undefined {
  return sites.reduce<Stamp | undefined>((newest, site) => later(newest, vector[site]), undefined)
}

/** One line of text per vector, equal for equal vectors: `aws=<stamp>,azure=<stamp>`. */
export const vectorText = (vector: Vector): string =>
  sites
    .filter((site) => vector[site])
    .map((site) => `${site}=${vector[site]}`)
    .join(',')

export const later = (a: Stamp | undefined, b: Stamp | undefined): Stamp | undefined => ((a ?? '') >= (b ?? '') ? a : b)
