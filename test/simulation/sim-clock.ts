const millionth = 1e-6
/** Never further from the true time than this by drifting alone. */
const driftMsMax = 300_000

/** A site's wall clock. */
export interface SimClock {
  /** Whole Unix milliseconds. */
  readonly now: () => number
  /** How far ahead of the true time it is. */
  readonly offsetMs: () => number
  /** Sets how far ahead it is; from then on it goes at the true rate. */
  readonly set: (offsetMs: number) => void
  /** From now on it gains this many millionths (more than -1,000,000), or loses them, until it is five minutes off. */
  readonly drift: (ppm: number) => void
  /** When it was last set, in virtual milliseconds. */
  readonly setMs: () => number
  /** The latest that it has ever shown. */
  readonly highMs: () => number
}

/** `virtualMs` is the true time since `startMs`. */
export function makeSimClock(startMs: number, virtualMs: () => number): SimClock {
  let [setMs, highMs] = [-1e9, 0]
  let from = { offsetMs: 0, atMs: 0, ppm: 0 }
  const offsetMs = (): number => {
    if (from.ppm === 0) return from.offsetMs
    const limitMs = Math.max(driftMsMax, Math.abs(from.offsetMs))
    const driftedMs = from.offsetMs + (virtualMs() - from.atMs) * from.ppm * millionth
    return Math.round(Math.max(-limitMs, Math.min(limitMs, driftedMs)))
  }
  const now = (): number => startMs + virtualMs() + offsetMs()
  const go = (fromMs: number, ppm: number): void => {
    highMs = Math.max(highMs, now())
    from = { offsetMs: fromMs, atMs: virtualMs(), ppm }
  }
  return {
    now,
    offsetMs,
    set: (ms) => {
      go(ms, 0)
      setMs = virtualMs()
    },
    drift: (ppm) => go(offsetMs(), ppm),
    setMs: () => setMs,
    highMs: () => Math.max(highMs, now()),
  }
}
