import { forEachOf } from './each.ts'
import { fetchObjects } from './mend-object.ts'
import {
  batchesOfObjects,
  bytesOfAll,
  faultOf,
  isLarge,
  lookAtObjects,
  namedObjects,
  type NamedObject,
  type ObjectFault,
  type ObjectLook,
} from './named-objects.ts'
import { deepFaultOf } from './object-deep.ts'
import type { Position } from './operation.ts'
import { after, onlyCounts, readStretch } from './operation-records.ts'
import { paced, type Outcome, type Step } from './operation-step.ts'

/** Few enough that a stretch of nothing but assets is gone through in seconds. */
const stretchEntriesMax = 500
/** An object may take this long to follow its record before it counts as missing. */
const youngMs = 60_000
/** A run that saved nothing for longer would lose too much if it died. */
const keepEveryMs = 10_000
/** So many runs may die over one object before it is passed over. */
const triesMax = 3
const readsAtOnceMax = 4

/**
 * Looks whether both sites hold every object that this site's records name, equal in size and checksums; deep, reads all
 * their bytes. A backfill or repair has each side fetch what it lacks.
 */
export async function objectsPhase(step: Step): Promise<Outcome> {
  const { services, operation } = step
  let place: Position = operation.position
  const contents = await readStretch(services, place.at, stretchEntriesMax)
  const objects = (await namedObjects(services, contents)).filter(({ key }) => key > (place.after ?? ''))
  let keptMs = services.clock.monotonicMs()
  for (const batch of batchesOfObjects(objects)) {
    if (onlyCounts(operation)) count(step, batch)
    else if (await mayTry(step, place, batch)) await lookAtBatch(step, batch)
    place = { at: place.at, after: batch.at(-1)?.key ?? '' }
    if (services.clock.monotonicMs() - keptMs < keepEveryMs) continue
    await step.keep(place)
    keptMs = services.clock.monotonicMs()
  }
  return after(contents)
}

function count({ tally }: Step, objects: readonly NamedObject[]): void {
  tally.count('objects', objects.length)
  tally.count('objectBytes', bytesOfAll(objects))
}

/** A large object may take longer to read than a function runs: who tries it says so first, and nobody tries for ever. */
async function mayTry(step: Step, place: Position, batch: readonly NamedObject[]): Promise<boolean> {
  const { operation, tally } = step
  const [object] = batch
  if (!operation.deep || !object || !isLarge(object)) return true
  const { trying, looks = 0 } = operation.position
  const tries = trying === object.key ? looks : 0
  if (tries < triesMax) {
    await step.keep({ ...place, trying: object.key, looks: tries + 1 })
    return true
  }
  const detail = 'It was not read: it takes longer than a function may run.'
  tally.found({ kind: 'object-unread', what: object.key, detail })
  return false
}

interface Fault extends ObjectFault {
  readonly object: NamedObject
}

async function lookAtBatch(step: Step, batch: readonly NamedObject[]): Promise<void> {
  const { services, operation, tally } = step
  const isBackfill = operation.kind === 'backfill'
  const looks = await paced(
    step,
    // A backfill pays for what it moves.
    () => (isBackfill ? {} : { records: batch.length }),
    () => lookAtObjects(services, batch),
  )
  count(step, batch)
  const faults: Fault[] = []
  await forEachOf(looks, readsAtOnceMax, async (look) => {
    const fault = faultOf(services.site, look) ?? (operation.deep ? await deepFaultOf(step, look) : undefined)
    if (!fault) return
    if (operation.kind === 'verify' && isComing(step, look, fault)) tally.count('objectsComing')
    else faults.push({ ...fault, object: look.object })
  })
  for (const { finding } of faults) if (!isBackfill || finding.kind === 'object-lost') tally.found(finding)
  if (operation.kind !== 'verify') await mend(step, faults)
}

const isComing = ({ services }: Step, { object }: ObjectLook, { finding }: ObjectFault): boolean =>
  finding.kind === 'object-missing' && object.writtenMs > services.clock.now() - youngMs

async function mend(step: Step, faults: readonly Fault[]): Promise<void> {
  const { services, operation, tally } = step
  const here = faults.filter(({ mendHere }) => mendHere).map(({ object }) => object)
  const there = faults.filter(({ mendThere }) => mendThere).map(({ object }) => object)
  tally.count('objectsFetched', here.length)
  tally.count('objectsSent', there.length)
  if (operation.dryRun) return
  const ask = async (objects: readonly NamedObject[], fetch: (targets: readonly NamedObject[]) => Promise<unknown>) => {
    if (objects.length > 0)
      await paced(
        step,
        () => ({ bytes: bytesOfAll(objects) }),
        () => fetch(objects),
      )
  }
  await ask(here, (objects) => fetchObjects(services, objects))
  await ask(there, (objects) =>
    services.peer.fetchObjects(objects.map(({ tenant, asset, key }) => ({ tenant, asset, key }))),
  )
}
