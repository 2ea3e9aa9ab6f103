import { assetKey, jobKey, type JobBody } from '../domain/asset.ts'
import { derivedId } from '../domain/hash.ts'
import type { JsonObject } from '../domain/json.ts'
import type { Site } from '../domain/site.ts'
import type { FilmPlan } from '../ports/media-converter.ts'
import { forEachOf } from './each.ts'
import { hasEnded } from './job-state.ts'
import { sendJob, type JobRef } from './job-store.ts'
import { readRecords } from './record-reads.ts'
import { writeRecord } from './records.ts'
import type { Services } from './services.ts'

/** What the job of a film in parts keeps as its checkpoint. */
export type Film = {
  plan: FilmPlan
  digest: string
  /** The state of the original that the film was planned by, at the site that planned it. */
  pinned?: { site: Site; etag: string }
}

const atOnceMax = 8
const readsMax = 50

export const filmOf = ({ checkpoint }: JobBody): Film | undefined => checkpoint?.['film'] as Film | undefined

export const filmWith = (plan: FilmPlan, pinned: Film['pinned']): Film => ({
  plan,
  digest: derivedId('film-plan', JSON.stringify(plan)),
  ...(pinned && { pinned }),
})

/** One part of one version of an asset, by one plan: whoever orders it, it is the same job. */
const partRef = ({ ref, job }: FilmJob, { digest }: Film, index: number): JobRef => ({
  tenant: ref.tenant,
  job: derivedId('film-part', job.asset, job.version, digest, String(index)),
})

/** The job of a film, as a lease or a read shows it. */
export interface FilmJob {
  readonly ref: JobRef
  readonly job: JobBody
}

/** The jobs of all parts, in the order of the plan; undefined where there is none yet. */
export async function readParts(services: Services, film: FilmJob, state: Film): Promise<(JobBody | undefined)[]> {
  const parts: (JobBody | undefined)[] = []
  for (let from = 0; from < state.plan.parts.length; from += readsMax) {
    parts.push(...(await readSome(services, film, state, from)))
  }
  return parts
}

async function readSome(
  services: Services,
  film: FilmJob,
  state: Film,
  from: number,
): Promise<(JobBody | undefined)[]> {
  const indices = state.plan.parts.slice(from, from + readsMax).map((_, at) => from + at)
  const refs = indices.map((index) => partRef(film, state, index))
  const records = await readRecords(
    services,
    refs.map(({ tenant, job }) => jobKey(tenant, job)),
  )
  return records.map((record) => record?.body as JobBody | undefined)
}

export const isMade = (services: Pick<Services, 'site'>, part: JobBody | undefined): boolean =>
  part?.state === 'done' && part.site === services.site && part.part?.files !== undefined

/** Whether every part is made. Looks from the end, where most often one is not. */
export async function areAllMade(services: Services, film: FilmJob, state: Film): Promise<boolean> {
  const { length } = state.plan.parts
  for (let from = Math.floor((length - 1) / readsMax) * readsMax; from >= 0; from -= readsMax) {
    const some = await readSome(services, film, state, from)
    if (!some.every((part) => isMade(services, part))) return false
  }
  return true
}

/**
 * Has parts made here: each a job of its own, first its record, then its message. One that is under way here stays as it is;
 * one that failed, or belongs to a site from which this film was taken over, begins anew.
 */
export async function orderParts(
  services: Services,
  film: FilmJob,
  state: Film,
  wanted: readonly { readonly index: number; readonly anew: boolean }[],
): Promise<void> {
  await forEachOf(wanted, atOnceMax, async ({ index, anew }) => {
    const ref = partRef(film, state, index)
    const fresh = freshPart(services, film, state, index)
    const { record } = await writeRecord(services, jobKey(ref.tenant, ref.job), none, (body) => {
      const job = body as JobBody | undefined
      const isUnderWay = job?.site === services.site && !hasEnded(job)
      return job && (isUnderWay || (!anew && isMade(services, job))) ? job : fresh
    })
    if ((record.body as JobBody).state === 'waiting') await sendJob(services, ref)
  })
}

const none = { precondition: { kind: 'none' } } as const

const freshPart = ({ site }: Services, { ref, job }: FilmJob, { digest }: Film, index: number): JobBody => ({
  kind: 'film-part',
  part: { film: ref.job, plan: digest, index },
  asset: job.asset,
  version: job.version,
  source: job.source,
  state: 'waiting',
  site,
  leaseUntilMs: 0,
  attempts: 0,
  progress: 0,
  ...(job.trace === undefined ? {} : { trace: job.trace }),
})

/** Whether the asset was deleted; one that is not here yet was not. */
export const isTrashed = async (services: Services, tenant: string, asset: string): Promise<boolean> =>
  (await services.records.get(assetKey(tenant, asset)))?.deleted === true

export const checkpointOf = (film: Film): JsonObject => ({ film })
