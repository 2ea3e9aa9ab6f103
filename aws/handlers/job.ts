import middy from '@middy/core'
import type { Context, SQSEvent } from 'aws-lambda'
import { runJob } from '../../shared/core/jobs.ts'
import type { JobMessage } from '../../shared/ports/job-queue.ts'
import { eachMessage } from '../adapters/messages.ts'
import { composeServices, composeWork } from '../compose.ts'

const services = composeServices('job')
const work = composeWork()

/** Time kept back to hand over what is not finished. */
const handOverMs = 10_000

/** Messages of the job queue -> the core. */
export const handler = middy().handler((event: SQSEvent, context: Context) => {
  const signal = AbortSignal.timeout(Math.max(1000, context.getRemainingTimeInMillis() - handOverMs))
  return eachMessage(event, services.telemetry, (body) => runJob(services, work, body as JobMessage, signal))
})
