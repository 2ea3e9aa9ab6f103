/**
 * Counts of durations by size: the name is a step on a logarithmic scale, four to a doubling, so that a quantile is at most
 * 19 % too high whatever the range, and two histograms add up. Bounded: 37 hours are step 108.
 */
export type Histogram = Readonly<Record<string, number>>

const stepsPerDoubling = 4
const stepMax = 108

const stepOf = (ms: number): number =>
  Math.min(stepMax, Math.max(0, Math.ceil(stepsPerDoubling * Math.log2(Math.max(1, ms)))))

const upperMsOf = (step: number): number => Math.round(2 ** (step / stepsPerDoubling))

export function withValues(histogram: Histogram, values: readonly number[]): Histogram {
  const counts: Record<string, number> = { ...histogram }
  for (const ms of values) counts[stepOf(ms)] = (counts[stepOf(ms)] ?? 0) + 1
  return counts
}

export function sumOfHistograms(histograms: readonly Histogram[]): Histogram {
  const counts: Record<string, number> = {}
  for (const histogram of histograms) {
    for (const [step, count] of Object.entries(histogram)) counts[step] = (counts[step] ?? 0) + count
  }
  return counts
}

export const countOfHistogram = (histogram: Histogram): number =>
  Object.values(histogram).reduce((sum, count) => sum + count, 0)

/** The least step that a `fraction` of all values does not exceed, in milliseconds; undefined when there are none. */
export function quantileMs(histogram: Histogram, fraction: number): number | undefined {
  const wanted = Math.ceil(countOfHistogram(histogram) * fraction)
  let seen = 0
  for (const step of Object.keys(histogram)
    .map(Number)
    .sort((a, b) => a - b)) {
    seen += histogram[step] ?? 0
    if (seen >= wanted) return upperMsOf(step)
  }
  return undefined
}
