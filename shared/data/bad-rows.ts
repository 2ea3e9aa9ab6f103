import type { BadRow } from './row.ts'

/** Bad rows are counted exactly, and listed up to so many. */
const listedRowsMax = 10_000
const listedCharactersMax = 4 * 1024 ** 2

export interface BadRowList {
  add(row: BadRow): void
  readonly count: number
  readonly listed: number
  /** One `{ line, reason }` a line, in the order of the file. */
  ndjson(): string
}

export function badRowList(): BadRowList {
  const lines: string[] = []
  let count = 0
  let characters = 0
  return {
    get count() {
      return count
    },
    get listed() {
      return lines.length
    },
    add({ line, error }) {
      count++
      if (lines.length >= listedRowsMax || characters >= listedCharactersMax) return
      const text = JSON.stringify({ line, reason: error })
      characters += text.length
      lines.push(text)
    },
    ndjson: () => lines.map((line) => `${line}\n`).join(''),
  }
}
