import type { Clock, Random } from '../../shared/ports/clock.ts'

export interface MemoryClock extends Clock {
  /** Moves time on and wakes, in order of time, every sleeper whose moment has come. */
  advance(ms: number): Promise<void>
  /** Sets the wall clock alone, forwards or back, as a step of a bad clock would. */
  skew(ms: number): void
}

interface Sleeper {
  readonly wakeAtMs: number
  readonly wake: () => void
}

/** A clock that stands still until it is moved. */
export function memoryClock(startMs = Date.UTC(2026, 0, 1)): MemoryClock {
  let elapsedMs = 0
  let offsetMs = startMs
  const sleepers = new Set<Sleeper>()
  const settle = async (): Promise<void> => {
    for (let turn = 0; turn < 10; turn++) await Promise.resolve()
  }
  return {
    now: () => offsetMs + elapsedMs,
    monotonicMs: () => elapsedMs,
    sleep: (ms, signal) =>
      new Promise((resolve, reject) => {
        if (signal?.aborted) return reject(signal.reason)
        const abort = (): void => {
          sleepers.delete(sleeper)
          reject(signal?.reason)
        }
        const wake = (): void => {
          signal?.removeEventListener('abort', abort)
          resolve()
        }
        const sleeper: Sleeper = { wakeAtMs: elapsedMs + ms, wake }
        sleepers.add(sleeper)
        signal?.addEventListener('abort', abort, { once: true })
      }),
    advance: async (ms) => {
      const untilMs = elapsedMs + ms
      await settle()
      for (;;) {
        const [first] = [...sleepers]
          .filter(({ wakeAtMs }) => wakeAtMs <= untilMs)
          .sort((a, b) => a.wakeAtMs - b.wakeAtMs)
        if (!first) break
        sleepers.delete(first)
        elapsedMs = Math.max(elapsedMs, first.wakeAtMs)
        first.wake()
        await settle()
      }
      elapsedMs = untilMs
    },
    skew: (ms) => {
      offsetMs += ms
    },
  }
}

/** Numbers that follow from the seed alone (mulberry32). */
export function memoryRandom(seed = 1): Random {
  let state = seed >>> 0
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return (mixed ^ (mixed >>> 14)) >>> 0
  }
  return {
    bytes: (bytes) => Uint8Array.from({ length: bytes }, () => next() & 255),
    fraction: () => next() / 2 ** 32,
  }
}
