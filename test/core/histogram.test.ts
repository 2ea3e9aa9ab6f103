import { expect, test } from '@jest/globals'
import fc from 'fast-check'
import { countOfHistogram, quantileMs, sumOfHistograms, withValues } from '../../shared/domain/histogram.ts'

const anyMs = fc.integer({ min: 1, max: 100_000_000 })
const anyValues = fc.array(anyMs, { minLength: 1, maxLength: 200 })

test('a quantile is the true one or at most 19 % above it, rounding aside', () => {
  fc.assert(
    fc.property(anyValues, fc.constantFrom(0.5, 0.9, 0.99, 1), (values, fraction) => {
      const sorted = [...values].sort((a, b) => a - b)
      const truth = sorted[Math.ceil(values.length * fraction) - 1] ?? 0
      const found = quantileMs(withValues({}, values), fraction) ?? 0
      expect(found).toBeGreaterThanOrEqual(truth - 0.5 - truth * 1e-9)
      expect(found).toBeLessThanOrEqual(truth * 1.19 + 1)
    }),
  )
})

test('histograms of several instances add up to the histogram of all', () => {
  fc.assert(
    fc.property(anyValues, anyValues, (a, b) => {
      const sum = sumOfHistograms([withValues({}, a), withValues({}, b)])
      expect(sum).toEqual(withValues({}, [...a, ...b]))
      expect(countOfHistogram(sum)).toBe(a.length + b.length)
    }),
  )
})

test('it stays small whatever comes, and knows nothing of nothing', () => {
  const every = Array.from({ length: 5000 }, (_, n) => n ** 3)
  expect(Object.keys(withValues({}, [...every, 0, -1, Number.MAX_SAFE_INTEGER])).length).toBeLessThanOrEqual(109)
  expect(quantileMs({}, 0.5)).toBeUndefined()
})
