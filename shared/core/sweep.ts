import { jobKey, mediaKey, type JobBody, type MediaBody, type UploadBody } from '../domain/asset.ts'
import { hasCode } from '../domain/errors.ts'
import type { StoredRecord } from '../domain/record.ts'
import type { PeerStatus } from '../ports/peer.ts'
import type { SiteItem } from '../ports/site-store.ts'
import { sweepAnalysis } from './analysis-order.ts'
import { endConflict } from './conflict-end.ts'
import { dailyId, sweepDaily } from './export-daily.ts'
import { sweepExport } from './exports.ts'
import { sendImport } from './import-send.ts'
import { dueMs, hasEnded, resendMs } from './job-state.ts'
import { sendJob } from './job-store.ts'
import { missingOf, missingShards, sendCopy } from './missing-objects.ts'
import {
  openAnalysisShards,
  openConflictShards,
  openExportShards,
  openJobShards,
  openUploadShards,
  openWebhookShards,
  parseDue,
  putDue,
  type DueEntry,
} from './open-work.ts'
import { isPaused } from './pause.ts'
import { readRecord, readRecords } from './record-reads.ts'
import type { Services } from './services.ts'
import { resumeUnfinished } from './unfinished.ts'
import { beginProcessing, closeAbandoned } from './uploads.ts'
import { sweepWebhookLane } from './webhook-sweep.ts'

const pageItems = 100
const pagesMax = 10
/** Conflicts can wait; a million of them must not use up a run. */
const conflictPagesMax = 2
const resendMsMax = 1_800_000
/** A job that waits at a peer which answers is the peer's business for this long. */
const patienceMs = 600_000

export interface SweepReport {
  readonly jobs: number
  readonly uploads: number
  readonly copies: number
}

/**
 * Looks at what should have moved by now and did not: messages that got lost, runs that died, uploads that nobody
 * finished, objects that did not come. Reads site-local lists only; the cost follows what is due.
 */
export async function sweep(services: Services): Promise<SweepReport> {
  const peer = onceOf(() => askPeer(services))
  const isPeerUp = async (): Promise<boolean> => (await peer()) !== undefined
  const report = {
    jobs: await sweepDue(services, openJobShards, (entry) => sweepJob(services, entry, peer)),
    uploads: await sweepDue(services, openUploadShards, (entry) => sweepUpload(services, entry)),
    copies: await sweepCopies(services, isPeerUp),
  }
  await sweepDue(services, openWebhookShards, (entry) => sweepWebhookLane(services, entry, isPeerUp))
  await sweepDue(services, openExportShards, (entry) =>
    (entry.id === dailyId ? sweepDaily : sweepExport)(services, entry, isPeerUp),
  )
  await sweepDue(services, openAnalysisShards, (entry) => sweepAnalysis(services, entry))
  await sweepDue(services, openConflictShards, (entry) => endConflict(services, entry), conflictPagesMax)
  return report
}

function onceOf<Value>(act: () => Promise<Value>): () => Promise<Value> {
  let value: Promise<Value> | undefined
  return () => (value ??= act())
}

/** Undefined when the peer does not answer. */
async function askPeer(services: Services): Promise<PeerStatus | undefined> {
  try {
    return await services.peer.status()
  } catch (error) {
    services.telemetry.log('info', 'The peer does not answer', {}, error)
    return undefined
  }
}

/** Goes through what is due; `act` answers when to look again, if ever. An entry goes only after that is written. */
async function sweepDue(
  services: Services,
  shards: readonly string[],
  act: (entry: DueEntry) => Promise<DueEntry | undefined>,
  max = pagesMax,
): Promise<number> {
  let count = 0
  for (const shard of shards) {
    let after: string | undefined
    for (let pages = 0; pages < max; pages++) {
      const page = await services.siteStore.list(shard, { after, limit: pageItems })
      const due = page.items.filter((item) => parseDue(item).dueMs <= services.clock.now())
      for (const item of due) {
        if (await sweepEntry(services, shard, item, { shards, act })) count++
      }
      after = page.next
      if (after === undefined || due.length < page.items.length) break
    }
  }
  return count
}

async function sweepEntry(
  services: Services,
  shard: string,
  item: SiteItem,
  {
    shards,
    act,
  }: { readonly shards: readonly string[]; readonly act: (entry: DueEntry) => Promise<DueEntry | undefined> },
): Promise<boolean> {
  try {
    const again = await act(parseDue(item))
    if (again) await putDue(services, shards, again)
    await services.siteStore.remove(shard, item.id, item.token)
    return again !== undefined
  } catch (error) {
    services.telemetry.log('error', 'The sweep could not look after something', { id: item.id }, error)
    return false
  }
}

async function sweepJob(
  services: Services,
  entry: DueEntry,
  peer: () => Promise<PeerStatus | undefined>,
): Promise<DueEntry | undefined> {
  const ref = { tenant: entry.tenant, job: entry.id }
  const record = await readRecord(services, jobKey(ref.tenant, ref.job))
  const job = record?.body as JobBody | undefined
  if (!record || !job) return undefined
  if (hasEnded(job)) {
    if (entry.value['unfinished'] === true) await resumeUnfinished(services, ref, job)
    return undefined
  }
  const nowMs = services.clock.now()
  const trueDueMs = dueMs(services, record)
  if (trueDueMs > nowMs) return { ...entry, dueMs: trueDueMs, value: { sent: 0 } }
  const sent = Number(entry.value['sent'] ?? 0)
  const again = { ...entry, dueMs: nowMs + Math.min(resendMsMax, resendMs * 2 ** sent), value: { sent: sent + 1 } }
  if (job.site === services.site) {
    await sendJob(services, ref)
    return again
  }
  // The parts of a film are taken over with it, by whoever goes on with its job.
  if (job.part) return { ...again, dueMs: nowMs + patienceMs }
  if (!(await mayTakeOver(services, record, nowMs - trueDueMs, peer))) return { ...again, dueMs: nowMs + resendMs }
  services.telemetry.log('warn', 'A job of the other site is taken over', { ...ref, site: job.site })
  await services.jobs.send({ kind: 'process', payload: { ...ref, takeover: true } })
  return again
}

/** Only what can be done here: the original must have come, and the peer must be silent, or idle for long. */
async function mayTakeOver(
  services: Services,
  { key, body }: StoredRecord,
  overdueMs: number,
  askPeerOnce: () => Promise<PeerStatus | undefined>,
): Promise<boolean> {
  const job = body as JobBody
  const [mediaRecord] = await readRecords(services, [mediaKey(key.tenant, job.asset)])
  const media = mediaRecord?.body as MediaBody | undefined
  if (media?.version !== job.version || media.status !== 'processing' || !media.objectKey) return false
  if (!(await services.objects.head(media.objectKey))) return false
  const peer = await askPeerOnce()
  if (!peer) return true
  // While that way is paused, a job that looks idle from here may have moved on long ago.
  const isBehind = (await isPaused(services, 'incoming')) || peer.paused?.includes('outgoing') === true
  return overdueMs > patienceMs && !isBehind
}

/**
 * Uploads past their time are closed, those that are gone already too, since their bytes may have outlasted that; completed ones
 * whose job was never written get it now.
 */
async function sweepUpload(services: Services, { tenant, id }: DueEntry): Promise<DueEntry | undefined> {
  const record = await readRecord(services, { tenant, collection: '_uploads', id })
  const upload = record?.body as UploadBody | undefined
  if (!upload) return undefined
  const asset = id.slice(0, id.lastIndexOf('-'))
  if (upload.state === 'complete') {
    await beginProcessing(services, tenant, asset, upload)
  } else if (upload.state === 'open' && upload.kind === 'import') {
    await sendImport(services, { tenant, asset })
    return { tenant, id, dueMs: services.clock.now() + resendMs, value: {} }
  } else if (upload.state === 'open' && upload.expiresAtMs > services.clock.now()) {
    return { tenant, id, dueMs: upload.expiresAtMs, value: {} }
  } else await closeAbandoned(services, tenant, asset, upload)
  return undefined
}

async function sweepCopies(services: Services, isPeerUp: () => Promise<boolean>): Promise<number> {
  let sent = 0
  for (const shard of missingShards) {
    let after: string | undefined
    for (let pages = 0; pages < pagesMax; pages++) {
      const page = await services.siteStore.list(shard, { after, limit: pageItems })
      for (const item of page.items) if (await sweepCopy(services, item, isPeerUp)) sent++
      after = page.next
      if (after === undefined) break
    }
  }
  return sent
}

async function sweepCopy(services: Services, item: SiteItem, isPeerUp: () => Promise<boolean>): Promise<boolean> {
  const missing = missingOf(item)
  const nowMs = services.clock.now()
  if (missing.dueMs > nowMs || missing.leaseUntilMs > nowMs || !(await isPeerUp())) return false
  try {
    const value = { ...missing, dueMs: nowMs + resendMs }
    const put = { partition: item.partition, id: item.id, value }
    if (!(await services.siteStore.put(put, { kind: 'unchanged', token: item.token }))) return false
    await sendCopy(services, missing)
    return true
  } catch (error) {
    if (!hasCode(error, 'throttled'))
      services.telemetry.log('error', 'A copy was not sent again', { key: missing.key }, error)
    return false
  }
}
