import { expect, test } from '@jest/globals'
import fc from 'fast-check'
import { chance } from '../../local/samples/chance.ts'
import { distinct, distinctExactMax } from '../../shared/data/distinct.ts'
import { exactSum } from '../../shared/data/exact-sum.ts'
import { profiler } from '../../shared/data/profile.ts'
import { quantiles } from '../../shared/data/quantiles.ts'
import { spread } from '../../shared/data/spread.ts'
import type { JsonObject } from '../../shared/domain/json.ts'

function shuffled<Item>(items: readonly Item[], seed: number): Item[] {
  const next = chance(seed)
  const copy = [...items]
  for (let index = copy.length - 1; index > 0; index--) {
    const other = Math.floor(next() * (index + 1))
    ;[copy[index], copy[other]] = [copy[other] as Item, copy[index] as Item]
  }
  return copy
}

function profile(rows: readonly JsonObject[]): JsonObject {
  const made = profiler(Object.keys(rows[0] ?? {}))
  for (const row of rows) made.add(row)
  return made.result()
}

const next = chance(77)
const rows: JsonObject[] = Array.from({ length: 20_000 }, (_, index) => ({
  id: index,
  price: index % 10 === 0 ? null : Math.exp(next() * 20 - 6) * (next() < 0.2 ? -1 : 1),
  kind: ['a', 'b', 'b', 'c', 'c', 'c'][Math.floor(next() * 6)] ?? 'a',
  day: `2024-0${1 + Math.floor(next() * 9)}-15`,
  mixed: index % 3 === 0 ? index : `t${index % 50}`,
}))

test('the same rows in any order give the same profile, to the last digit', () => {
  const expected = JSON.stringify(profile(rows))
  for (const seed of [1, 2, 3]) expect(JSON.stringify(profile(shuffled(rows, seed)))).toBe(expected)
})

test('counts, bounds, dates and commonest values are right', () => {
  const { rows: count, columns } = profile(rows)
  expect(count).toBe(rows.length)
  const kinds = new Map<unknown, number>()
  for (const row of rows) kinds.set(row.kind, (kinds.get(row.kind) ?? 0) + 1)
  expect(columns).toMatchObject([
    {
      name: 'id',
      type: 'integer',
      missing: 0,
      min: 0,
      max: 19_999,
      mean: 9_999.5,
      distinctExact: false,
      histogram: { from: 0, to: 19_999 },
    },
    { name: 'price', type: 'number', missing: 2_000, count: 18_000 },
    {
      name: 'kind',
      type: 'string',
      distinct: 3,
      distinctExact: true,
      top: ['c', 'b', 'a'].map((value) => ({ value, count: kinds.get(value) })),
    },
    {
      name: 'day',
      type: 'date',
      min: '2024-01-15',
      max: '2024-09-15',
      distinct: 9,
      histogram: { from: '2024-01-15T00:00:00.000Z', to: '2024-09-15T00:00:00.000Z' },
    },
    { name: 'mixed', type: 'string' },
  ])
})

test('quantiles are exact for few values and within 1 % for many', () => {
  for (const count of [1, 5, 4_096, 4_097, 50_000]) {
    const next = chance(count)
    const values = Array.from({ length: count }, () =>
      next() < 0.1 ? 0 : Math.exp(next() * 30 - 15) * (next() < 0.5 ? 1 : -1),
    )
    const sketch = quantiles()
    for (const value of values) sketch.add(value)
    const sorted = [...values].sort((a, b) => a - b)
    for (const fraction of [0, 0.01, 0.25, 0.5, 0.75, 0.99, 1]) {
      const expected = sorted[Math.min(count - 1, Math.max(0, Math.ceil(fraction * count) - 1))] ?? NaN
      const found = sketch.at(fraction) ?? NaN
      if (sketch.exact) expect(found).toBe(expected)
      else expect(Math.abs(found - expected)).toBeLessThanOrEqual(Math.abs(expected) * 0.0101)
    }
  }
})

const histogramOf = (values: readonly number[], bins: number): number[] => {
  const made = spread()
  for (const value of values) made.add(value)
  return made.histogram(bins).counts
}

test('histograms count every value once, in its place', () => {
  expect(histogramOf([1, 1, 2, 5, 5, 5], 5)).toEqual([2, 1, 0, 0, 3])
  expect(histogramOf([7, 7, 7], 20)).toEqual([3])
  expect(histogramOf([], 20)).toEqual([])
  expect(histogramOf([-Number.MAX_VALUE, 1, Number.MAX_VALUE], 2)).toEqual([1, 2])
  expect(histogramOf([-5e-324, 0, 5e-324], 2)).toEqual([1, 2])
  // Years, and numbers that differ in their last digits alone, spread as well as any.
  for (const [from, step] of [
    [1990, 1 / 1_000],
    [2 ** 52, 1],
    [0, 1e-300],
    [-1e9, 12_345.678],
  ] as const) {
    const values = Array.from({ length: 50_000 }, (_, index) => from + index * step)
    const counts = histogramOf(shuffled(values, 5), 10)
    expect(counts.reduce((sum, count) => sum + count, 0)).toBe(50_000)
    for (const count of counts) expect(Math.abs(count - 5_000)).toBeLessThan(40)
  }
})

test('a histogram does not depend on the order, however far the values lie apart', () => {
  fc.assert(
    fc.property(fc.array(fc.double({ noNaN: true, noDefaultInfinity: true })), fc.integer(), (values, seed) => {
      expect(histogramOf(shuffled(values, seed), 20)).toEqual(histogramOf(values, 20))
    }),
  )
})

test('members in another order, as a store gives them back, make the same profile', () => {
  const turned = rows.map((row) => Object.fromEntries(Object.entries(row).reverse()))
  const made = profiler(['id', 'price', 'kind', 'day', 'mixed'])
  for (const row of turned) made.add(row)
  expect(made.result()).toEqual(profile(rows))
})

test.each([1, distinctExactMax, distinctExactMax + 1, 10_000, 300_000])('%i different values are counted', (count) => {
  const values = distinct()
  for (let index = 0; index < count * 2; index++) values.add(`value ${index % count}`, `value ${index % count}`)
  if (count <= distinctExactMax) {
    expect([values.count(), values.exact]).toEqual([count, true])
    expect(values.top(1)).toEqual([{ value: expect.any(String), count: 2 }])
  } else {
    expect(values.exact).toBe(false)
    expect(values.top(1)).toBeUndefined()
    expect(Math.abs(values.count() - count) / count).toBeLessThan(0.09)
  }
})

test('a sum does not depend on the order, and is not lost among large terms', () => {
  const sumOf = (values: readonly number[]): number => {
    const sum = exactSum()
    for (const value of values) sum.add(value)
    return sum.total()
  }
  expect(sumOf([1e100, 1, -1e100, 1e-30])).toBe(1)
  fc.assert(
    fc.property(fc.array(fc.double({ noNaN: true, min: -1e200, max: 1e200 })), fc.integer(), (values, seed) => {
      expect(sumOf(shuffled(values, seed))).toBe(sumOf(values))
    }),
  )
})

test('memory stays flat over many rows of ever new values', () => {
  const made = profiler(['key', 'n'])
  for (let index = 0; index < 20_000; index++) made.add({ key: `key ${index}`, n: index * 1.7 })
  globalThis.gc?.()
  const before = process.memoryUsage().heapUsed
  for (let index = 0; index < 200_000; index++) made.add({ key: `other ${index}`, n: index * -0.3 })
  globalThis.gc?.()
  expect(process.memoryUsage().heapUsed - before).toBeLessThan(60 * 1024 ** 2)
})
