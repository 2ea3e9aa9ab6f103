/** Up to this many values quantiles are exact; then within 1 % of the value. */
const exactValuesMax = 4_096
const bucketsMax = 4_096
const accuracy = 0.01
const base = Math.log((1 + accuracy) / (1 - accuracy))

interface Quantiles {
  add(value: number): void
  readonly exact: boolean
  /** The value at rank `fraction` (0 to 1); undefined without values. */
  at(fraction: number): number | undefined
}

/**
 * Quantiles at flat memory that don't depend on the order of the values: exact for few, then counts in buckets whose
 * bounds grow by a fixed ratio. Source: Masson, Rim, Lee, "DDSketch", 2019.
 */
export function quantiles(): Quantiles {
  let values: number[] | undefined = []
  const buckets = new Map<number, number>()
  let count = 0
  let [low, high] = [Infinity, -Infinity]

  const sketch = (value: number): void => {
    const key = bucketKey(value)
    buckets.set(key, (buckets.get(key) ?? 0) + 1)
    if (buckets.size > bucketsMax) mergeNearZero(buckets)
  }
  return {
    get exact() {
      return values !== undefined
    },
    add(value) {
      count++
      low = Math.min(low, value)
      high = Math.max(high, value)
      if (!values) return sketch(value)
      values.push(value)
      if (values.length <= exactValuesMax) return
      for (const kept of values) sketch(kept)
      values = undefined
    },
    at(fraction) {
      if (count === 0) return undefined
      const rank = Math.min(count - 1, Math.max(0, Math.ceil(fraction * count) - 1))
      if (values) return [...values].sort((a, b) => a - b)[rank]
      let seen = 0
      for (const key of [...buckets.keys()].sort((a, b) => a - b)) {
        seen += buckets.get(key) ?? 0
        if (seen > rank) return Math.min(high, Math.max(low, bucketValue(key)))
      }
      return high
    },
  }
}

/** Keys sort as their values do: negative below zero, zero 0, positive above. The offset keeps small values apart from 0. */
const offset = 40_000

function bucketKey(value: number): number {
  if (value === 0) return 0
  const key = Math.ceil(Math.log(Math.abs(value)) / base) + offset
  return value < 0 ? -key : key
}

function bucketValue(key: number): number {
  if (key === 0) return 0
  const magnitude = (2 * Math.exp(base * (Math.abs(key) - offset))) / (Math.exp(base) + 1)
  return key < 0 ? -magnitude : magnitude
}

/** Values nearest to zero lose their resolution first. */
function mergeNearZero(buckets: Map<number, number>): void {
  const [first, second] = [...buckets.keys()].sort((a, b) => Math.abs(a) - Math.abs(b))
  if (first === undefined || second === undefined) return
  buckets.set(second, (buckets.get(second) ?? 0) + (buckets.get(first) ?? 0))
  buckets.delete(first)
}
