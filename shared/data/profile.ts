import { canonicalJson, type Json, type JsonObject } from '../domain/json.ts'
import { distinct } from './distinct.ts'
import { exactSum } from './exact-sum.ts'
import { microsOf } from './instant.ts'
import { quantiles } from './quantiles.ts'
import { spread } from './spread.ts'
import { joinTypes, typeOfJson, type ColumnType } from './types.ts'

/** Columns beyond these are counted, not profiled. */
const profiledColumnsMax = 256
const omittedNamesMax = 10_000
const topValuesMax = 10
const histogramBins = 20
/** Digits of a second past those that `microsOf` takes. */
const finer = /(\.\d{6})\d+/

export interface Profiler {
  add(row: JsonObject): void
  /** `{ rows, columnsOmitted, columns: [{ name, type, count, missing, distinct, quantiles, histogram, ... }] }` */
  result(): JsonObject
}

/**
 * Describes the columns of any number of rows at flat memory; the same rows in any order give the same result. `names` says
 * which columns there are, in their order: rows from elsewhere, whose members may stand in another, then give the same too.
 */
export function profiler(names: readonly string[]): Profiler {
  const columns = new Map(names.slice(0, profiledColumnsMax).map((name) => [name, columnProfile()]))
  const omitted = new Set(names.slice(profiledColumnsMax))
  let rows = 0
  return {
    add(row) {
      rows++
      for (const name of Object.keys(row)) {
        const column = columns.get(name)
        if (column) column.add(row[name] ?? null)
        else if (omitted.size < omittedNamesMax) omitted.add(name)
      }
    },
    result: () => ({
      rows,
      columnsOmitted: omitted.size,
      columns: [...columns].map(([name, column]) => ({ name, ...column.result(rows) })),
    }),
  }
}

/** The whole profile: what is known of the rows, and how many there were that are none. */
export const profileOf = (made: Profiler, badRowCount: number): JsonObject => ({ ...made.result(), badRowCount })

interface ColumnProfile {
  add(value: Json): void
  result(rows: number): JsonObject
}

function columnProfile(): ColumnProfile {
  const values = distinct()
  const ranks = quantiles()
  const stretches = spread()
  const moments = spread()
  const sum = exactSum()
  let [count, numbers, low, high] = [0, 0, Infinity, -Infinity]
  let [shortest, longest] = [Infinity, 0]
  let first: string | undefined
  let last: string | undefined
  let type: ColumnType | undefined
  return {
    add(value) {
      if (value === null) return
      count++
      const own = typeOfJson(value)
      type = joinTypes(type, own)
      values.add(value, textOf(value))
      if (typeof value === 'number') {
        numbers++
        sum.add(value)
        ranks.add(value)
        stretches.add(value)
        low = Math.min(low, value)
        high = Math.max(high, value)
      } else if (typeof value === 'string') {
        shortest = Math.min(shortest, value.length)
        longest = Math.max(longest, value.length)
        const micros = own === 'date' || own === 'datetime' ? microsOf(value.replace(finer, '$1')) : undefined
        if (micros !== undefined) moments.add(Number(micros / 1_000n))
        if (first === undefined || value < first) first = value
        if (last === undefined || value > last) last = value
      }
    },
    result(rows) {
      const top = values.top(topValuesMax)
      const temporal = type === 'date' || type === 'datetime'
      return {
        type: type ?? 'string',
        count,
        missing: rows - count,
        distinct: Math.min(count, values.count()),
        distinctExact: values.exact,
        ...(numbers > 0 && {
          min: low,
          max: high,
          mean: sum.total() / numbers,
          quantiles: ranked(ranks),
          // Whole numbers that lie close together have a bin each.
          histogram: stretches.histogram(type === 'integer' ? Math.min(histogramBins, high - low + 1) : histogramBins),
        }),
        ...(temporal && first !== undefined && last !== undefined && { min: first, max: last }),
        ...(temporal && { histogram: datedHistogram(moments) }),
        ...(longest > 0 && !temporal && { lengthMin: shortest, lengthMax: longest }),
        ...(top && { top }),
      }
    },
  }
}

/** Its bounds are moments in UTC. */
function datedHistogram(moments: ReturnType<typeof spread>): JsonObject {
  const { from, to, counts } = moments.histogram(histogramBins)
  const textOfMs = (ms: number): string => new Date(ms).toISOString()
  return counts.length === 0 ? { counts } : { from: textOfMs(from), to: textOfMs(to), counts }
}

function textOf(value: Json): string {
  if (typeof value === 'string') return value
  return typeof value === 'object' ? canonicalJson(value) : String(value)
}

function ranked(ranks: ReturnType<typeof quantiles>): JsonObject {
  const at = (fraction: number): Json => ranks.at(fraction) ?? null
  return { p5: at(0.05), p25: at(0.25), p50: at(0.5), p75: at(0.75), p95: at(0.95), exact: ranks.exact }
}
