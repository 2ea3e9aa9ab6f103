const stretchesMax = 4_096
/** Finer than any two numbers near one differ, and still a number that can be divided by. */
const exponentMin = -1_000
const mantissaBits = 52

interface Spread {
  add(value: number): void
  /**
   * How many values lie in each of `bins` equal parts of what lies `from` the least `to` the greatest, which belongs to the
   * last. Values at an edge may be counted on its other side, by less than a thousandth of the whole.
   */
  histogram(bins: number): { from: number; to: number; counts: number[] }
}

/**
 * How values spread from the least to the greatest, at flat memory and whatever their order: counted in stretches of a power
 * of two that are joined in pairs whenever they become too many. The final stretch follows from the bounds alone.
 */
export function spread(): Spread {
  let stretches = new Map<number, number>()
  let exponent = exponentMin
  let [low, high] = [Infinity, -Infinity]
  const widen = (): void => {
    const next = exponentFor(low, high, exponent)
    if (next === exponent) return
    const joined = new Map<number, number>()
    for (const [key, count] of stretches) {
      // A power that is too small to be a number would take the sign away.
      const at = Math.floor(key * 2 ** Math.max(exponent - next, exponentMin))
      joined.set(at, (joined.get(at) ?? 0) + count)
    }
    stretches = joined
    exponent = next
  }
  return {
    add(value) {
      if (value < low || value > high) {
        low = Math.min(low, value)
        high = Math.max(high, value)
        widen()
      }
      const key = stretchOf(value, exponent)
      stretches.set(key, (stretches.get(key) ?? 0) + 1)
    },
    histogram(bins) {
      const counts = new Array<number>(low < high ? bins : Math.min(1, stretches.size)).fill(0)
      for (const [key, count] of stretches) {
        const middle = (key + 0.5) * 2 ** exponent
        // Halved, since the difference of two numbers may be too large to be one.
        const fraction = low < high ? (middle / 2 - low / 2) / (high / 2 - low / 2) : 0
        const bin = Math.min(counts.length - 1, Math.max(0, Math.floor(fraction * counts.length)))
        counts[bin] = (counts[bin] ?? 0) + count
      }
      return { from: low, to: high, counts }
    },
  }
}

/** A quotient that is too small to be a number still has its sign. */
function stretchOf(value: number, exponent: number): number {
  const quotient = value * 2 ** -exponent
  return quotient === 0 && value < 0 ? -1 : Math.floor(quotient)
}

/** The least power of two, from `exponent` on, by which the bounds are few enough stretches apart and not rounded. */
function exponentFor(low: number, high: number, exponent: number): number {
  const most = Math.max(Math.abs(low), Math.abs(high))
  let next = most === 0 ? exponent : Math.max(exponent, Math.ceil(Math.log2(most)) - mantissaBits)
  while (stretchOf(high, next) - stretchOf(low, next) >= stretchesMax) next++
  return next
}
