import { app } from '@azure/functions'
import { runJob } from '../../shared/core/jobs.ts'
import { composeWorkTools } from '../../shared/media/compose-work.ts'
import type { JobMessage } from '../../shared/ports/job-queue.ts'
import { eachMessage } from '../adapters/messages.ts'
import { composeAnalysis, composeServices } from '../compose.ts'
import { readConfig } from '../config.ts'

const services = composeServices('job')
const work = { ...composeWorkTools(readConfig()), analysis: composeAnalysis() }

/** Less than functionTimeout in host.json by the time it takes to hand over what is not finished. */
const runMsMax = 15 * 60_000 - 10_000

/** Messages of the job queue -> the core. */
app.storageQueue('job', {
  connection: 'STORAGE',
  queueName: 'jobs',
  handler: (message: unknown) => {
    const signal = AbortSignal.timeout(runMsMax)
    return eachMessage(message, services.telemetry, (body) => runJob(services, work, body as JobMessage, signal))
  },
})
