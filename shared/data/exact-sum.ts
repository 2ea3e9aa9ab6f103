/**
 * A sum that doesn't depend on the order of its terms: exact partial sums, rounded once at the end.
 * Source: Shewchuk, "Adaptive Precision Floating-Point Arithmetic", 1997.
 */
export function exactSum(): { add(value: number): void; total(): number } {
  const partials: number[] = []
  return {
    add(value) {
      let x = value
      let kept = 0
      for (const partial of partials) {
        const [large, small] = Math.abs(x) < Math.abs(partial) ? [partial, x] : [x, partial]
        const high = large + small
        const low = small - (high - large)
        if (low !== 0) partials[kept++] = low
        x = high
      }
      partials.length = kept
      partials.push(x)
    },
    total: () => partials.reduce((sum, partial) => sum + partial, 0),
  }
}
