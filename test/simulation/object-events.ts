import type { DropEvent } from '../../shared/core/drops.ts'
import type { Site } from '../../shared/domain/site.ts'
import { objectEventHosting } from './hosting.ts'
import { functionBehind, makeQueue, type Queue, type Work } from './queue.ts'
import type { World } from './world.ts'

const hourMs = 3_600_000
const dayMs = 24 * hourMs
const lateMsMax = 2 * hourMs
/** Through an outage of days; a queue keeps a message for longer. */
const daysLateMsMax = 3 * dayMs
const daysAgainMsMax = 8 * dayMs

export interface ObjectEvents {
  changed(event: DropEvent): void
  readonly queue: Queue<DropEvent>
}

/**
 * S3 notifications and Event Grid, by way of a queue: at least once, in any order, some late by hours or days, some again
 * days later, and now and then not at all. Which changes are told of is held beside the local clouds' events (see alike-events.ts),
 * which are our own reading of both vendors' documents; so is what may go wrong on the way.
 */
export function makeObjectEvents(
  world: World,
  site: Site,
  work: Work<DropEvent> = (services, event) => world.sites[site].code().objectDropped(services, event),
): ObjectEvents {
  const { scheduler, streams, profile, mark, faultsOn, ledger } = world
  const hosting = objectEventHosting[site]
  const consume = functionBehind<DropEvent>(world, site, 'object-event', { ...hosting, work })
  const queue = makeQueue<DropEvent>(world, site, 'object-event', {
    hosting,
    consume,
    jitterMs: () => streams.scheduling.pick(50),
  })
  const lastDueMs = new Map<string, number>()
  const send = (event: DropEvent, delayMs: number): void => {
    const dueMs = scheduler.now() + delayMs
    if (dueMs < (lastDueMs.get(event.key) ?? 0)) mark('object event came before an earlier one')
    lastDueMs.set(event.key, dueMs)
    queue.send(event, delayMs)
  }
  const changed = (event: DropEvent): void => {
    if (!event.key.startsWith('drop/')) return
    ledger.brought.untold.delete(event.key)
    if (!faultsOn() || !profile.objectEventFaults) return send(event, 0)
    if (streams.faults.oneIn(30)) {
      mark('object event lost')
      // The walk through the drop area finds what is there within two hours; what is gone, the scrub in most of a day.
      if (event.change === 'removed') ledger.brought.untold.add(event.key)
      return
    }
    if (streams.faults.oneIn(8)) {
      mark('object event doubled')
      queue.send(event, streams.faults.pick(60_000))
    }
    if (profile.longOutage && streams.faults.oneIn(3)) {
      mark('object event again after days')
      queue.send(event, streams.faults.between(dayMs, daysAgainMsMax))
    }
    if (!streams.faults.oneIn(10)) return send(event, streams.faults.pick(5_000))
    const lateMs = streams.faults.between(60_000, profile.longOutage ? daysLateMsMax : lateMsMax)
    mark(lateMs > dayMs ? 'object event late by days' : 'object event late by hours')
    send(event, lateMs)
  }
  return { changed, queue }
}
