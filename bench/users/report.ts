import type { Verdict } from '../../local/drill/holdings.ts'
import type { Figure } from '../figures.ts'
import { besidePeer, type Run } from './runs.ts'
import type { Sample } from './sample.ts'
import type { Tally } from './tally.ts'

export interface Outcome {
  readonly tally: Tally
  /** How many writes were acknowledged, and what has become of them. */
  readonly writes: number
  readonly verdict: Verdict
  /** From the last answer until both sites held the same. */
  readonly alikeMs: number
}

const none = { atMost: 0 }

/** What a run came to, as figures with their bars. */
export function figuresOf(name: string, run: Run, { tally, writes, verdict, alikeMs }: Outcome): Figure[] {
  const { users, seconds, peers } = run
  const all = tally.tookMs.get('all')
  const count = (what: string, value: number, rest: Pick<Figure, 'bar'> = {}): Figure => ({
    name: `${name}: ${what}`,
    value,
    unit: 'count',
    ...rest,
  })
  return [
    count('users at once', tally.users.most, { bar: { atLeast: users } }),
    count('connections to the APIs open at once', tally.connections.most),
    count('calls under way at once', tally.underWay.most),
    count('calls', tally.ended),
    count('failed calls', tally.failed, { bar: none }),
    count('told to come later, and did', tally.toldToWait),
    { name: `${name}: rate`, value: (all?.count ?? 0) / seconds, unit: 'calls/s', ...besidePeer(peers?.rate) },
    ...(all === undefined ? [] : timesOf(name, all, peers)),
    ...[...tally.tookMs].filter(([of]) => of !== 'all').flatMap(([of, sample]) => timesOf(`${name}, ${of}`, sample)),
    count('acknowledged writes', writes, { bar: { atLeast: 1 } }),
    count('lost writes', verdict.lost.length, { bar: none }),
    count('doubled writes', verdict.doubled.length, { bar: none }),
    count('conflicts listed', verdict.conflicts, { bar: none }),
    { name: `${name}: from the last answer until both sites were alike`, value: alikeMs, unit: 'ms' },
  ]
}

function timesOf(name: string, sample: Sample, peers?: Run['peers']): Figure[] {
  const millis = (what: 'mean' | 'p50' | 'p95' | 'p99', value: number): Figure => ({
    name: `${name}: ${what}`,
    value,
    unit: 'ms',
    ...besidePeer(peers?.[what]),
  })
  return [
    millis('mean', sample.mean),
    millis('p50', sample.quantile(0.5)),
    millis('p95', sample.quantile(0.95)),
    millis('p99', sample.quantile(0.99)),
  ]
}
