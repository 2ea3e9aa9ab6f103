import { readFileSync, writeFileSync } from 'node:fs'
import { isDeepStrictEqual } from 'node:util'
import type { ProfileOverride } from './profile.ts'
import type { Order } from './workers.ts'

/** A seed that once failed, as small as it could be made, and what it found. */
export interface CorpusEntry extends Order {
  readonly seed: number
  readonly override: ProfileOverride
  readonly found: string
  /** Where the fault can be planted again: its name. */
  readonly bug?: string
}

const file = new URL('corpus.json', import.meta.url)

export const readCorpus = (): CorpusEntry[] => JSON.parse(readFileSync(file, 'utf8')) as CorpusEntry[]

/** Keeps a failure for ever; one that is there already stays as it is. */
export function keepInCorpus(entry: CorpusEntry): void {
  const corpus = readCorpus()
  if (corpus.some(({ seed, override }) => isDeepStrictEqual([seed, override], [entry.seed, entry.override]))) return
  writeFileSync(file, `${JSON.stringify([...corpus, entry], null, 2)}\n`)
}
