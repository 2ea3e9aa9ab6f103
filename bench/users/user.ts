import { setTimeout as sleep } from 'node:timers/promises'
import { acts, type Person } from './acts.ts'
import { connect } from './connection.ts'
import { makeGauge } from './gauge.ts'
import { stepOf, thinkMsOf } from './schedule.ts'

export interface UserOptions
  extends Pick<Person, 'name' | 'site' | 'apiUrl' | 'tenant' | 'collection' | 'tally' | 'ledger'> {
  readonly thinkMs: number
  /** No call begins after this, by the clock of `performance`. */
  readonly endMs: number
  /** Ends it at once: what is under way fails. */
  readonly signal: AbortSignal
}

/** One user, who does one thing after the other with time to think in between, until the time is over. */
export async function liveAs({ thinkMs, endMs, signal, ...rest }: UserOptions): Promise<void> {
  const { tally } = rest
  const [api, edge] = [connect(tally.connections), connect(makeGauge())]
  const person: Person = { ...rest, api, edge, signal, made: 0, session: undefined, mine: undefined }
  const leave = (): void => {
    api.close()
    edge.close()
  }
  signal.addEventListener('abort', leave, { once: true })
  tally.users.rise()
  try {
    for (let turn = 0; performance.now() < endMs && !signal.aborted; turn++) {
      await acts[stepOf(turn)](person)
      const ms = Math.min(thinkMsOf(thinkMs, Math.random), endMs - performance.now())
      await sleep(Math.max(0, ms), undefined, { signal }).catch(() => undefined)
    }
  } finally {
    signal.removeEventListener('abort', leave)
    leave()
    tally.users.fall()
  }
}
