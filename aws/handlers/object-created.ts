import middy from '@middy/core'
import type { SQSBatchResponse, SQSEvent } from 'aws-lambda'
import { objectDropped } from '../../shared/core/drops.ts'
import { spanIn, within } from '../../shared/core/trace.ts'
import { dropsOf } from '../adapters/drop-event.ts'
import { eachMessage } from '../adapters/messages.ts'
import { composeServices } from '../compose.ts'

const services = composeServices('object-created')

/** S3 event notifications, by way of a queue -> the core, file by file. */
export const handler = middy<SQSEvent, SQSBatchResponse>().handler((event) =>
  eachMessage(event, services.telemetry, async (body) => {
    for (const drop of dropsOf(body)) await objectDropped(within(services, spanIn(services.random, undefined)), drop)
  }),
)
