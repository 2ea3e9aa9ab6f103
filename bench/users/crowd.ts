import { setTimeout as sleep } from 'node:timers/promises'
import type { Ledger } from '../../local/drill/ledger.ts'
import type { Site } from '../../shared/domain/site.ts'
import { placeOf, spawnMsOf } from './schedule.ts'
import { makeTally, type Tally } from './tally.ts'
import type { Tenant } from './tenants.ts'
import { liveAs } from './user.ts'

export interface CrowdOptions {
  readonly users: number
  readonly rampMs: number
  /** From the last user's coming on; calls are measured from then, too. */
  readonly holdMs: number
  /** The mean time of a user between an answer and the next call. */
  readonly thinkMs: number
  readonly sites: readonly Site[]
  readonly tenants: readonly Tenant[]
  /** Of every tenant, and nobody else's. */
  readonly collection: string
  readonly urls: Readonly<Record<Site, { readonly api: string }>>
  readonly signal: AbortSignal
  /** Called now and then. */
  readonly onProgress?: (tally: Tally) => void
}

export interface Crowd {
  readonly tally: Tally
  /** What each tenant was promised, in the order of the tenants. */
  readonly ledgers: readonly Pick<Ledger, 'created' | 'edited'>[]
}

const progressMs = 10_000

/** Lets users come evenly, live side by side for a while, and leave. Rejects with the reason of the signal. */
export async function gather(options: CrowdOptions): Promise<Crowd> {
  const { users, rampMs, holdMs, sites, tenants, urls, onProgress, signal, ...rest } = options
  const beganMs = performance.now()
  const heldMs = beganMs + rampMs
  const tally = makeTally(heldMs)
  const homes = tenants.map((tenant) => ({ tenant, ledger: { created: new Map(), edited: new Map() } }))
  const progress = setInterval(() => onProgress?.(tally), progressMs)
  const living: Promise<void>[] = []
  try {
    for (let user = 0; user < users && !signal.aborted; user++) {
      const restMs = beganMs + spawnMsOf(user, { users, rampMs }) - performance.now()
      if (restMs > 0) await sleep(restMs, undefined, { signal }).catch(() => undefined)
      const [site, home] = placeOf(user, sites, homes)
      const place = { ...home, name: `u${user}`, site, apiUrl: urls[site].api }
      living.push(liveAs({ ...rest, ...place, tally, signal, endMs: heldMs + holdMs }))
    }
    await Promise.all(living)
  } finally {
    clearInterval(progress)
  }
  signal.throwIfAborted()
  return { tally, ledgers: homes.map(({ ledger }) => ledger) }
}
