import type { JobBody } from '../domain/asset.ts'
import type { StoredRecord } from '../domain/record.ts'
import { stampMs } from '../domain/stamp.ts'
import type { Services } from './services.ts'

/** How long a run may be silent before another may take its job; a live one renews it three times in that time. */
export const leaseMs = 30_000
/** A waiting job whose message got lost is sent again after this, and ever more rarely. */
export const resendMs = 60_000
/** How much longer the other site waits before it takes over. */
export const takeoverGraceMs = 60_000
export const attemptsMax = 5

export const hasEnded = (job: JobBody): boolean => job.state === 'done' || job.state === 'failed'

/** When somebody has to look whether this job still moves. At the other site later than at the job's own. */
export function dueMs(services: Pick<Services, 'site'>, record: StoredRecord): number {
  const job = record.body as JobBody
  const ownMs =
    job.state === 'running' ? job.leaseUntilMs : Math.max(job.leaseUntilMs, stampMs(record.stamp)) + resendMs
  return job.site === services.site ? ownMs : ownMs + takeoverGraceMs
}
