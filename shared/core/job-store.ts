import { jobKey, type JobBody, type JobFault } from '../domain/asset.ts'
import { CatamaranError } from '../domain/errors.ts'
import { derivedId } from '../domain/hash.ts'
import type { JsonObject } from '../domain/json.ts'
import { peerOf } from '../domain/site.ts'
import { fileDeadLetter } from './dead-letters.ts'
import { attemptsMax, hasEnded, leaseMs } from './job-state.ts'
import { readMedia } from './media-store.ts'
import { readRecord } from './record-reads.ts'
import { writeRecord } from './records.ts'
import type { Services } from './services.ts'

/** Which job of which tenant: what a queue message carries. */
export interface JobRef {
  readonly tenant: string
  readonly job: string
}

const none = { precondition: { kind: 'none' } } as const

export async function readJob(services: Services, { tenant, job }: JobRef): Promise<JobBody | undefined> {
  const record = await readRecord(services, jobKey(tenant, job))
  return record ? (record.body as JobBody) : undefined
}

export const processJobId = (asset: string, version: string): string => derivedId('process', asset, version)

/** The same message for every send of a job: the record says the rest. */
export const sendJob = (services: Services, ref: JobRef, delayMs = 0): Promise<void> =>
  services.jobs.send({ kind: 'process', payload: { ...ref } }, delayMs > 0 ? { delayMs } : {})

/**
 * Writes the job, then its message: a message that gets lost is sent again by the sweep, a record that gets lost never was.
 * A job that is there already stays as it is, unless it ended and `reopen` asks for another run.
 */
export async function enqueueProcess(
  services: Services,
  tenant: string,
  job: Pick<JobBody, 'asset' | 'version' | 'source'>,
  { reopen = false } = {},
): Promise<void> {
  const ref = { tenant, job: processJobId(job.asset, job.version) }
  const fresh: JobBody = {
    kind: 'process',
    ...job,
    state: 'waiting',
    site: services.site,
    leaseUntilMs: 0,
    attempts: 0,
    progress: 0,
    ...(services.span ? { trace: services.span.trace } : {}),
  }
  const { record } = await writeRecord(services, jobKey(tenant, ref.job), none, (body) =>
    body && !(reopen && hasEnded(body as JobBody)) ? body : fresh,
  )
  if ((record.body as JobBody).state === 'waiting') await sendJob(services, ref)
}

export type Taken =
  | { readonly kind: 'taken'; readonly job: JobBody; readonly holder: string }
  /** Somebody else has it, it has ended, it is not there, or it is too early. */
  | { readonly kind: 'not-now'; readonly why: 'absent' | 'ended' | 'held' | 'early' | 'foreign' }
  | { readonly kind: 'exhausted'; readonly job: JobBody }

export type TakenJob = Extract<Taken, { readonly kind: 'taken' }>

/**
 * Takes the lease by compare-and-swap.
 *
 *   waiting --take--> running --done--> done
 *      ^                | |  \--fail--> failed
 *      |--- release ----+ |
 *      +-- lease passed --+  (the next take, by any site)
 */
export async function takeJob(services: Services, ref: JobRef, { takeover = false } = {}): Promise<Taken> {
  const holder = Buffer.from(services.random.bytes(12)).toString('hex')
  const taken: { outcome: Taken } = { outcome: { kind: 'not-now', why: 'absent' } }
  if (!(await readJob(services, ref))) return taken.outcome
  await writeRecord(services, jobKey(ref.tenant, ref.job), none, (body) => {
    if (!body) return null
    const job = body as JobBody
    const nowMs = services.clock.now()
    const why = whyNot(services, job, nowMs, takeover)
    if (why) {
      taken.outcome = { kind: 'not-now', why }
      return body
    }
    if (job.attempts >= attemptsMax) {
      taken.outcome = { kind: 'exhausted', job }
      return body
    }
    const next: JobBody = {
      ...job,
      state: 'running',
      site: services.site,
      holder,
      leaseUntilMs: nowMs + leaseMs,
      attempts: job.attempts + 1,
    }
    taken.outcome = { kind: 'taken', job: next, holder }
    return next
  })
  return taken.outcome
}

function whyNot(
  services: Services,
  job: JobBody,
  nowMs: number,
  takeover: boolean,
): 'ended' | 'held' | 'early' | 'foreign' | undefined {
  if (hasEnded(job)) return 'ended'
  if (job.leaseUntilMs > nowMs) return job.state === 'running' ? 'held' : 'early'
  return job.site === peerOf(services.site) && !takeover ? 'foreign' : undefined
}

/** Changes a job that this run holds; throws `conflict` when it does no longer. */
export async function changeHeldJob(
  services: Services,
  ref: JobRef,
  holder: string,
  change: (job: JobBody) => JobBody,
): Promise<JobBody> {
  const { record } = await writeRecord(services, jobKey(ref.tenant, ref.job), none, (body) => {
    const job = body as JobBody | undefined
    if (job?.holder !== holder || job.state !== 'running') {
      throw new CatamaranError('conflict', 'This run no longer holds the lease of its job.')
    }
    return change(job)
  })
  return record.body as JobBody
}

/** Ends a job for good; with `holder`, only while that run holds it. */
export async function endJob(
  services: Services,
  ref: JobRef,
  end: { readonly state: 'done' | 'failed'; readonly holder?: string; readonly error?: JobFault },
): Promise<void> {
  const { state, holder, error } = end
  await writeRecord(services, jobKey(ref.tenant, ref.job), none, (body) => {
    const job = body as JobBody | undefined
    if (!job || hasEnded(job) || (holder !== undefined && job.holder !== holder)) return body ?? null
    const { holder: _holder, checkpoint, error: _error, ...rest } = job
    const progress = state === 'done' ? 1 : rest.progress
    const isFilm = checkpoint?.['film'] === undefined ? {} : { isFilm: true }
    return { ...rest, ...isFilm, state, progress, leaseUntilMs: 0, ...(error ? { error } : {}) }
  })
}

/** A job that failed for good goes where an operator finds it; replaying the letter opens the job again. */
export const fileJob = (services: Services, kind: string, payload: JsonObject, cause: string): Promise<void> =>
  fileDeadLetter(services, { kind: 'job', cause, payload: { kind, payload } })

/** Opens a job that ended, with all its attempts before it. */
export async function reopenJob(services: Services, ref: JobRef): Promise<void> {
  if (!(await readJob(services, ref))) return
  await writeRecord(services, jobKey(ref.tenant, ref.job), none, (body) => {
    if (!body) return null
    const { error: _error, ...job } = body as JobBody
    if (!hasEnded(job)) return body
    return { ...job, state: 'waiting', site: services.site, leaseUntilMs: 0, attempts: 0, progress: 0 }
  })
}

/** Begins the work on an asset again that stopped because the asset was deleted; what ended or goes on stays as it is. */
export async function resumeProcessing(services: Services, tenant: string, asset: string): Promise<void> {
  const media = await readMedia(services, tenant, asset)
  if (media?.status !== 'processing') return
  await resumeJob(services, { tenant, job: media.job })
}

/** Opens a job if it has ended, and sends it if it waits. */
export async function resumeJob(services: Services, ref: JobRef): Promise<void> {
  await reopenJob(services, ref)
  if ((await readJob(services, ref))?.state === 'waiting') await sendJob(services, ref)
}
