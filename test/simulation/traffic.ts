import { keyText, type RecordState } from '../../shared/domain/record.ts'
import type { Site } from '../../shared/domain/site.ts'
import { vectorText } from '../../shared/replication/vector.ts'
import type { World } from './world.ts'

/** Who asked for how much, and how much of it was asked again. */
export interface Traffic {
  /** Requests of clients: when they were made, and whether they were answered. */
  readonly requests: { readonly atMs: number; readonly isAnswered: boolean }[]
  /** When clients made a request again that had not been answered. */
  readonly requestsAgainMs: number[]
  /** Calls to the record stores once the crowd has been gone for so long that all should be well: all, and tries again. */
  readonly lateStoreCalls: { all: number; again: number }
  calls: number
  /** Calls to the peer that offered something for another time. */
  callsAgain: number
  /** When the crowd was gone, in virtual milliseconds. */
  crowdGoneMs: number
  /** When new records were last made at both sites at once. */
  rushedMs: number
  offered(from: Site, states: readonly RecordState[]): void
  /** Whether a store that takes so many calls a second takes one more now. */
  takes(site: Site, call: { readonly atMs: number; readonly isAgain: boolean }, perSecond: number): boolean
}

const burstSeconds = 2
const recoveryMs = 300_000
const goodputMin = 0.95
const retriesMax = 0.1
const requestsMin = 20

export function makeTraffic(): Traffic {
  const offeredBefore = new Set<string>()
  const buckets = new Map<Site, { left: number; atMs: number }>()
  const traffic: Traffic = {
    requests: [],
    requestsAgainMs: [],
    lateStoreCalls: { all: 0, again: 0 },
    calls: 0,
    callsAgain: 0,
    crowdGoneMs: 0,
    rushedMs: -Infinity,
    offered: (from, states) => {
      const names = states.map(({ key, vector }) => `${from} ${keyText(key)} ${vectorText(vector)}`)
      if (names.some((name) => offeredBefore.has(name))) traffic.callsAgain++
      for (const name of names) offeredBefore.add(name)
    },
    takes: (site, { atMs: nowMs, isAgain }, perSecond) => {
      const { left, atMs } = buckets.get(site) ?? { left: perSecond * burstSeconds, atMs: nowMs }
      const filled = Math.min(perSecond * burstSeconds, left + ((nowMs - atMs) / 1000) * perSecond)
      buckets.set(site, { left: Math.max(0, filled - 1), atMs: nowMs })
      if (isLate(traffic, nowMs)) {
        traffic.lateStoreCalls.all++
        if (isAgain) traffic.lateStoreCalls.again++
      }
      return filled >= 1
    },
  }
  return traffic
}

/** The crowd has come, and has been gone for the time in which all must be as before. */
const isLate = ({ crowdGoneMs }: Traffic, atMs: number): boolean => crowdGoneMs > 0 && atMs > crowdGoneMs + recoveryMs

/**
 * 17. Five minutes after the crowd has gone all is as before, and asking the peer again made up little of the traffic. While
 * the crowd is there, most of what it asks of the stores has to be asked again; afterwards that, too, must be little.
 */
export function slowRecovery({ profile, ledger: { traffic } }: World): string[] {
  if (profile.capacity === 0) return []
  const after = traffic.requests.filter(({ atMs }) => isLate(traffic, atMs))
  const goodput = after.filter(({ isAnswered }) => isAnswered).length / after.length
  const retries = traffic.callsAgain / (traffic.requests.length + traffic.calls)
  const requestsAgain = traffic.requestsAgainMs.filter((atMs) => isLate(traffic, atMs)).length / after.length
  const { all, again } = traffic.lateStoreCalls
  return [
    ...(after.length >= requestsMin && goodput < goodputMin ? [`17: goodput was ${goodput} after the overload`] : []),
    ...(retries > retriesMax ? [`17: ${retries} of all requests were retries`] : []),
    ...(requestsAgain > retriesMax ? [`17: ${requestsAgain} of the clients' requests were retries after it`] : []),
    ...(again > retriesMax * all ? [`17: ${again} of ${all} calls to the stores were retries after the overload`] : []),
  ]
}
