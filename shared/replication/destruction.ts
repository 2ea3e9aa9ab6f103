import { jsonEqual } from '../domain/json.ts'
import { isPulse } from '../domain/pulse.ts'
import type { ContentFacts, RecordState, StoredRecord } from '../domain/record.ts'

/**
 * What a state that comes in takes away: `settled` is a delete, or other content in place of what has rested for a day;
 * `recent` is other content in place of something younger.
 */
export type Destruction = 'settled' | 'recent'

/** Work moves on from here: what has not changed for this long is not being edited any more. */
const restedMs = 24 * 3_600_000
/** The peer may go on with what it brought itself for this long: an import, a job's progress, one edit after another. */
const ownWorkMs = 3_600_000

/**
 * What is lost when `next`, which came from the peer, takes the place of `stored`; undefined when nothing is. Judged by
 * what this site holds and when it arrived here, never by what the peer says of it, stamps and times included.
 */
export function destructionOf(stored: StoredRecord, next: RecordState, nowMs: number): Destruction | undefined {
  if (stored.deleted || isPulse(stored.key)) return undefined
  if (next.deleted) return 'settled'
  const { via, sinceMs } = contentOf(stored)
  const ageMs = nowMs - sinceMs
  if (via === 'peer' && ageMs < ownWorkMs) return undefined
  if (jsonEqual(stored.body, next.body) || isRevocation(stored, next)) return undefined
  return ageMs < restedMs ? 'recent' : 'settled'
}

const contentOf = ({ content, via, arrivalMs }: StoredRecord): ContentFacts => content ?? { via, sinceMs: arrivalMs }

/**
 * What stays true of the content when `next` takes the place of `stored`; undefined when it brings another. Without it a peer
 * could make all records its own by repeating them, and then overwrite them as its own work.
 */
export const contentKept = (stored: StoredRecord, next: RecordState): ContentFacts | undefined =>
  !stored.deleted && !next.deleted && jsonEqual(stored.body, next.body) ? contentOf(stored) : undefined

/** A key that is revoked at one site must never be held back at the other. */
function isRevocation({ key, body }: StoredRecord, next: RecordState): boolean {
  if (key.collection !== '_keys' || !body || !next.body) return false
  const { revokedAt } = next.body
  return revokedAt !== undefined && jsonEqual({ ...body, revokedAt }, next.body)
}
