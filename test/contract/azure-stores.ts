import { createDefaultHttpClient, type HttpClient } from '@azure/core-rest-pipeline'
import { CosmosClient } from '@azure/cosmos'
import { BlobServiceClient } from '@azure/storage-blob'
import { QueueServiceClient } from '@azure/storage-queue'
import { storageJobQueue, storageQueue } from '../../azure/adapters/job-queue.ts'
import { blobObjectStore } from '../../azure/adapters/object-store.ts'
import { cosmosRecordStore } from '../../azure/adapters/record-store.ts'
import { cosmosSiteStore } from '../../azure/adapters/site-store.ts'
import { withoutIdlePlans } from '../../azure/compose.ts'
import { azurePorts, cosmosConnectionString, storageConnectionString } from '../../local/azure/endpoints.ts'
import { localPolicy, parseConnection, provision } from '../../local/azure/provision.ts'
import type { JobMessage } from '../../shared/ports/job-queue.ts'
import { startProcesses } from './processes.ts'

/** Every store of the Azure side, on local servers, by its real adapter. */
export async function startAzureStores() {
  const processes = await startProcesses('local/azure/azurite.ts', 'local/azure/services.ts')
  const ports = azurePorts(processes.portBase)
  const connections = {
    cosmos: cosmosConnectionString(ports.cosmos),
    storage: storageConnectionString(ports.blob, ports.queue),
  }
  await provision(connections)
  const [plain, asked] = [createDefaultHttpClient(), { plans: 0 }]
  const counting: HttpClient = {
    sendRequest: (request) => {
      if (request.headers.has('x-ms-cosmos-is-query-plan-request')) asked.plans++
      return plain.sendRequest(request)
    },
  }
  const cosmos = new CosmosClient({
    ...parseConnection(connections.cosmos),
    connectionPolicy: localPolicy,
    httpClient: withoutIdlePlans(counting),
  })
  const database = cosmos.database('catamaran')
  const client = BlobServiceClient.fromConnectionString(connections.storage)
  const queues = QueueServiceClient.fromConnectionString(connections.storage)
  const jobs = queues.getQueueClient('jobs')
  const events = { queue: queues.getQueueClient('events'), poisonQueue: queues.getQueueClient('events-poison') }
  await events.queue.create()
  return {
    cosmosUrl: `http://127.0.0.1:${ports.cosmos}`,
    /** How often the server was asked for the plan of a query. */
    plansAsked: () => asked.plans,
    container: database.container('records'),
    records: cosmosRecordStore({ container: database.container('records') }),
    siteStore: cosmosSiteStore({ container: database.container('site') }),
    objects: blobObjectStore({ client, copyFromUrl: false }),
    /** Azurite reads from URLs of its own, as Blob Storage does from any. */
    urlCopies: blobObjectStore({ client, copyFromUrl: true }),
    pieceCopies: blobObjectStore({ client, copyFromUrl: false, copyBlockBytes: 300_000 }),
    queue: storageJobQueue({ queue: jobs, poisonQueue: queues.getQueueClient('jobs-poison') }),
    events: {
      queue: storageQueue(events),
      tell: () => events.queue.sendMessage('an event'),
      bury: async () => {
        await events.poisonQueue.create()
        await events.poisonQueue.sendMessage('an event')
      },
    },
    /** What is told of the drop area. */
    objectEvents: queues.getQueueClient('upload-events'),
    receive: async (): Promise<JobMessage | undefined> => {
      const [message] = (await jobs.receiveMessages({ numberOfMessages: 1 })).receivedMessageItems
      if (!message) return undefined
      await jobs.deleteMessage(message.messageId, message.popReceipt)
      return JSON.parse(Buffer.from(message.messageText, 'base64').toString()) as JobMessage
    },
    close: async (): Promise<void> => {
      cosmos.dispose()
      await processes.close()
    },
  }
}
