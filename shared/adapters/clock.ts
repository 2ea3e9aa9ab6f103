import { randomBytes } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Clock, Random } from '../ports/clock.ts'

/** The machine's clock. */
export const systemClock: Clock = {
  now: () => Date.now(),
  monotonicMs: () => performance.now(),
  sleep: async (ms, signal) => {
    try {
      await sleep(ms, undefined, signal ? { signal } : {})
    } catch (error) {
      signal?.throwIfAborted()
      throw error
    }
  },
}

/** The machine's source of chance, fit for secrets. */
export const systemRandom: Random = {
  bytes: (bytes) => new Uint8Array(randomBytes(bytes)),
  fraction: () => randomBytes(6).readUIntBE(0, 6) / 2 ** 48,
}
