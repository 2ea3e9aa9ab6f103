import type { JobBody } from '../domain/asset.ts'
import type { FilmPlan } from '../ports/media-converter.ts'
import { forEachOf } from './each.ts'
import { joinFilm } from './film-join.ts'
import { checkpointOf, filmWith, isMade, isTrashed, orderParts, readParts, type Film } from './film-parts.ts'
import { wakeFilm } from './film-part-run.ts'
import { changeHeldJob, type JobRef, type TakenJob } from './job-store.ts'
import { asOutcome } from './keep-rendition.ts'
import type { Lease } from './lease.ts'
import type { ProcessOutcome } from './process-asset.ts'
import type { Services } from './services.ts'
import type { WorkTools } from './work-tools.ts'

/** Of the whole work, so much is done when all parts are. */
const partsShare = 0.9
const headsAtOnceMax = 8

/** Keeps the plan in the job, then has every part made. */
export async function beginFilm(
  services: Services,
  lease: Lease,
  { plan, objectKey }: { readonly plan: FilmPlan; readonly objectKey: string },
): Promise<ProcessOutcome> {
  const original = await services.objects.head(objectKey)
  const film = filmWith(plan, original && { site: services.site, etag: original.etag })
  lease.check()
  await lease.checkpoint(checkpointOf(film))
  return waitForParts(services, lease, film)
}

/**
 * Goes on with a film in parts: has made what is missing, at this site, whoever began; joins them when all are there. Comes
 * here again whenever a message or the sweep wakes the job.
 */
export async function continueFilm(
  services: Services,
  work: WorkTools,
  lease: Lease,
  film: Film,
): Promise<ProcessOutcome> {
  const { tenant } = lease.ref
  // Should it be restored, the film begins anew.
  if (await isTrashed(services, tenant, lease.job.asset)) return { kind: 'superseded' }
  const parts = await readParts(services, lease, film)
  if (!parts.every((part) => isMade(services, part))) return waitForParts(services, lease, film)
  const lost = await lostParts(services, parts)
  if (lost.length > 0) {
    await orderParts(
      services,
      lease,
      film,
      lost.map((index) => ({ index, anew: true })),
    )
    return waitForParts(services, lease, film)
  }
  const joined = await asOutcome(services, () => joinFilm(services, work, lease, { film, parts }))
  if ('failure' in joined) return { kind: 'rejected', failure: joined.failure }
  return joined.value ? { kind: 'ready' } : { kind: 'superseded' }
}

async function waitForParts(services: Services, lease: Lease, film: Film): Promise<ProcessOutcome> {
  const parts = await readParts(services, lease, film)
  const missing = parts.flatMap((part, index) => (isMade(services, part) ? [] : [{ index, anew: false }]))
  lease.check()
  await orderParts(
    services,
    lease,
    film,
    missing.filter(({ index }) => !isUnderWay(services, parts[index])),
  )
  return { kind: 'in-parts', progress: (partsShare * (parts.length - missing.length)) / parts.length }
}

/** Those wait or work here; the sweep looks after them as after every job. */
const isUnderWay = ({ site }: Services, part: JobBody | undefined): boolean =>
  part?.site === site && (part.state === 'waiting' || part.state === 'running')

/** The parts whose files are not in the store any more. */
async function lostParts(services: Services, parts: readonly (JobBody | undefined)[]): Promise<number[]> {
  const lost: number[] = []
  await forEachOf([...parts.entries()], headsAtOnceMax, async ([index, part]) => {
    for (const { key } of part?.part?.files ?? []) {
      if (await services.objects.head(key)) continue
      lost.push(index)
      return
    }
  })
  return lost
}

/**
 * Lets the job of a film rest until a part wakes it. A part that ended while the job was held could not, so it is looked
 * for once more after.
 */
export async function restFilm(services: Services, ref: JobRef, taken: TakenJob, progress: number): Promise<void> {
  await changeHeldJob(services, ref, taken.holder, ({ holder: _holder, error: _error, ...job }) => ({
    ...job,
    state: 'waiting',
    // To look how far the parts are is no attempt.
    attempts: taken.job.attempts - 1,
    leaseUntilMs: services.clock.now(),
    progress: Math.max(job.progress, progress),
  }))
  await wakeFilm(services, ref)
}
