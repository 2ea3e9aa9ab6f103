import middy from '@middy/core'
import type { SQSBatchResponse, SQSEvent } from 'aws-lambda'
import { jobRunner } from '../../shared/media/job-runner.ts'
import type { JobMessage } from '../../shared/ports/job-queue.ts'
import { eachMessage } from '../adapters/messages.ts'
import { composeAnalysis, composeServices } from '../compose.ts'
import { readConfig } from '../config.ts'

const services = composeServices('job')
const run = jobRunner(services, readConfig(), { analysis: composeAnalysis() })

/** Time kept back to hand over what is not finished. */
const handOverMs = 10_000

/** Messages of the job queue -> the core. */
export const handler = middy<SQSEvent, SQSBatchResponse>().handler((event, context) => {
  const signal = AbortSignal.timeout(Math.max(1000, context.getRemainingTimeInMillis() - handOverMs))
  return eachMessage(event, services.telemetry, (body) => run(body as JobMessage, signal))
})
