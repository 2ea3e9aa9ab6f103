import { afterAll, beforeAll } from '@jest/globals'
import { CosmosClient } from '@azure/cosmos'
import { BlobServiceClient } from '@azure/storage-blob'
import { QueueServiceClient } from '@azure/storage-queue'
import { blobDelivery } from '../../azure/adapters/delivery.ts'
import { storageJobQueue } from '../../azure/adapters/job-queue.ts'
import { blobObjectStore } from '../../azure/adapters/object-store.ts'
import { cosmosRecordStore } from '../../azure/adapters/record-store.ts'
import { cosmosSiteStore } from '../../azure/adapters/site-store.ts'
import { monitorTelemetry } from '../../azure/adapters/telemetry.ts'
import { azurePorts, cosmosConnectionString, storageConnectionString } from '../../local/azure/endpoints.ts'
import { localPolicy, parseConnection, provision } from '../../local/azure/provision.ts'
import type { JobMessage, JobQueue } from '../../shared/ports/job-queue.ts'
import type { ObjectStore } from '../../shared/ports/object-store.ts'
import type { RecordStore } from '../../shared/ports/record-store.ts'
import type { SiteStore } from '../../shared/ports/site-store.ts'
import { facts, freshTenant, state } from './fixtures.ts'
import { deliverySuite } from './delivery-suite.ts'
import { jobQueueSuite } from './job-queue-suite.ts'
import { objectGrantSuite } from './object-grant-suite.ts'
import { objectPartSuite } from './object-part-suite.ts'
import { objectStoreSuite } from './object-store-suite.ts'
import { objectStreamSuite } from './object-stream-suite.ts'
import { type LocalProcesses, startProcesses } from './processes.ts'
import { recordBatchSuite } from './record-batch-suite.ts'
import { recordIndexSuite } from './record-index-suite.ts'
import { recordStoreSuite } from './record-store-suite.ts'
import { siteStoreSuite } from './site-store-suite.ts'
import { telemetrySuite } from './telemetry-suite.ts'
import { throttleAt, throttleSuite } from './throttle-suite.ts'

let processes: LocalProcesses | undefined
let cosmos: CosmosClient | undefined
let records: RecordStore
let siteStore: SiteStore
let objects: ObjectStore
let pieceCopies: ObjectStore
/** Azurite reads from URLs of its own, as Blob Storage does from any. */
let urlCopies: ObjectStore
let queue: JobQueue
let receive: () => Promise<JobMessage | undefined>
let cosmosUrl: string

beforeAll(async () => {
  processes = await startProcesses('local/azure/azurite.ts', 'local/azure/services.ts')
  const ports = azurePorts(processes.portBase)
  const connections = {
    cosmos: cosmosConnectionString(ports.cosmos),
    storage: storageConnectionString(ports.blob, ports.queue),
  }
  cosmosUrl = `http://127.0.0.1:${ports.cosmos}`
  await provision(connections)
  cosmos = new CosmosClient({ ...parseConnection(connections.cosmos), connectionPolicy: localPolicy })
  const database = cosmos.database('catamaran')
  records = cosmosRecordStore({ container: database.container('records') })
  siteStore = cosmosSiteStore({ container: database.container('site') })
  const client = BlobServiceClient.fromConnectionString(connections.storage)
  objects = blobObjectStore({ client, copyFromUrl: false })
  urlCopies = blobObjectStore({ client, copyFromUrl: true })
  pieceCopies = blobObjectStore({ client, copyFromUrl: false, copyBlockBytes: 300_000 })
  const queues = QueueServiceClient.fromConnectionString(connections.storage)
  const jobs = queues.getQueueClient('jobs')
  queue = storageJobQueue({ queue: jobs, poisonQueue: queues.getQueueClient('jobs-poison') })
  receive = async () => {
    const [message] = (await jobs.receiveMessages({ numberOfMessages: 1 })).receivedMessageItems
    if (!message) return undefined
    await jobs.deleteMessage(message.messageId, message.popReceipt)
    return JSON.parse(Buffer.from(message.messageText, 'base64').toString()) as JobMessage
  }
}, 90_000)

afterAll(async () => {
  cosmos?.dispose()
  await processes?.close()
}, 20_000)

const passTime = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))
const nowMs = Date.now

recordStoreSuite('Cosmos DB', () => records)
recordIndexSuite('Cosmos DB', () => records)
recordBatchSuite('Cosmos DB', () => records)
siteStoreSuite('Cosmos DB', () => ({ store: siteStore, nowMs, passTime }))
objectStoreSuite('Blob Storage', () => ({ store: objects, isRemote: true, pieceCopies }))
objectStreamSuite('Blob Storage', () => ({ store: objects, isRemote: true }))
objectPartSuite('Blob Storage', () => ({ store: objects }))
objectPartSuite('Blob Storage, copying from URLs', () => ({
  store: urlCopies,
  urlOf: async (key) => (await urlCopies.presign(key, { method: 'GET', expiresAtMs: Date.now() + 60_000 })).url,
}))
objectGrantSuite('Blob Storage', () => ({ store: objects, fetch, nowMs, passTime }))
jobQueueSuite('Storage queue', () => ({ queue, receive, passTime }))
// Azurite cannot be made to throttle: what its adapters make of a throttled answer is shown in parts.test.ts.
const throttledKey = { tenant: freshTenant(), collection: 'c', id: 'throttled' }
let throttledTime = 1
throttleSuite('Cosmos DB', ['a record', 'records at once', 'a site item'], () => ({
  refuseNext: throttleAt(cosmosUrl),
  writes: {
    'a record': () =>
      records.put(state({ ...throttledKey, id: `r${throttledTime++}` }, {}), { kind: 'absent' }, facts()),
    'records at once': () => {
      const key = { ...throttledKey, id: `m${throttledTime++}` }
      return records.putMany([{ state: state(key, {}), condition: { kind: 'absent' }, facts: facts() }])
    },
    'a site item': () => siteStore.put({ partition: 'throttled', id: 'i', value: {} }, { kind: 'any' }),
  },
}))
telemetrySuite('Azure', monitorTelemetry)

const account = BlobServiceClient.fromConnectionString(storageConnectionString(1, 2))
deliverySuite(
  'Front Door',
  'https://edge.test',
  (clock) => blobDelivery({ client: account, copyFromUrl: false, edgeUrl: 'https://edge.test', clock }),
  (url) => Date.parse(url.searchParams.get('se') ?? ''),
)
