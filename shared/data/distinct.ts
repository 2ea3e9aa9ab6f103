import type { Json } from '../domain/json.ts'

/** Up to this many different values their number and counts are exact; then the number is usually within 5 %. */
export const distinctExactMax = 2_048
const shownCharactersMax = 100

interface Distinct {
  add(value: Json, text: string): void
  readonly exact: boolean
  count(): number
  /** The commonest values, ties in order of text; undefined when there are too many to count each. */
  top(max: number): { value: Json; count: number }[] | undefined
}

interface Entry {
  readonly hash: number
  readonly text: string
  readonly value: Json
  count: number
}

/**
 * Keeps the values with the smallest hashes: few values are all kept and counted exactly, of many the spread of the kept
 * hashes tells how many there are. The result doesn't depend on the order of the values.
 * Source: Bar-Yossef et al., "Counting Distinct Elements in a Data Stream", 2002.
 */
export function distinct(): Distinct {
  let kept = new Map<number, Entry>()
  let limit = hashRange
  let overflown = false
  const cut = (): void => {
    const smallest = [...kept.values()].sort((a, b) => a.hash - b.hash).slice(0, distinctExactMax)
    kept = new Map(smallest.map((entry) => [entry.hash, entry]))
    limit = smallest.at(-1)?.hash ?? hashRange
    overflown = true
  }
  return {
    get exact() {
      return !overflown && kept.size <= distinctExactMax
    },
    add(value, text) {
      const hash = hash53(text)
      const entry = kept.get(hash)
      if (entry) entry.count++
      else if (hash <= limit) {
        kept.set(hash, { hash, text: text.slice(0, shownCharactersMax), value: shown(value, text), count: 1 })
        if (kept.size > distinctExactMax * 2) cut()
      }
    },
    count() {
      if (kept.size > distinctExactMax) cut()
      return overflown ? Math.round(((distinctExactMax - 1) / limit) * hashRange) : kept.size
    },
    top(max) {
      if (overflown || kept.size > distinctExactMax) return undefined
      return [...kept.values()]
        .sort((a, b) => b.count - a.count || (a.text < b.text ? -1 : 1))
        .slice(0, max)
        .map(({ value, count }) => ({ value, count }))
    },
  }
}

/** Objects and lists are shown as text: the order of their members is not theirs. */
const shown = (value: Json, text: string): Json =>
  typeof value === 'string' || typeof value === 'object' ? text.slice(0, shownCharactersMax) : value

const hashRange = 2 ** 53
const { imul } = Math

/** 53 well-mixed bits of a text; for statistics only, anybody can make two texts collide. */
function hash53(text: string): number {
  let [a, b] = [0xdeadbeef, 0x41c6ce57]
  for (let index = 0; index < text.length; index++) {
    const code = text.charCodeAt(index)
    a = imul(a ^ code, 2_654_435_761)
    b = imul(b ^ code, 1_597_334_677)
  }
  a = imul(a ^ (a >>> 16), 2_246_822_507) ^ imul(b ^ (b >>> 13), 3_266_489_909)
  b = imul(b ^ (b >>> 16), 2_246_822_507) ^ imul(a ^ (a >>> 13), 3_266_489_909)
  return 4_294_967_296 * (b & 0x1fffff) + (a >>> 0)
}
