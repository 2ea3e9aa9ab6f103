import type { Clouds } from '../../local/supervisor/clouds.ts'

const sampleEveryMs = 250
const watched = ['aws-host', 'aws-services', 'aws-edge', 'azure-host', 'azure-services', 'azure-edge'] as const
/** An instance of a function once it has loaded its code. */
const idleBytes = 100 * 2 ** 20

export interface Growth {
  /** By process, with all that it started. */
  readonly peakMiB: Readonly<Record<string, number>>
  /** The most that any one of them grew by. */
  readonly grownMiB: Readonly<Record<string, number>>
}

export interface MemoryWatch {
  stop(): void
  growth(): Growth
}

/**
 * Resident memory again and again until stopped: the most that each process took together with all that it started, and the
 * most that any one of them grew by. An instance that is started meanwhile counts from what one takes that has nothing to do.
 */
export function watchMemory(clouds: Clouds): MemoryWatch {
  const first = watched.map(() => new Map<number, number>())
  const grown = watched.map(() => 0)
  const peak = watched.map(() => 0)
  const look = (leastBytes: number): void => {
    for (const [index, family] of clouds.rss(watched).entries()) {
      const known = first[index] ?? new Map<number, number>()
      for (const [pid, bytes] of family) {
        if (!known.has(pid)) known.set(pid, Math.max(bytes, leastBytes))
        grown[index] = Math.max(grown[index] ?? 0, bytes - (known.get(pid) ?? 0))
      }
      const sum = [...family.values()].reduce((all, bytes) => all + bytes, 0)
      peak[index] = Math.max(peak[index] ?? 0, sum)
    }
  }
  look(0)
  const timer = setInterval(() => look(idleBytes), sampleEveryMs)
  const mebibytes = (bytes: readonly number[]): Record<string, number> =>
    Object.fromEntries(watched.map((name, index) => [name, Math.round((bytes[index] ?? 0) / 2 ** 20)]))
  return {
    stop: () => clearInterval(timer),
    growth: () => ({ peakMiB: mebibytes(peak), grownMiB: mebibytes(grown) }),
  }
}
