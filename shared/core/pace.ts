import type { Services } from './services.ts'

export interface Cost {
  readonly records?: number
  readonly bytes?: number
}

export interface Rates {
  readonly recordsPerSecond?: number | undefined
  readonly bytesPerSecond?: number | undefined
}

/** Holds work to a rate: what was spent puts off what comes next. */
export interface Pace {
  /** Waits until the work before is paid for. */
  turn(): Promise<void>
  spend(cost: Cost): void
  /** How long the next turn would have to wait, in milliseconds. */
  owedMs(): number
}

/** `beforeWait` is called before every wait, which may take minutes at the lowest rates. */
export function makePace(
  { clock }: Pick<Services, 'clock'>,
  { recordsPerSecond, bytesPerSecond }: Rates,
  { signal, beforeWait }: { readonly signal: AbortSignal; readonly beforeWait: () => Promise<void> },
): Pace {
  let freeAtMs = clock.monotonicMs()
  const owedMs = (): number => Math.max(0, Math.ceil(freeAtMs - clock.monotonicMs()))
  return {
    owedMs,
    turn: async () => {
      const waitMs = owedMs()
      if (waitMs === 0) return
      await beforeWait()
      await clock.sleep(waitMs, signal)
    },
    spend: ({ records = 0, bytes = 0 }) => {
      const costMs = Math.max(
        recordsPerSecond === undefined ? 0 : (records * 1000) / recordsPerSecond,
        bytesPerSecond === undefined ? 0 : (bytes * 1000) / bytesPerSecond,
      )
      freeAtMs = Math.max(freeAtMs, clock.monotonicMs()) + costMs
    },
  }
}
