import { runJob } from '../core/jobs.ts'
import type { Services } from '../core/services.ts'
import type { WorkTools } from '../core/work-tools.ts'
import type { JobMessage } from '../ports/job-queue.ts'
import { composeWorkTools, type WorkToolsOptions } from './compose-work.ts'

export type JobRunner = (message: JobMessage, signal: AbortSignal) => Promise<void>

/** All that a job can need, which is the larger half of the program: at Azure it is loaded when the first job comes. */
export function jobRunner(services: Services, options: WorkToolsOptions, more: Pick<WorkTools, 'analysis'>): JobRunner {
  const work = { ...composeWorkTools(options), ...more }
  return (message, signal) => runJob(services, work, message, signal)
}
