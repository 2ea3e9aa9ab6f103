import type { Random } from '../../shared/ports/clock.ts'
import { memoryRandom } from '../memory/clock.ts'

/** One stream of chance. */
export interface Chance extends Random {
  /** True once in `n` on average; never when `n` is 0. */
  oneIn(n: number): boolean
  /** A whole number from 0 to `count` - 1. */
  pick(count: number): number
  /** A whole number from `min` to `max`. */
  between(min: number, max: number): number
  of<Item>(items: readonly Item[]): Item
}

/** Streams of their own, so that a change to one kind of decision leaves the others of a seed as they were. */
export interface Streams {
  /** What kind of run it is. */
  readonly profile: Chance
  readonly workload: Chance
  readonly network: Chance
  readonly faults: Chance
  readonly scheduling: Chance
  /** What an operator does. */
  readonly operator: Chance
  /** Which bytes are brought, and whose they are, where some are alike. */
  readonly bytes: Chance
  /** Who comes when, without a session. */
  readonly visits: Chance
  /** Which object goes bad where it lies. */
  readonly decay: Chance
  /** Which site runs an older version, and until when. */
  readonly upgrade: Chance
  /** What the code under test draws. */
  readonly code: Chance
}

export const makeStreams = (seed: number): Streams => {
  const stream = (salt: number) =>
    chanceOf(memoryRandom((Math.imul(seed, 0x9e3779b1) ^ Math.imul(salt, 0x85ebca6b)) >>> 0))
  return {
    profile: stream(6),
    workload: stream(1),
    network: stream(2),
    faults: stream(3),
    scheduling: stream(4),
    code: stream(5),
    operator: stream(7),
    bytes: stream(8),
    visits: stream(9),
    decay: stream(10),
    upgrade: stream(11),
  }
}

function chanceOf(random: Random): Chance {
  const pick = (count: number): number => Math.floor(random.fraction() * count)
  return {
    ...random,
    pick,
    oneIn: (n) => n > 0 && random.fraction() < 1 / n,
    between: (min, max) => min + pick(max - min + 1),
    of: (items) => items[pick(items.length)] as (typeof items)[number],
  }
}
