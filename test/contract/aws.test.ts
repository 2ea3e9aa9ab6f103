import { generateKeyPairSync } from 'node:crypto'
import { afterAll, beforeAll } from '@jest/globals'
import { CreateBucketCommand, S3Client } from '@aws-sdk/client-s3'
import { CreateQueueCommand, DeleteMessageCommand, ReceiveMessageCommand, SQSClient } from '@aws-sdk/client-sqs'
import { cloudFrontDelivery } from '../../aws/adapters/delivery.ts'
import { sqsJobQueue } from '../../aws/adapters/job-queue.ts'
import { s3ClientSettings } from '../../aws/adapters/object-bucket.ts'
import { s3ObjectStore } from '../../aws/adapters/object-store.ts'
import { dynamoRecordStore } from '../../aws/adapters/record-store.ts'
import { dynamoSiteStore } from '../../aws/adapters/site-store.ts'
import { cloudWatchTelemetry } from '../../aws/adapters/telemetry.ts'
import { awsPorts, localCredentials, localRegion } from '../../local/aws/ports.ts'
import type { JobMessage, JobQueue } from '../../shared/ports/job-queue.ts'
import type { ObjectStore } from '../../shared/ports/object-store.ts'
import type { RecordStore } from '../../shared/ports/record-store.ts'
import type { SiteStore } from '../../shared/ports/site-store.ts'
import { deliverySuite } from './delivery-suite.ts'
import { startDynamoDb, type TestDynamoDb } from './dynamodb.ts'
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
let database: TestDynamoDb | undefined
let records: RecordStore
let siteStore: SiteStore
let objects: ObjectStore
let pieceCopies: ObjectStore
let queue: JobQueue
let receive: () => Promise<JobMessage | undefined>
let serverUrls: { readonly s3: string; readonly sqs: string }

beforeAll(async () => {
  processes = await startProcesses('local/aws/services.ts')
  const ports = awsPorts(processes.portBase)
  database = await startDynamoDb()
  records = dynamoRecordStore({ client: database.client, table: 'records' })
  siteStore = dynamoSiteStore({ client: database.client, table: 'site' })
  serverUrls = { s3: `http://127.0.0.1:${ports.s3}`, sqs: `http://127.0.0.1:${ports.sqs}` }
  const common = { region: localRegion, credentials: localCredentials }
  const s3 = new S3Client({
    ...common,
    ...s3ClientSettings,
    endpoint: serverUrls.s3,
    forcePathStyle: true,
  })
  for (const Bucket of ['uploads', 'objects']) await s3.send(new CreateBucketCommand({ Bucket }))
  const buckets = { client: s3, uploadsBucket: 'uploads', objectsBucket: 'objects' }
  objects = s3ObjectStore(buckets)
  pieceCopies = s3ObjectStore({ ...buckets, copyBytesMax: 1 })
  const client = new SQSClient({ ...common, endpoint: serverUrls.sqs })
  const { QueueUrl: queueUrl = '' } = await client.send(new CreateQueueCommand({ QueueName: 'jobs' }))
  const dead = await client.send(new CreateQueueCommand({ QueueName: 'jobs-dead' }))
  queue = sqsJobQueue({ client, queueUrl, deadLetterQueueUrl: dead.QueueUrl ?? '' })
  receive = async () => {
    const { Messages: [message] = [] } = await client.send(new ReceiveMessageCommand({ QueueUrl: queueUrl }))
    if (!message) return undefined
    await client.send(new DeleteMessageCommand({ QueueUrl: queueUrl, ReceiptHandle: message.ReceiptHandle }))
    return JSON.parse(message.Body ?? '') as JobMessage
  }
}, 120_000)

afterAll(async () => {
  await database?.close()
  await processes?.close()
}, 20_000)

const passTime = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))
const nowMs = Date.now

recordStoreSuite('DynamoDB', () => records)
recordIndexSuite('DynamoDB', () => records)
recordBatchSuite('DynamoDB', () => records)
siteStoreSuite('DynamoDB', () => ({ store: siteStore, nowMs, passTime }))
objectStoreSuite('S3', () => ({ store: objects, isRemote: true, pieceCopies }))
objectStreamSuite('S3', () => ({ store: objects, isRemote: true }))
objectPartSuite('S3', () => ({ store: objects }))
objectGrantSuite('S3', () => ({ store: objects, fetch, nowMs, passTime }))
jobQueueSuite('SQS', () => ({ queue, receive, passTime }))
// DynamoDB Local cannot be made to throttle: what its adapters make of a throttled answer is shown in parts.test.ts.
throttleSuite('S3', ['a put'], () => ({
  refuseNext: throttleAt(serverUrls.s3),
  writes: { 'a put': () => objects.put('objects/t/throttled', new Uint8Array(3), { mediaType: 'text/plain' }) },
}))
throttleSuite('SQS', ['a send'], () => ({
  refuseNext: throttleAt(serverUrls.sqs),
  writes: { 'a send': () => queue.send({ kind: 'throttled', payload: {} }) },
}))
telemetrySuite('AWS', cloudWatchTelemetry)

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
