import { app } from '@azure/functions'
import { objectDropped } from '../../shared/core/drops.ts'
import { spanIn, within } from '../../shared/core/trace.ts'
import { dropsOf } from '../adapters/drop-event.ts'
import { eachMessage } from '../adapters/messages.ts'
import { composeServices } from '../compose.ts'

const services = composeServices('object-created')

/** Event Grid events, by way of a queue -> the core, file by file. */
app.storageQueue('object-created', {
  connection: 'STORAGE',
  queueName: 'upload-events',
  handler: (message: unknown) =>
    eachMessage(message, services.telemetry, async (body) => {
      for (const drop of dropsOf(body)) await objectDropped(within(services, spanIn(services.random, undefined)), drop)
    }),
})
