import { hasCode, isTransient, publicMessageOf } from '../domain/errors.ts'
import type { Failure, JobFault } from '../domain/asset.ts'
import type { Json, JsonObject } from '../domain/json.ts'
import type { JobMessage } from '../ports/job-queue.ts'
import { backoffMs } from '../replication/backoff.ts'
import { analyse } from './analyse.ts'
import { copyObject } from './copy-object.ts'
import { objectDropped } from './drops.ts'
import { runExport } from './export-run.ts'
import { restFilm } from './film-run.ts'
import { makeFilmPart } from './film-part-run.ts'
import { runImport } from './import-run.ts'
import { attemptsMax } from './job-state.ts'
import {
  changeHeldJob,
  endJob,
  fileJob,
  readJob,
  reopenJob,
  sendJob,
  takeJob,
  type JobRef,
  type TakenJob,
} from './job-store.ts'
import { withLease } from './lease.ts'
import { writeMediaOf } from './media-store.ts'
import { makeVariant } from './make-variant.ts'
import { mendObject } from './mend-object.ts'
import { runOperation } from './operation-run.ts'
import { processAsset, type ProcessOutcome } from './process-asset.ts'
import { checkProfile } from './profile-check.ts'
import { reconcile } from './reconcile.ts'
import type { Services } from './services.ts'
import { removeStaged } from './staging.ts'
import { traced, tracedBy } from './trace.ts'
import { variantOrderOf } from './variant-jobs.ts'
import { runWebhookLane } from './webhook-run.ts'
import type { WorkTools } from './work-tools.ts'

const retryMs = { baseMs: 1_000, capMs: 60_000 }
/** A peer that is away costs no attempt; it is asked again after this. */
const peerAwayMs = 60_000

/**
 * Does one piece of long work; a message may come twice, early, or after the work was done. When `signal` is aborted
 * (the function's time is nearly over) the job is handed back to the queue. Throws only when the queue should try again.
 */
export async function runJob(site: Services, work: WorkTools, message: JobMessage, signal: AbortSignal): Promise<void> {
  const { kind, payload, traceparent } = message
  const services = traced(site, traceparent)
  const { tenant, job, asset, key, operation, endpoint, export: exported } = payload
  if (kind === 'process' && isText(tenant) && isText(job)) {
    return runProcess(services, work, { ref: { tenant, job }, payload }, signal)
  }
  if (kind === 'copy-object' && isText(tenant) && isText(asset) && isText(key)) {
    return copyObject(services, work, { tenant, asset, key }, signal)
  }
  if (kind === 'reconcile') return void (await reconcile(services))
  if (kind === 'mend-object' && isText(tenant) && isText(asset) && isText(key)) {
    return mendObject(services, work, { tenant, asset, key }, signal)
  }
  if (kind === 'check-profile' && isText(tenant) && isText(asset)) {
    return checkProfile(services, { tenant, asset }, signal)
  }
  const order = variantOrderOf(message)
  if (order) return makeVariant(services, work, order, signal)
  if (kind === 'analyse' && isText(tenant) && isText(asset)) {
    return analyse(services, work, { tenant, asset, reopen: payload['reopen'] === true }, signal)
  }
  if (kind === 'operate' && isText(operation)) return runOperation(services, work, operation, signal)
  if (kind === 'import' && isText(tenant) && isText(asset)) return runImport(services, work, { tenant, asset }, signal)
  if (kind === 'webhook' && isText(tenant) && isText(endpoint) && isText(asset)) {
    const takeover = payload['takeover'] === true
    return runWebhookLane(services, work, { lane: { tenant, endpoint, asset }, takeover }, signal)
  }
  if (kind === 'export' && isText(tenant) && isText(exported)) {
    return runExport(services, work, { tenant, id: exported, takeover: payload['takeover'] === true }, signal)
  }
  if (kind === 'drop' && isText(key)) return objectDropped(services, { key, change: 'created' })
  return fileJob(services, kind, payload, `No job of the kind ${kind} can be read from this message.`)
}

const isText = (value: Json | undefined): value is string => typeof value === 'string' && value !== ''

async function runProcess(
  site: Services,
  work: WorkTools,
  { ref, payload }: { readonly ref: JobRef; readonly payload: JsonObject },
  signal: AbortSignal,
): Promise<void> {
  if (payload['reopen'] === true) await beginAgain(site, ref)
  const taken = await takeJob(site, ref, { takeover: payload['takeover'] === true })
  // A message of the sweep, or of the other site's, does not know the trace; the job does.
  const services = site.span || taken.kind === 'not-now' ? site : tracedBy(site, taken.job.trace)
  if (taken.kind === 'not-now') {
    return services.telemetry.log('debug', 'A job was not begun', { ...ref, why: taken.why })
  }
  if (taken.kind === 'exhausted') {
    return giveUp(services, ref, exhausted(taken.job.error))
  }
  const ran = await withLease(services, ref, taken, signal, (lease) =>
    lease.job.kind === 'film-part'
      ? makeFilmPart(services, work, lease, taken.holder)
      : processAsset(services, work, lease),
  )
  if ('result' in ran) return settle(services, ref, taken, ran.result)
  if (ran.lost) return services.telemetry.log('warn', 'A run stopped: another took its job over', { ...ref }, ran.error)
  const isOver = signal.aborted
  const isPeerAway = hasCode(ran.error, 'peer-unavailable')
  const isBlameless = ran.moved || isPeerAway
  const attempts = isBlameless ? taken.job.attempts - 1 : taken.job.attempts
  if (!isOver && !isTransient(ran.error)) return giveUp(services, ref, faultOf('internal', ran.error))
  services.telemetry.log(
    'warn',
    isOver ? 'A run ended for lack of time' : 'A run failed',
    { ...ref, attempts },
    ran.error,
  )
  const delayMs = isOver ? 0 : isPeerAway ? peerAwayMs : backoffMs(attempts, services.random.fraction(), retryMs)
  await changeHeldJob(services, ref, taken.holder, ({ holder: _holder, ...job }) => ({
    ...job,
    state: 'waiting',
    attempts,
    leaseUntilMs: services.clock.now() + delayMs,
    error: faultOf('retrying', ran.error),
  }))
  await sendJob(services, ref, delayMs)
}

function faultOf(code: string, error: unknown): JobFault {
  const detail = error instanceof Error ? error.message : String(error)
  const publicDetail = publicMessageOf(error)
  return { code, detail, ...(publicDetail === detail ? {} : { publicDetail }) }
}

function exhausted(last: JobFault | undefined): JobFault {
  const given = (detail: string): string => `Given up after ${attemptsMax} attempts: ${detail}`
  return {
    code: 'attempts-exhausted',
    detail: given(last?.detail ?? 'every run ended without a word'),
    ...(last?.publicDetail ? { publicDetail: given(last.publicDetail) } : {}),
  }
}

async function settle(services: Services, ref: JobRef, taken: TakenJob, outcome: ProcessOutcome): Promise<void> {
  const { holder } = taken
  services.telemetry.log('info', 'A run ended', { ...ref, outcome: outcome.kind })
  switch (outcome.kind) {
    case 'ready':
      return endJob(services, ref, { state: 'done', holder })
    case 'superseded':
      return settleSuperseded(services, ref, holder)
    case 'in-parts':
      return restFilm(services, ref, taken, outcome.progress)
    case 'rejected':
      await failMedia(services, ref, outcome.failure)
      return endJob(services, ref, { state: 'failed', holder, error: outcome.failure })
  }
}

/**
 * Another upload took this one's place, so its staged bytes go. A dropped file is looked at once more, after the job has
 * ended: should the store hold this version again by now, that opens the job again.
 */
async function settleSuperseded(services: Services, ref: JobRef, holder: string): Promise<void> {
  const { kind, source } = (await readJob(services, ref)) ?? {}
  // The bytes that a part is made of are those of its film.
  if (kind === 'film-part') return endJob(services, ref, { state: 'done', holder })
  const isOurs = source?.site === services.site
  if (isOurs && !source.drop) await removeStaged(services, source.key)
  await endJob(services, ref, { state: 'done', holder })
  if (isOurs && source.drop) await services.jobs.send({ kind: 'drop', payload: { key: source.key } })
}

/** The letter comes first: when the rest fails, the next run comes here again and files the same letter. */
async function giveUp(services: Services, ref: JobRef, fault: JobFault): Promise<void> {
  const { code, detail, publicDetail = detail } = fault
  const { part } = (await readJob(services, ref)) ?? {}
  const opened = part ? { ...ref, job: part.film } : ref
  await fileJob(services, 'process', { ...opened, reopen: true }, detail)
  await failMedia(services, ref, { code, detail: publicDetail })
  await endJob(services, ref, { state: 'failed', error: fault })
}

async function failMedia(services: Services, ref: JobRef, error: Failure): Promise<void> {
  const job = await readJob(services, ref)
  if (!job) return
  const { asset, version } = job
  await writeMediaOf(services, { tenant: ref.tenant, asset, version }, (media) => ({
    ...media,
    status: 'failed',
    error,
  }))
}

async function beginAgain(services: Services, ref: JobRef): Promise<void> {
  const job = await readJob(services, ref)
  if (!job) return
  await reopenJob(services, ref)
  const { asset, version } = job
  await writeMediaOf(services, { tenant: ref.tenant, asset, version }, ({ error: _error, ...media }) =>
    media.status === 'failed' ? { ...media, status: 'uploaded' } : media,
  )
}
