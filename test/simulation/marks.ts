/**
 * Things that must happen in some run: a fault that never strikes and a branch that never runs prove nothing.
 * The nightly run fails unless each was seen.
 */
export const markNames = [
  'crash before an effect',
  'crash after an effect',
  'zombie went on after its time-out',
  'throttled',
  'unavailable before an effect',
  'answer lost after an effect',
  'request to the peer lost',
  'answer of the peer lost',
  'request to the peer doubled',
  'request to the peer late by minutes',
  'one-way cut',
  'cut both ways',
  'slow link',
  'clock ahead',
  'clock behind',
  'clock stepped',
  'stamp quarantined',
  'quarantine released',
  'site down',
  'site down for days',
  'stream trimmed',
  'stream batch bisected',
  'stream batch failed in part',
  'stream record doubled',
  'stream event lost',
  'feed coalesced',
  'feed lease replayed',
  'feed batch retried',
  'index lagged',
  'queue message doubled',
  'queue message delayed by days',
  'queue message lost',
  'message went to the dead letters',
  'conflict kept',
  'conflict without loss',
  'merged at both sites',
  'delete won over an edit',
  'edit won over a delete',
  'record made again after a delete',
  'idempotent replay',
  'idempotent replay at the other site',
  'precondition failed',
  'read through to the peer',
  'reconcile pulled',
  'reconcile pushed',
  'reconcile was clean',
  'scrub found a lost event',
  'object copied',
  'object corrupted on the way',
  'write confirmed at both sites',
  'confirmation refused while cut off',
  'digest tree raced',
] as const

export type Mark = (typeof markNames)[number]

export type Marks = Map<Mark, number>

export const addMarks = (into: Marks, from: Marks): void => {
  for (const [mark, count] of from) into.set(mark, (into.get(mark) ?? 0) + count)
}
