import type { Site } from '../../shared/domain/site.ts'
import { type Gauge, makeGauge } from './gauge.ts'
import { makeSample, type Sample } from './sample.ts'
import type { Step } from './schedule.ts'

/** `bytes` are those of an image, from the edge: a call that is none of the API's. */
export type Call = Step | 'bytes'

/** What a load has come to. Only its failures are kept by name, and no more of those than a few kinds. */
export interface Tally {
  /** Of every call that began once measuring had begun, failed ones too; by what was done, by site, and `all` of the API. */
  readonly tookMs: ReadonlyMap<string, Sample>
  /** How often each kind of failure was seen, from the very first call on. */
  readonly failures: ReadonlyMap<string, number>
  readonly failed: number
  /** Calls of any time that were answered, or failed. */
  readonly ended: number
  /** 429 or 503 with Retry-After, which was heeded. */
  readonly toldToWait: number
  readonly users: Gauge
  readonly underWay: Gauge
  readonly connections: Gauge
  readonly noteToldToWait: () => void
  note(what: { readonly call: Call; readonly site: Site; readonly beganMs: number; readonly failure?: string }): void
}

const failureKindsMax = 50

/** Measures calls that begin at `fromMs` or later, by the clock of `performance`. */
export function makeTally(fromMs: number): Tally {
  const [tookMs, failures] = [new Map<string, Sample>(), new Map<string, number>()]
  let [failed, ended, toldToWait] = [0, 0, 0]
  const measure = (name: string, ms: number): void => {
    const sample = tookMs.get(name) ?? makeSample()
    tookMs.set(name, sample)
    sample.add(ms)
  }
  return {
    tookMs,
    failures,
    get failed() {
      return failed
    },
    get ended() {
      return ended
    },
    get toldToWait() {
      return toldToWait
    },
    users: makeGauge(),
    underWay: makeGauge(),
    connections: makeGauge(),
    noteToldToWait: () => {
      toldToWait++
    },
    note: ({ call, site, beganMs, failure }) => {
      ended++
      if (failure !== undefined) {
        failed++
        const kind = failures.size < failureKindsMax || failures.has(failure) ? failure : 'others'
        failures.set(kind, (failures.get(kind) ?? 0) + 1)
      }
      if (beganMs < fromMs) return
      const ms = performance.now() - beganMs
      measure(call, ms)
      if (call === 'bytes') return
      measure('all', ms)
      measure(site, ms)
    },
  }
}
