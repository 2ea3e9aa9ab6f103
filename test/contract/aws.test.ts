import { generateKeyPairSync } from 'node:crypto'
import { afterAll, beforeAll } from '@jest/globals'
import { cloudFrontDelivery } from '../../aws/adapters/delivery.ts'
import { cloudWatchTelemetry } from '../../aws/adapters/telemetry.ts'
import { startAwsStores } from './aws-stores.ts'
import { deliverySuite } from './delivery-suite.ts'
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

let stores: Awaited<ReturnType<typeof startAwsStores>>

beforeAll(async () => {
  stores = await startAwsStores()
}, 120_000)

afterAll(() => stores?.close(), 20_000)

const passTime = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))
const nowMs = Date.now

recordStoreSuite('DynamoDB', () => stores.records)
recordIndexSuite('DynamoDB', () => stores.records)
recordBatchSuite('DynamoDB', () => stores.records)
siteStoreSuite('DynamoDB', () => ({ store: stores.siteStore, nowMs, passTime }))
objectStoreSuite('S3', () => ({ store: stores.objects, isRemote: true, pieceCopies: stores.pieceCopies }))
objectStreamSuite('S3', () => ({ store: stores.objects, isRemote: true }))
objectPartSuite('S3', () => ({ store: stores.objects }))
objectGrantSuite('S3', () => ({ store: stores.objects, fetch, nowMs, passTime }))
exportSuite('DynamoDB and S3', 'aws', () => stores)
jobQueueSuite('SQS', () => ({ ...stores, passTime }))
throttleSuite('DynamoDB', recordWriteNames, () => ({
  refuseNext: throttleAt(stores.refusing.url),
  writes: recordWrites(stores.refusing),
}))
throttleSuite('S3', ['a put'], () => ({
  refuseNext: throttleAt(stores.serverUrls.s3),
  writes: { 'a put': () => stores.objects.put('objects/t/throttled', new Uint8Array(3), { mediaType: 'text/plain' }) },
}))
throttleSuite('SQS', ['a send'], () => ({
  refuseNext: throttleAt(stores.serverUrls.sqs),
  writes: { 'a send': () => stores.queue.send({ kind: 'throttled', payload: {} }) },
}))
telemetrySuite('AWS', (options) => cloudWatchTelemetry({ ...options, version: '7' }))

const { privateKey } = generateKeyPairSync('rsa', {
  modulusLength: 2048,
  privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
  publicKeyEncoding: { type: 'spki', format: 'pem' },
})
deliverySuite(
  'CloudFront',
  'https://edge.test',
  (clock) => cloudFrontDelivery({ edgeUrl: 'https://edge.test', keyPairId: 'K1', privateKey, clock }),
  (url) => Number(url.searchParams.get('Expires')) * 1000,
)
