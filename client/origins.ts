/** Which of the sites to ask, in what order. */
export interface Origins {
  /** Those in good standing, the preferred one first; all of them when none is. */
  inOrder(): readonly string[]
  /** It did not answer, or said that it cannot: it is left alone for a while. */
  failed(origin: string): void
  answered(origin: string): void
}

interface Rest {
  readonly untilMs: number
  readonly ms: number
  probing: boolean
}

export interface OriginsOptions {
  readonly origins: readonly string[]
  readonly nowMs: () => number
  /** Whether the origin can do its work again. Never rejects. */
  readonly probe: (origin: string) => Promise<boolean>
}

const restMsMin = 1_000
const restMsMax = 30_000

/**
 * Remembers which site is in trouble, so that only the first calls pay for finding out. When its rest is over the next call
 * has it probed beside its own way, and it is asked again only once a probe has gone well: no call is the guinea pig.
 */
export function originsOf({ origins, nowMs, probe }: OriginsOptions): Origins {
  const resting = new Map<string, Rest>()
  const failed = (origin: string): void => {
    const ms = Math.min((resting.get(origin)?.ms ?? restMsMin / 2) * 2, restMsMax)
    resting.set(origin, { untilMs: nowMs() + ms, ms, probing: false })
  }
  const look = async (origin: string, rest: Rest): Promise<void> => {
    rest.probing = true
    const isBack = await probe(origin)
    // A call may have found out meanwhile.
    if (resting.get(origin) !== rest) return
    if (isBack) resting.delete(origin)
    else failed(origin)
  }
  return {
    inOrder: () => {
      for (const [origin, rest] of resting) if (!rest.probing && nowMs() >= rest.untilMs) void look(origin, rest)
      const well = origins.filter((origin) => !resting.has(origin))
      return well.length > 0 ? well : origins
    },
    // Calls that were under way together fail together, and count once.
    failed: (origin) => {
      if ((resting.get(origin)?.untilMs ?? 0) <= nowMs()) failed(origin)
    },
    answered: (origin) => void resting.delete(origin),
  }
}
