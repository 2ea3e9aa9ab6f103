import { derivedId } from '../domain/hash.ts'
import type { JsonObject } from '../domain/json.ts'
import { stampAheadMsMax } from '../domain/limits.ts'
import { keyText, type RecordState } from '../domain/record.ts'
import { stampMs } from '../domain/stamp.ts'
import type { OfferOutcome } from '../ports/peer.ts'
import { backoffMs } from '../replication/backoff.ts'
import { withOutcome } from './apply-outcome.ts'
import { forEachOf } from './each.ts'
import type { Services } from './services.ts'

/** Site-local: states whose time has not come, by their stamps. */
export const quarantinePartition = 'quarantine'
/** How many were placed there within each hour. */
const hoursPartition = 'quarantine-hours'

/**
 * How many states an hour may place: 390 MB at most. The stamps are the peer's word, and one in wrong hands would fill the
 * store for ever. An honest peer keeps what has no room here, and brings it when its time has come.
 */
const placedPerHourMax = 1000
const hourMs = 3_600_000

const concurrencyMax = 16

const noRoom: OfferOutcome = {
  kind: 'failed',
  code: 'unavailable',
  detail: 'In this hour there is no room left for states whose stamps are ahead of the clock here.',
}

/** Whether a state's clock runs too far ahead for it to be applied now. */
export const isTooFarAhead = (services: Services, state: RecordState): boolean =>
  stampMs(state.stamp) > services.clock.now() + stampAheadMsMax

/**
 * Keeps states whose clock runs ahead, as many as the hour has room for; `releaseQuarantine` applies them once their time has
 * come. What waits there already is kept again and takes no room.
 */
export async function quarantine(
  services: Services,
  states: readonly RecordState[],
): Promise<Map<RecordState, OfferOutcome>> {
  const waiting = new Set<RecordState>()
  await forEachOf(states, concurrencyMax, async (state) => {
    if (await services.siteStore.get(quarantinePartition, idOf(state))) waiting.add(state)
  })
  const fresh = states.filter((state) => !waiting.has(state))
  const room = await takeRoom(services, fresh.length)
  if (room < fresh.length) {
    const counts = { refused: fresh.length - room, placedPerHourMax }
    services.telemetry.log('warn', 'More states ahead of this clock came than an hour may place', counts)
  }
  const outcomes = new Map(states.map((state) => [state, noRoom]))
  await forEachOf([...waiting, ...fresh.slice(0, room)], concurrencyMax, async (state) => {
    outcomes.set(state, await withOutcome(services, state, () => place(services, state)))
  })
  return outcomes
}

const idOf = (state: RecordState): string => `${state.stamp}/${derivedId(keyText(state.key))}`

async function place(services: Services, state: RecordState): Promise<OfferOutcome> {
  await services.siteStore.put(
    { partition: quarantinePartition, id: idOf(state), value: { state: state as unknown as JsonObject } },
    { kind: 'any' },
  )
  services.telemetry.log('warn', 'A stamp ahead of this clock was quarantined', {
    key: keyText(state.key),
    stamp: state.stamp,
  })
  return { kind: 'quarantined' }
}

const takeTriesMax = 10

/** How many of `wanted` may be placed; counted before any is. None when others count at the same time, again and again. */
async function takeRoom({ clock, random, siteStore }: Services, wanted: number): Promise<number> {
  if (wanted === 0) return 0
  const partition = hoursPartition
  const id = String(Math.floor(clock.now() / hourMs))
  for (let attempt = 0; attempt < takeTriesMax; attempt++) {
    const item = await siteStore.get(partition, id)
    const placed = Number(item?.value['placed'] ?? 0)
    const room = Math.min(wanted, placedPerHourMax - placed)
    if (room === 0) return 0
    const value = { placed: placed + room }
    const condition = item ? ({ kind: 'unchanged', token: item.token } as const) : ({ kind: 'absent' } as const)
    if (await siteStore.put({ partition, id, value, expiresMs: clock.now() + 2 * hourMs }, condition)) return room
    await clock.sleep(backoffMs(attempt, random.fraction(), { baseMs: 10, capMs: 500 }))
  }
  return 0
}
