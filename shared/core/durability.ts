import { keyText, type RecordState, type StoredRecord } from '../domain/record.ts'
import { CatamaranError } from '../domain/errors.ts'
import { stampSite, type Stamp } from '../domain/stamp.ts'
import type { OfferOutcome } from '../ports/peer.ts'
import { applyFresh } from './apply-fresh.ts'
import { conflictKey, conflictPrefix, conflictsCollection } from './conflict-record.ts'
import { lostPartsOf } from './losers.ts'
import { assertMayTakeIn, isPaused } from './pause.ts'
import { isTooFarAhead } from './quarantine.ts'
import { stateOf } from './record-history.ts'
import type { Services } from './services.ts'

/** A write, and the state in which its record is now: the write itself, or one that came after it or won over it. */
export interface Held {
  readonly record: StoredRecord
  /** The write's own stamp. */
  readonly own: Stamp
}

/** By the site's monotonic clock: from then on the peer is asked nothing more. */
interface Asking extends Held {
  readonly untilMs: number
}

/** A call of the peer takes up to ten seconds, and a client waits for thirty: after this long no other call is begun. */
const askingMsMax = 15_000

/**
 * Hands one write to the peer before its client is answered. True only when the peer says that it holds it;
 * false leaves the write to the feed, which offers it in any case.
 */
export async function holdAtBoth(services: Services, { record, own }: Held): Promise<boolean> {
  const asking = { record, own, untilMs: services.clock.monotonicMs() + askingMsMax }
  try {
    if (await isPaused(services, 'outgoing')) return false
    const outcome = await offerOne(services, asking, record)
    if (!isHeld(outcome)) return false
    const isHead = record.stamp === own && outcome?.kind !== 'known'
    if (record.fields) return (isHead && outcome?.kind === 'applied') || (await arePartsHeld(services, asking))
    return isHead || (await isLoserHeld(services, asking))
  } catch (error) {
    services.telemetry.log('warn', 'The peer could not be asked to hold a write', {}, error)
    return false
  }
}

/**
 * Whoever holds a later state holds the write too, unless it lost a conflict on the way there: then only its conflict record
 * holds it, and this must be at both sites.
 */
async function isLoserHeld(services: Services, asking: Asking): Promise<boolean> {
  const { record, own } = asking
  const key = conflictKey(record.key, own)
  const here = await services.records.get(key)
  if (here) return isHeld(await offerOne(services, asking, here))
  // A write of this site lost either here or at the peer, which had it then. One of the peer may have lost there.
  if (stampSite(own) === services.site) return true
  assertInTime(services, asking)
  const [there] = await services.peer.read([key])
  return there === undefined
}

/** Of a record that merges by field, one write may have lost here in some fields and there in others. */
async function arePartsHeld(services: Services, asking: Asking): Promise<boolean> {
  const { record, own } = asking
  if (stampSite(own) !== services.site) return false
  for (const part of await lostPartsOf(services, record, services.site)) {
    if (!isHeld(await offerOne(services, asking, part))) return false
  }
  return keepWhatLostThere(services, asking)
}

const conflictsMax = 100

/**
 * Keeps here what this site's writes to a record lost at the peer. Until somebody there writes on top of the merge this site
 * holds it as its own state; that write takes the place of the state, and the peer would hold alone what had lost.
 */
async function keepWhatLostThere(services: Services, asking: Asking): Promise<boolean> {
  const { key } = asking.record
  await assertMayTakeIn(services)
  const prefix = conflictPrefix(key)
  const conflicts = { tenant: key.tenant, collection: conflictsCollection }
  assertInTime(services, asking)
  const { items, next } = await services.peer.list(conflicts, { after: prefix, limit: conflictsMax })
  const about = items.filter((state) => keyText(state.key).startsWith(keyText({ ...conflicts, id: prefix })))
  const lost = about.filter(({ stamp }) => stampSite(stamp) === services.site)
  // A clock that was set back: what is ahead of it waits its turn, though it is of this site.
  if (lost.some((state) => isTooFarAhead(services, state))) return false
  const outcomes = await applyFresh(services, lost)
  const isAll = next === undefined || about.length < items.length
  return isAll && lost.every((state) => isHeld(outcomes.get(state)))
}

async function offerOne(services: Services, asking: Asking, record: RecordState): Promise<OfferOutcome | undefined> {
  assertInTime(services, asking)
  const [outcome] = await services.peer.offer([stateOf(record)])
  return outcome
}

function assertInTime({ clock }: Services, { untilMs }: Asking): void {
  if (clock.monotonicMs() >= untilMs) throw new CatamaranError('timed-out', 'The peer takes too long over one write.')
}

const isHeld = (outcome: OfferOutcome | undefined): boolean =>
  outcome?.kind === 'applied' || outcome?.kind === 'known' || outcome?.kind === 'merged'
