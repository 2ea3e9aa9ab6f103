import { app } from '@azure/functions'
import { loadOnce } from '../../shared/adapters/load-once.ts'
import type { JobMessage } from '../../shared/ports/job-queue.ts'
import { eachMessage } from '../adapters/messages.ts'
import { composeAnalysis, composeServices } from '../compose.ts'
import { readConfig } from '../config.ts'

const services = composeServices('job')

/** Loaded when the first job comes: the functions beside it start without what converts media. */
const runner = loadOnce(async () => {
  const { jobRunner } = await import('../../shared/media/job-runner.ts')
  return jobRunner(services, readConfig(), { analysis: composeAnalysis() })
})

/** Less than functionTimeout in host.json by the time it takes to hand over what is not finished. */
const runMsMax = 15 * 60_000 - 10_000

/** Messages of the job queue -> the core. */
app.storageQueue('job', {
  connection: 'STORAGE',
  queueName: 'jobs',
  handler: async (message: unknown) => {
    const signal = AbortSignal.timeout(runMsMax)
    const run = await runner()
    return eachMessage(message, services.telemetry, (body) => run(body as JobMessage, signal))
  },
})
