import { DynamoDBClient } from '@aws-sdk/client-dynamodb'
import { CreateBucketCommand, S3Client } from '@aws-sdk/client-s3'
import {
  CreateQueueCommand,
  DeleteMessageCommand,
  ReceiveMessageCommand,
  SendMessageCommand,
  SQSClient,
} from '@aws-sdk/client-sqs'
import { sqsJobQueue, sqsQueue } from '../../aws/adapters/job-queue.ts'
import { s3ClientSettings } from '../../aws/adapters/object-bucket.ts'
import { s3ObjectStore } from '../../aws/adapters/object-store.ts'
import { dynamoRecordStore } from '../../aws/adapters/record-store.ts'
import { dynamoSiteStore } from '../../aws/adapters/site-store.ts'
import { awsPorts, localCredentials, localRegion } from '../../local/aws/ports.ts'
import type { JobMessage } from '../../shared/ports/job-queue.ts'
import { startDynamoDb } from './dynamodb.ts'
import { startProcesses } from './processes.ts'
import { refusingProxy } from './refusing-dynamodb.ts'

/** Every store of the AWS side, on local servers, by its real adapter. */
export async function startAwsStores() {
  const processes = await startProcesses('local/aws/services.ts')
  const ports = awsPorts(processes.portBase)
  const database = await startDynamoDb()
  const serverUrls = { s3: `http://127.0.0.1:${ports.s3}`, sqs: `http://127.0.0.1:${ports.sqs}` }
  const common = { region: localRegion, credentials: localCredentials }
  const s3 = new S3Client({ ...common, ...s3ClientSettings, endpoint: serverUrls.s3, forcePathStyle: true })
  for (const Bucket of ['uploads', 'objects']) await s3.send(new CreateBucketCommand({ Bucket }))
  const buckets = { client: s3, uploadsBucket: 'uploads', objectsBucket: 'objects' }
  const client = new SQSClient({ ...common, endpoint: serverUrls.sqs })
  const queueNamed = async (QueueName: string): Promise<string> =>
    (await client.send(new CreateQueueCommand({ QueueName }))).QueueUrl ?? ''
  const queueUrl = await queueNamed('jobs')
  const events = { client, queueUrl: await queueNamed('events'), deadLetterQueueUrl: await queueNamed('events-dead') }
  const tell = (QueueUrl: string) => client.send(new SendMessageCommand({ QueueUrl, MessageBody: 'an event' }))
  const proxy = await refusingProxy(database.url)
  const throttled = new DynamoDBClient({ ...common, endpoint: proxy.url })
  return {
    serverUrls,
    /** The same tables, behind what refuses on demand. */
    refusing: {
      url: proxy.url,
      records: dynamoRecordStore({ client: throttled, table: 'records' }),
      siteStore: dynamoSiteStore({ client: throttled, table: 'site' }),
    },
    database: database.client,
    records: dynamoRecordStore({ client: database.client, table: 'records' }),
    siteStore: dynamoSiteStore({ client: database.client, table: 'site' }),
    objects: s3ObjectStore(buckets),
    pieceCopies: s3ObjectStore({ ...buckets, copyBytesMax: 1, copyPartBytes: 5 * 2 ** 20 }),
    queue: sqsJobQueue({ client, queueUrl, deadLetterQueueUrl: await queueNamed('jobs-dead') }),
    events: {
      queue: sqsQueue(events),
      tell: () => tell(events.queueUrl),
      bury: () => tell(events.deadLetterQueueUrl),
    },
    receive: async (): Promise<JobMessage | undefined> => {
      const { Messages: [message] = [] } = await client.send(new ReceiveMessageCommand({ QueueUrl: queueUrl }))
      if (!message) return undefined
      await client.send(new DeleteMessageCommand({ QueueUrl: queueUrl, ReceiptHandle: message.ReceiptHandle }))
      return JSON.parse(message.Body ?? '') as JobMessage
    },
    close: async (): Promise<void> => {
      throttled.destroy()
      await proxy.close()
      await database.close()
      await processes.close()
    },
  }
}
