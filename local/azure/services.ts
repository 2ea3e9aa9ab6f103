import { join } from 'node:path'
import { startCosmosServer } from './cosmos/server.ts'
import { azurePorts, localCosmosKey } from './endpoints.ts'
import { EventGridProxy } from './event-grid.ts'
import { hostOptions, runProcess } from './process.ts'
import { stores } from './stores.ts'

const { data, portBase } = hostOptions()
const ports = azurePorts(portBase)

runProcess(async () => {
  const cosmos = await startCosmosServer({
    folder: join(data, 'cosmos'),
    port: ports.cosmos,
    key: localCosmosKey,
  })
  const eventGrid = new EventGridProxy({
    folder: join(data, 'event-grid'),
    port: ports.blob,
    blobPort: ports.blobInternal,
    queuePort: ports.queue,
    subscriptions: stores.eventSubscriptions,
  })
  await eventGrid.start()
  return {
    facts: { process: 'azure-services', cosmos: ports.cosmos, blob: ports.blob },
    stop: async () => {
      await Promise.all([cosmos.close(), eventGrid.stop()])
    },
  }
})
