import { setTimeout as sleep } from 'node:timers/promises'
import { failoverClient } from '../../client/failover.ts'
import { type Site, sites } from '../../shared/domain/site.ts'
import type { Clouds } from '../supervisor/clouds.ts'
import { apiOf } from '../tour/api.ts'
import { judge, untilAlike, type Verdict } from './holdings.ts'
import { type Ledger, newLedger } from './ledger.ts'
import { createsOf, editsOf, startLoad } from './load.ts'
import { untilServes } from './serves.ts'

/** `kill`: every process of the site dies at once. `hang`: they stand still, so that connections open and nothing answers. */
export const faults = ['kill', 'hang'] as const
export type Fault = (typeof faults)[number]

export interface RoundOptions {
  readonly site: Site
  readonly fault: Fault
  readonly key: string
  readonly workers: number
  readonly calmMs: number
  readonly awayMs: number
  readonly run: string
}

export interface Round {
  readonly ledger: Ledger
  readonly verdict: Verdict
  /** The moments, on the clock of the ledger. */
  readonly faultMs: number
  readonly returnMs: number
  readonly servesMs: number
  readonly alikeMs: number
}

const pauseMs = 150
const convergeMsMax = 180_000

/** Steady load at both sites; one goes away, later it returns; then both are compared with what clients were promised. */
export async function runRound(clouds: Clouds, options: RoundOptions): Promise<Round> {
  const { site, fault, key, workers, run } = options
  const ledger = newLedger()
  const origins = sites.map((each) => clouds.urls[each].api)
  const clients = Array.from({ length: workers }, (_, index) =>
    // Half of them prefer the one site, half the other.
    failoverClient({
      origins: index % 2 === 0 ? origins : origins.toReversed(),
      headers: { authorization: `Bearer ${key}` },
    }),
  )
  const load = startLoad({ clients, run, pauseMs, ledger })
  await sleep(options.calmMs)
  const faultMs = performance.now()
  if (fault === 'kill') await clouds.loseSite(site)
  else clouds.freezeSite(site)
  await sleep(options.awayMs)
  const returnMs = performance.now()
  if (fault === 'kill') await clouds.startSite(site)
  else clouds.wakeSite(site)
  const servesMs = await untilServes(apiOf(site, clouds.urls[site].api, key))
  await sleep(options.calmMs)
  await load.stop()
  const api = (each: Site) => apiOf(each, clouds.urls[each].api, key)
  const apis = { aws: api('aws'), azure: api('azure') }
  const holdings = await untilAlike(apis, [createsOf(run), editsOf(run)], { timeoutMs: convergeMsMax })
  return { ledger, verdict: judge(ledger, holdings), faultMs, returnMs, servesMs, alikeMs: performance.now() }
}
