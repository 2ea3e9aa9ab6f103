import type { Site } from '../../shared/domain/site.ts'
import { jobQueueWay } from '../memory/job-queue.ts'
import type { Hosting } from './queue.ts'

const secondMs = 1_000
const minuteMs = 60 * secondMs
const dayMs = 24 * 60 * minuteMs

/** Storage Queue and the Functions host, with what host.json sets. Dead letters are messages of the host's own, kept for 7 days. */
const azure = {
  receivesMax: 5,
  hiddenMs: 10 * minuteMs,
  deadRetentionMs: 7 * dayMs,
  deadSince: 'death',
  batchMax: 1,
  functionMs: 15 * minuteMs,
  host: { againMs: 10 * secondMs, renewMs: 5 * minuteMs },
} as const

/** As they are deployed. */
export const jobHosting: Readonly<Record<Site, Hosting>> = {
  aws: { ...jobQueueWay, batchMax: 1, functionMs: 15 * minuteMs },
  // They are sent to be kept for ever.
  azure: { ...azure, retentionMs: Infinity },
}

export const objectEventHosting: Readonly<Record<Site, Hosting>> = {
  aws: { ...jobQueueWay, hiddenMs: 150 * secondMs, batchMax: 10, functionMs: 2 * minuteMs },
  azure: { ...azure, retentionMs: 7 * dayMs },
}
