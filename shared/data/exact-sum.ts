/**
 * A sum that doesn't depend on the order of its terms: exact partial sums, rounded once at the end.
 * Source: Shewchuk, "Adaptive Precision Floating-Point Arithmetic", 1997.
 */
export function exactSum(): { add(value: number): void; total(): number } {
  let partials: number[] = []
  return {
    add(value) {
      const next: number[] = []
      let x = value
      for (let y of partials) {
        if (Math.abs(x) < Math.abs(y)) [x, y] = [y, x]
        const high = x + y
        const low = y - (high - x)
        if (low !== 0) next.push(low)
        x = high
      }
      next.push(x)
      partials = next
    },
    total: () => partials.reduce((sum, partial) => sum + partial, 0),
  }
}
