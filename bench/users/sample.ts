import { quantile } from '../figures.ts'

/** Numbers that were counted, of which no more than so many are kept. */
export interface Sample {
  readonly count: number
  /** Of all of them. */
  readonly mean: number
  add(value: number): void
  /** Exact while all are kept, then that of those which chance has kept. NaN of none. */
  quantile(fraction: number): number
}

const keptMaxDefault = 100_000

export function makeSample(keptMax = keptMaxDefault, random: () => number = Math.random): Sample {
  const kept: number[] = []
  let [count, sum] = [0, 0]
  return {
    get count() {
      return count
    },
    get mean() {
      return sum / count
    },
    add: (value) => {
      count++
      sum += value
      if (kept.length < keptMax) {
        kept.push(value)
        return
      }
      // Reservoir sampling: every value so far is among the kept ones with the same chance.
      const at = Math.floor(random() * count)
      if (at < keptMax) kept[at] = value
    },
    quantile: (fraction) => quantile(kept, fraction),
  }
}
