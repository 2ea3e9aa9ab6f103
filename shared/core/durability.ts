import type { RecordState, StoredRecord } from '../domain/record.ts'
import { stampSite, type Stamp } from '../domain/stamp.ts'
import type { OfferOutcome } from '../ports/peer.ts'
import { conflictKey } from './conflict-record.ts'
import { lostPartsOf } from './losers.ts'
import { isPaused } from './pause.ts'
import { stateOf } from './record-history.ts'
import type { Services } from './services.ts'

/** A write, and the state in which its record is now: the write itself, or one that came after it or won over it. */
export interface Held {
  readonly record: StoredRecord
  /** The write's own stamp. */
  readonly own: Stamp
}

/**
 * Hands one write to the peer before its client is answered. True only when the peer says that it holds it;
 * false leaves the write to the feed, which offers it in any case.
 */
export async function holdAtBoth(services: Services, { record, own }: Held): Promise<boolean> {
  try {
    if (await isPaused(services, 'outgoing')) return false
    const outcome = await offerOne(services, record)
    if (!isHeld(outcome)) return false
    const isHead = record.stamp === own && outcome?.kind !== 'known'
    return isHead || (await isLoserHeld(services, { record, own }))
  } catch (error) {
    services.telemetry.log('warn', 'The peer could not be asked to hold a write', {}, error)
    return false
  }
}

/**
 * Whoever holds a later state holds the write too, unless it lost a conflict on the way there: then only its conflict record
 * holds it, and this must be at both sites.
 */
async function isLoserHeld(services: Services, { record, own }: Held): Promise<boolean> {
  if (record.fields) return arePartsHeld(services, { record, own })
  const key = conflictKey(record.key, own)
  const here = await services.records.get(key)
  if (here) return isHeld(await offerOne(services, here))
  // A write of this site lost either here or at the peer, which had it then. One of the peer may have lost there.
  if (stampSite(own) === services.site) return true
  const [there] = await services.peer.read([key])
  return there === undefined
}

/** Of a record that merges by field, one write may have lost here in some fields and there in others. */
async function arePartsHeld(services: Services, { record, own }: Held): Promise<boolean> {
  if (stampSite(own) !== services.site) return false
  for (const part of await lostPartsOf(services, record, services.site)) {
    if (!isHeld(await offerOne(services, part))) return false
  }
  return true
}

async function offerOne(services: Services, record: RecordState): Promise<OfferOutcome | undefined> {
  const [outcome] = await services.peer.offer([stateOf(record)])
  return outcome
}

const isHeld = (outcome: OfferOutcome | undefined): boolean =>
  outcome?.kind === 'applied' || outcome?.kind === 'known' || outcome?.kind === 'merged'
