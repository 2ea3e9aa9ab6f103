import { CatamaranError } from '../domain/errors.ts'
import {
  copiedParts,
  missingPartition,
  getMissing,
  missingOf,
  type CopyState,
  type MissingObject,
} from './missing-objects.ts'
import type { Services } from './services.ts'

export const copyLeaseMs = 60_000
const renewMs = 20_000
const triesMax = 3

/** A run's hold on the copy of one object. */
export interface CopyHold {
  readonly missing: MissingObject
  /** Aborted when another run has the copy by now, or the function's time is nearly over. */
  readonly signal: AbortSignal
  /** Where the next run goes on. Written soon, one write at a time, and no later than `stop`. */
  save(copy: CopyState | undefined): void
  /** Whether the copy has come further than where this run began. */
  readonly moved: () => boolean
  stop(): Promise<void>
}

/** Changes the mark of a missing object while this run holds it; false when it does no longer. */
export async function changeHeld(
  services: Services,
  { key, holder }: MissingObject,
  change: (missing: MissingObject) => MissingObject,
): Promise<boolean> {
  for (let tries = 0; tries < triesMax; tries++) {
    const item = await getMissing(services, key)
    if (!item || missingOf(item).holder !== holder) return false
    const put = { partition: missingPartition(key), id: key, value: change(missingOf(item)) }
    if (await services.siteStore.put(put, { kind: 'unchanged', token: item.token })) return true
  }
  return false
}

/** Keeps the lease alive, and the mark up to date with what is stored, until stopped. */
export function holdCopy(services: Services, missing: MissingObject, outer: AbortSignal): CopyHold {
  const losing = new AbortController()
  const stopping = new AbortController()
  let { copy } = missing
  let moved = false
  let isDue = false
  let writing: Promise<void> | undefined

  const write = async (): Promise<void> => {
    while (isDue) {
      isDue = false
      const leaseUntilMs = services.clock.now() + copyLeaseMs
      const isHeld = await changeHeld(services, missing, (held) =>
        withCopy({ ...held, leaseUntilMs, dueMs: leaseUntilMs }, copy),
      )
      if (!isHeld) losing.abort(new CatamaranError('conflict', 'Another run copies this object by now.'))
    }
  }
  const writeSoon = (): void => {
    isDue = true
    writing ??= write()
      .catch((error: unknown) => services.telemetry.log('warn', 'A copy was not marked', { key: missing.key }, error))
      .finally(() => {
        writing = undefined
      })
  }
  let isBeating = false
  const beat = async (): Promise<void> => {
    isBeating = true
    while (!stopping.signal.aborted) {
      await services.clock.sleep(renewMs, stopping.signal)
      if (!stopping.signal.aborted) writeSoon()
    }
  }
  return {
    missing,
    signal: AbortSignal.any([outer, losing.signal]),
    save: (next) => {
      copy = next
      moved ||= copiedParts(next) > copiedParts(missing.copy)
      writeSoon()
      // A small object is there before its lease has to be renewed. Ends by the signal, and by doing nothing after it.
      if (!isBeating) beat().catch(() => undefined)
    },
    moved: () => moved,
    stop: async () => {
      stopping.abort()
      await writing
    },
  }
}

/** A stored value holds no undefined members. */
function withCopy({ copy: _copy, ...missing }: MissingObject, copy: CopyState | undefined): MissingObject {
  return copy ? { ...missing, copy } : missing
}
