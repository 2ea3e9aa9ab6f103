import type { Bar, Figure } from '../figures.ts'

export interface Peer {
  readonly value: number
  readonly bar: Bar
}

/** What a run is to be held against, by the figure's name. */
export type Peers = Readonly<Record<'rate' | 'mean' | 'p50' | 'p95' | 'p99', Peer>>

export interface Run {
  readonly users: number
  readonly rampSeconds: number
  /** After the last user has come. */
  readonly seconds: number
  /** Each user's mean between an answer and the next call. */
  readonly thinkSeconds: number
  readonly peers?: Peers
}

const atMost = (value: number): Peer => ({ value, bar: { atMost: value } })

/** What was published for 10,000 spawned users of another product, on another machine. */
const published: Peers = {
  rate: { value: 58, bar: { atLeast: 58 } },
  mean: atMost(74),
  p50: atMost(18),
  p95: atMost(370),
  p99: atMost(1_300),
}

export const besidePeer = (peer: Peer | undefined): Pick<Figure, 'peer' | 'bar'> =>
  peer === undefined
    ? {}
    : {
        bar: peer.bar,
        peer: { name: 'figures of another product for 10,000 spawned users, not of this run', value: peer.value },
      }

export const runNames = ['at-once', 'spawned'] as const

export const runs: Readonly<Record<(typeof runNames)[number], Run>> = {
  /** They think for less time than either site keeps an idle connection (30 s and 60 s), so that each keeps its own. */
  'at-once': { users: 2_000, rampSeconds: 60, seconds: 240, thinkSeconds: 18 },
  /** They think for as long as makes their calls a few more than the published ones. */
  spawned: { users: 10_000, rampSeconds: 400, seconds: 600, thinkSeconds: 160, peers: published },
}
