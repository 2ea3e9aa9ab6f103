import { assetKey, type JobBody, type MediaBody } from '../domain/asset.ts'
import { hasEnded } from './job-state.ts'
import { readJob, resumeJob, type JobRef } from './job-store.ts'
import { readMedia } from './media-store.ts'
import { openJobShards, putDue } from './open-work.ts'
import { readRecord } from './record-reads.ts'
import type { Services } from './services.ts'

/** Of an asset and its job either may be ahead of the other on its way here for so long. */
const settledMs = 600_000

/**
 * Two runs at sites that were cut off from each other may end one job: the first at its own site, the second where it was taken
 * over. When the second site then loses what it made, the job stays ended by the first, and the asset as the second began it.
 * Whoever hears of both puts it down to be looked at again.
 */
export async function noteUnfinished(services: Services, ref: JobRef, media: MediaBody | undefined): Promise<void> {
  if (!isOpen(media) || media.job !== ref.job) return
  const job = await readJob(services, ref)
  if (!job || job.part || !hasEnded(job)) return
  // The site that ended it goes first.
  const waitMs = job.site === services.site ? settledMs : 2 * settledMs
  const due = { dueMs: services.clock.now() + waitMs, tenant: ref.tenant, id: ref.job }
  await putDue(services, openJobShards, { ...due, value: { unfinished: true } })
}

/** Opens a job again whose asset is still not through, where its bytes are. What was deleted is gone on with when it is brought back. */
export async function resumeUnfinished(services: Services, ref: JobRef, job: JobBody): Promise<void> {
  const media = await readMedia(services, ref.tenant, job.asset)
  if (!isOpen(media) || media.job !== ref.job) return
  if (!(await readRecord(services, assetKey(ref.tenant, job.asset)))) return
  if (!(await services.objects.head(media.objectKey))) return
  services.telemetry.log('warn', 'A job had ended before its asset was through, and is opened again', { ...ref })
  await resumeJob(services, ref)
}

/** From then on its bytes are an object, and whoever has that can go on. */
const isOpen = (media: MediaBody | undefined): media is MediaBody & { readonly objectKey: string } =>
  media?.status === 'processing' && media.objectKey !== undefined
