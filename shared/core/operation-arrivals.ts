import { batchesOfObjects, faultOf, lookAtObjects, namedObjects } from './named-objects.ts'
import { after, readStretch } from './operation-records.ts'
import { paced, type Outcome, type Step } from './operation-step.ts'
import type { Finding } from './operation.ts'

const stretchEntriesMax = 500
const lookAgainMs = 5_000
/** When nothing of a stretch arrives for this long, the rest is reported, and not waited for. */
const patienceMs = 600_000

/**
 * Waits, stretch by stretch, until both sites hold what the phase before had them fetch. Copies run beside each other, so
 * that the first stretches take the longest.
 */
export async function arrivalsPhase(step: Step): Promise<Outcome> {
  const { services, operation, tally } = step
  if (operation.dryRun) return 'ended'
  const { at, left, sinceMs } = operation.position
  const contents = await readStretch(services, at, stretchEntriesMax)
  const objects = await namedObjects(services, contents)
  const faults: Finding[] = []
  for (const batch of batchesOfObjects(objects)) {
    const looks = await paced(
      step,
      () => ({}),
      () => lookAtObjects(services, batch),
    )
    for (const look of looks) {
      const finding = faultOf(services.site, look)?.finding
      if (finding && finding.kind !== 'object-lost') faults.push(finding)
    }
  }
  const nowMs = services.clock.now()
  const movedMs = left !== undefined && faults.length >= left ? (sinceMs ?? nowMs) : nowMs
  if (faults.length > 0 && nowMs - movedMs < patienceMs) {
    const wait = { ms: lookAgainMs, for: `${faults.length} objects, perhaps more, are still being copied.` }
    return { position: { at, left: faults.length, sinceMs: movedMs }, fraction: operation.fraction, wait }
  }
  tally.count('objectsArrived', objects.length - faults.length)
  for (const { what, detail } of faults) {
    tally.found({
      kind: 'object-not-copied',
      what,
      detail: `${detail} Nothing moved for ten minutes; see the dead letters.`,
    })
  }
  return after(contents)
}
