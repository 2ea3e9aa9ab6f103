import { invariantOf } from './shrink.ts'
import { plantedBugs, type PlantedBug } from './planted-bugs.ts'
import { startWorker } from './workers.ts'

const seedsMaxDefault = 1_000

export interface Caught {
  readonly bug: string
  /** How many seeds it took; undefined when it got away. */
  readonly seeds?: number
  /** The number of the invariant, and what it says. */
  readonly invariant?: string
  readonly broken?: string
}

/** Runs seeds with one bug planted until a check fails. */
export async function hunt(bug: PlantedBug, from: number, seedsMax = seedsMaxDefault): Promise<Caught> {
  const worker = startWorker(bug.name)
  try {
    for (let seeds = 1; seeds <= seedsMax; seeds++) {
      const result = await worker.run({ seed: from + seeds - 1, override: bug.override })
      const [broken] = result.broken
      if (broken?.startsWith('0: the process ended')) throw new Error(`${bug.name}: ${broken}`)
      if (broken !== undefined) return { bug: bug.name, seeds, invariant: invariantOf(result), broken }
    }
    return { bug: bug.name }
  } finally {
    worker.stop()
  }
}

interface Options {
  readonly workers: number
  readonly from?: number | undefined
  readonly seedsMax?: number | undefined
  readonly bug: string | undefined
  readonly say: (text: string) => void
}

/** Plants one bug after another and prints the table; 1 when one gets away. */
export async function showPlanted({
  workers,
  from = 2,
  seedsMax = seedsMaxDefault,
  bug: wanted,
  say,
}: Options): Promise<number> {
  const bugs = plantedBugs.filter(({ name }) => wanted === undefined || name.includes(wanted))
  say(`${bugs.length} planted bugs, at most ${seedsMax} seeds each from ${from}\n`)
  say('seeds  check  bug')
  const queue = bugs[Symbol.iterator]()
  const away: string[] = []
  const work = async (): Promise<void> => {
    for (const bug of queue) {
      const { seeds, invariant, broken } = await hunt(bug, from, seedsMax)
      if (seeds === undefined) away.push(bug.name)
      say(`${String(seeds ?? 'AWAY').padStart(5)}  ${(invariant ?? '').padStart(5)}  ${bug.name}`)
      if (wanted !== undefined && broken) say(`              ${broken}`)
    }
  }
  await Promise.all(Array.from({ length: workers }, work))
  say(away.length > 0 ? `\n${away.length} got away: ${away.join('; ')}` : `\nall ${bugs.length} were caught`)
  return away.length > 0 ? 1 : 0
}
