import { type Figure, quantile } from '../../bench/figures.ts'
import type { Site } from '../../shared/domain/site.ts'
import type { Call } from './ledger.ts'
import type { Fault, Round } from './round.ts'

/** A call may take one try that was in vain, and one that was not. */
export const slowestCallMsBar = 3_000
const none = { atMost: 0 }

/** What a round came to, as figures with their bars. */
export function figuresOf(site: Site, fault: Fault, originLost: string, round: Round): Figure[] {
  const { ledger, verdict, faultMs, returnMs } = round
  const { calls } = ledger
  const during = calls.filter(({ beganMs }) => beganMs >= faultMs && beganMs < returnMs)
  const calm = calls.filter(({ beganMs, tookMs }) => beganMs + tookMs < faultMs)
  const name = (what: string): string => `${fault} ${site}: ${what}`
  const count = (what: string, value: number, bar?: Figure['bar']): Figure => ({
    name: name(what),
    value,
    unit: 'count',
    ...(bar ? { bar } : {}),
  })
  const millis = (what: string, value: number): Figure => ({ name: name(what), value, unit: 'ms' })
  return [
    count('calls', calls.length, { atLeast: 1 }),
    count('calls while it was away', during.length, { atLeast: 1 }),
    count(
      'tries in vain',
      calls.reduce((sum, { tries }) => sum + Math.max(0, tries.length - 1), 0),
    ),
    count('failed calls', calls.filter(({ failure }) => failure !== undefined).length, none),
    count('lost writes', verdict.lost.length, none),
    count('doubled writes', verdict.doubled.length, none),
    count('reads older than a session that was heeded', ledger.backwards, none),
    count('reads that went without the session and were older', ledger.olderReads),
    count('edits refused since the record had changed', ledger.refusedEdits),
    count('conflicts listed', verdict.conflicts),
    millis('call p50 before', quantile(calm.map(tookOf), 0.5)),
    millis('call p50 while away', quantile(during.map(tookOf), 0.5)),
    millis('call p99 while away', quantile(during.map(tookOf), 0.99)),
    millis('slowest call before', Math.max(0, ...calm.map(tookOf))),
    millis('slowest call from then on', slowestMs(round)),
    millis('until no call waited for it any more', recoveredMs(round, originLost)),
    millis('from its return until it served', round.servesMs - returnMs),
    millis('from its return until both were alike', round.alikeMs - returnMs),
  ]
}

const tookOf = ({ tookMs }: Call): number => tookMs

/** Of the calls that were under way when the site was lost, or came later. */
export const slowestMs = ({ ledger, faultMs }: Round): number =>
  Math.max(0, ...ledger.calls.filter(({ beganMs, tookMs }) => beganMs + tookMs >= faultMs).map(tookOf))

/** From the fault to the end of the last call that had asked the lost site in vain. */
function recoveredMs({ ledger, faultMs, returnMs }: Round, originLost: string): number {
  const ends = ledger.calls
    .filter(({ beganMs }) => beganMs < returnMs)
    .filter(({ tries }) => tries.some(({ origin, outcome }) => origin === originLost && typeof outcome === 'string'))
    .map(({ beganMs, tookMs }) => beganMs + tookMs - faultMs)
  return Math.max(0, ...ends)
}
