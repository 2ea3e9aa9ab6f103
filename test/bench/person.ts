import type { Person } from '../../bench/users/acts.ts'
import { connect } from '../../bench/users/connection.ts'
import { makeGauge } from '../../bench/users/gauge.ts'
import { makeTally } from '../../bench/users/tally.ts'

/** A user that has done nothing yet. Its connections are for whoever made it to close. */
export const personAt = (place: Pick<Person, 'site' | 'apiUrl' | 'tenant'>): Person => ({
  ...place,
  name: 'u0',
  collection: 'notes',
  tally: makeTally(0),
  ledger: { created: new Map(), edited: new Map() },
  api: connect(makeGauge()),
  edge: connect(makeGauge()),
  signal: new AbortController().signal,
  made: 0,
  session: undefined,
  mine: undefined,
})
