import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { BlobServiceClient } from '@azure/storage-blob'
import { blobDelivery } from '../../azure/adapters/delivery.ts'
import { monitorTelemetry } from '../../azure/adapters/telemetry.ts'
import { storageConnectionString } from '../../local/azure/endpoints.ts'
import { startAzureStores } from './azure-stores.ts'
import { deliverySuite } from './delivery-suite.ts'
import { freshTenant } from './fixtures.ts'
import { exportSuite } from './export-suite.ts'
import { jobQueueSuite } from './job-queue-suite.ts'
import { objectGrantSuite } from './object-grant-suite.ts'
import { objectPartSuite } from './object-part-suite.ts'
import { objectStoreSuite } from './object-store-suite.ts'
import { objectStreamSuite } from './object-stream-suite.ts'
import { recordBatchSuite } from './record-batch-suite.ts'
import { recordIndexSuite } from './record-index-suite.ts'
import { recordStoreSuite } from './record-store-suite.ts'
import { siteStoreSuite } from './site-store-suite.ts'
import { telemetrySuite } from './telemetry-suite.ts'
import { recordWriteNames, recordWrites, throttleAt, throttleSuite } from './throttle-suite.ts'

let stores: Awaited<ReturnType<typeof startAzureStores>>

beforeAll(async () => {
  stores = await startAzureStores()
}, 90_000)

afterAll(() => stores?.close(), 20_000)

const passTime = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))
const nowMs = Date.now

recordStoreSuite('Cosmos DB', () => stores.records)
recordIndexSuite('Cosmos DB', () => stores.records)
recordBatchSuite('Cosmos DB', () => stores.records)
siteStoreSuite('Cosmos DB', () => ({ store: stores.siteStore, nowMs, passTime }))
objectStoreSuite('Blob Storage', () => ({ store: stores.objects, isRemote: true, pieceCopies: stores.pieceCopies }))
objectStreamSuite('Blob Storage', () => ({ store: stores.objects, isRemote: true }))
objectPartSuite('Blob Storage', () => ({ store: stores.objects }))
objectPartSuite('Blob Storage, copying from URLs', () => ({
  store: stores.urlCopies,
  urlOf: async (key) => (await stores.urlCopies.presign(key, { method: 'GET', expiresAtMs: Date.now() + 60_000 })).url,
}))
objectGrantSuite('Blob Storage', () => ({ store: stores.objects, fetch, nowMs, passTime }))
exportSuite('Cosmos DB and Blob Storage', 'azure', () => stores)
jobQueueSuite('Storage queue', () => ({ ...stores, passTime }))
// Azurite cannot be made to throttle: what its adapters make of a throttled answer is shown in sdk-errors.test.ts.
throttleSuite('Cosmos DB', recordWriteNames, () => ({
  refuseNext: throttleAt(stores.cosmosUrl),
  writes: recordWrites(stores),
}))
telemetrySuite('Azure', monitorTelemetry)

test('what one partition answers is asked for without a plan', async () => {
  const { records, siteStore, plansAsked } = stores
  const before = plansAsked()
  const partition = { tenant: freshTenant(), collection: 'notes', shard: 3 }
  expect(await records.query(partition, { limit: 10 })).toEqual({ items: [] })
  const keys = ['a', 'b'].map((id) => ({ tenant: partition.tenant, collection: 'notes', id }))
  expect(await records.getMany(keys)).toEqual([undefined, undefined])
  expect((await siteStore.list('nothing', { limit: 10 })).items).toEqual([])
  expect(plansAsked()).toBe(before)
  await records.arrivals(partition.tenant, 3, { limit: 10 })
  expect(plansAsked()).toBeGreaterThan(before)
})

const account = BlobServiceClient.fromConnectionString(storageConnectionString(1, 2))
deliverySuite(
  'Front Door',
  'https://edge.test',
  (clock) => blobDelivery({ client: account, copyFromUrl: false, edgeUrl: 'https://edge.test', clock }),
  (url) => Date.parse(url.searchParams.get('se') ?? ''),
)
