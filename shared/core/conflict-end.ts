import { replace } from './apply.ts'
import { conflictEndsMs, conflictsCollection, endedConflict } from './conflict-record.ts'
import type { DueEntry } from './open-work.ts'
import type { Services } from './services.ts'

/**
 * Ends a conflict that nobody has settled while it was listed; what lost stays in its history as long again. Answers when to
 * look again, if ever: a conflict that was opened anew has another end.
 */
export async function endConflict(services: Services, { tenant, id }: DueEntry): Promise<DueEntry | undefined> {
  const record = await services.records.get({ tenant, collection: conflictsCollection, id })
  if (!record || record.deleted) return undefined
  const nowMs = services.clock.now()
  const dueMs = conflictEndsMs(record)
  if (dueMs > nowMs) return { tenant, id, dueMs, value: {} }
  // As if it had come from the peer, which makes the very same: it is not offered.
  if (!(await replace(services, record, endedConflict(record), 'peer'))) return { tenant, id, dueMs: nowMs, value: {} }
  services.telemetry.metric('conflictsEnded', 1)
  return undefined
}
