import { createReadStream } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { JsonObject } from '../domain/json.ts'

const runBytesMax = 16 * 1024 ** 2
/** Beside the text itself. */
const lineBytes = 100

interface Line {
  readonly key: string
  readonly text: string
}

/** Rows in order of a key, each key once, at flat memory: what is too much to be held is sorted in files. */
export interface SortedRows {
  /** Of two rows with one key, which are taken to be equal, one stays. */
  add(key: string, row: JsonObject): Promise<void>
  /** Files that hold what was added so far, each in order, but for what is held in memory. */
  readonly runs: readonly string[]
  /** Writes what is held in memory to a file. */
  spill(): Promise<void>
  /** Takes a file over that was one of `runs` before. */
  adopt(path: string): void
  /** Once, after the last row was added. */
  rows(): AsyncGenerator<JsonObject>
}

export function sortedRows(folder: string, { heldBytesMax = runBytesMax } = {}): SortedRows {
  const runs: string[] = []
  let held: Line[] = []
  let heldBytes = 0
  const inOrder = (): Line[] => held.sort((a, b) => compare(a.key, b.key))
  const spill = async (): Promise<void> => {
    if (held.length === 0) return
    const path = join(folder, `run-${runs.length}`)
    await writeFile(
      path,
      inOrder().map(({ key, text }) => `${JSON.stringify(key)}\t${text}\n`),
    )
    runs.push(path)
    ;[held, heldBytes] = [[], 0]
  }
  return {
    add: async (key, row) => {
      const text = JSON.stringify(row)
      held.push({ key, text })
      heldBytes += 2 * (key.length + text.length) + lineBytes
      if (heldBytes >= heldBytesMax) await spill()
    },
    runs,
    spill,
    adopt: (path) => void runs.push(path),
    rows: async function* () {
      let last: string | undefined
      for await (const { key, text } of merged([...runs.map(linesOf), inMemory(inOrder())])) {
        if (key !== last) yield JSON.parse(text) as JsonObject
        last = key
      }
    },
  }
}

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0)

async function* inMemory(lines: readonly Line[]): AsyncGenerator<Line> {
  yield* lines
}

async function* linesOf(path: string): AsyncGenerator<Line> {
  const stream = createReadStream(path)
  try {
    for await (const line of createInterface({ input: stream, crlfDelay: Number.POSITIVE_INFINITY })) {
      const tab = line.indexOf('\t')
      yield { key: JSON.parse(line.slice(0, tab)) as string, text: line.slice(tab + 1) }
    }
  } finally {
    stream.destroy()
  }
}

/** Always the least of the first lines. */
async function* merged(sources: readonly AsyncGenerator<Line>[]): AsyncGenerator<Line> {
  const heads: { line: Line; source: AsyncGenerator<Line> }[] = []
  const take = async (source: AsyncGenerator<Line>): Promise<void> => {
    const { value, done } = await source.next()
    if (!done) heads.push({ line: value, source })
  }
  try {
    for (const source of sources) await take(source)
    while (heads.length > 0) {
      let least = 0
      for (const [index, { line }] of heads.entries()) {
        if (compare(line.key, heads[least]?.line.key ?? '') < 0) least = index
      }
      const [head] = heads.splice(least, 1)
      if (!head) return
      yield head.line
      await take(head.source)
    }
  } finally {
    for (const { source } of heads) await source.return(undefined)
  }
}
