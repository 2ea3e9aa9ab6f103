import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { CreateTableCommand, DynamoDBClient, PutItemCommand, ScanCommand } from '@aws-sdk/client-dynamodb'
import { DynamoDBStreamsClient } from '@aws-sdk/client-dynamodb-streams'
import { CreateBucketCommand, GetObjectCommand, ListObjectsV2Command, type S3Client } from '@aws-sdk/client-s3'
import { createServer, type AddressInfo } from 'node:net'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { type DynamoDb, startDynamoDb } from '../../../local/aws/dynamodb.ts'
import { Checkpoints } from '../../../local/aws/lambda/checkpoints.ts'
import { storeFailure } from '../../../local/aws/lambda/failure-destination.ts'
import type { Invocation } from '../../../local/aws/lambda/function-spec.ts'
import { StreamMapping, type StreamMappingOptions } from '../../../local/aws/lambda/stream-mapping.ts'
import { localCredentials } from '../../../local/aws/ports.ts'
import { temporaryFolder } from './lambda-fixture.ts'
import { s3Fixture } from './s3-fixture.ts'

let folder: string
let port: number
let dynamodb: DynamoDb
let streamArn: string
let table: DynamoDBClient
let streams: DynamoDBStreamsClient
let checkpoints: Checkpoints

const TableName = 'records'
const config = () => ({ endpoint: dynamodb.endpoint, region: 'us-east-1', credentials: localCredentials })

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await new Promise((done) => server.once('listening', done))
  const { port: free } = server.address() as AddressInfo
  await new Promise((done) => server.close(done))
  return free
}

beforeAll(async () => {
  folder = await temporaryFolder()
  port = await freePort()
  dynamodb = await startDynamoDb({ data: folder, port })
  table = new DynamoDBClient(config())
  streams = new DynamoDBStreamsClient(config())
  checkpoints = new Checkpoints(join(folder, 'checkpoints.sqlite'))
  const created = await table.send(
    new CreateTableCommand({
      TableName,
      BillingMode: 'PAY_PER_REQUEST',
      AttributeDefinitions: [{ AttributeName: 'pk', AttributeType: 'S' }],
      KeySchema: [{ AttributeName: 'pk', KeyType: 'HASH' }],
      StreamSpecification: { StreamEnabled: true, StreamViewType: 'NEW_AND_OLD_IMAGES' },
    }),
  )
  streamArn = created.TableDescription?.LatestStreamArn ?? ''
}, 60_000)
afterAll(async () => {
  table.destroy()
  streams.destroy()
  checkpoints.close()
  await dynamodb.close()
  await rm(folder, { recursive: true })
})

const put = (pk: string) =>
  table.send(
    new PutItemCommand({ TableName, Item: { pk: { S: pk }, bin: { B: Buffer.from('b') }, list: { L: [{ N: '1' }] } } }),
  )

interface Seen {
  eventName: string
  eventSource: string
  dynamodb: { NewImage: { pk: { S: string }; bin: { B: string } }; SequenceNumber: string }
}

function mapping(answer: (records: Seen[]) => Invocation, more: Partial<StreamMappingOptions> = {}): StreamMapping {
  return new StreamMapping({
    streams,
    streamArn,
    id: 'mapping',
    invoke: async (event) => answer((JSON.parse(event) as { Records: Seen[] }).Records),
    checkpoints,
    startingPosition: 'TRIM_HORIZON',
    batchSize: 10,
    windowMs: 0,
    policy: { bisect: true, reportsItemFailures: true, retriesMax: 1, ageSecondsMax: -1 },
    giveUp: async () => {},
    log: () => {},
    ...more,
  })
}
const ok: Invocation = { ok: true, requestId: 'r', payload: '{}' }
const failed: Invocation = { ok: false, requestId: 'r', error: { errorType: 'Error', errorMessage: 'no' } }
const until = async (condition: () => boolean, tries = 400) => {
  for (let count = 0; count < tries && !condition(); count++) await sleep(25)
  expect(condition()).toBe(true)
}
const names = (records: Seen[]) => records.map((record) => record.dynamodb.NewImage.pk.S)

test('a mapping delivers changes in order, resumes after its checkpoint, and replays what was not done', async () => {
  for (let index = 0; index < 15; index++) await put(`a${index}`)
  const seen: string[] = []
  let example: Seen | undefined
  const first = mapping((records) => {
    example = records[0]
    seen.push(...names(records))
    return ok
  })
  await until(() => seen.length === 15)
  await first.close()
  expect(seen).toEqual(Array.from({ length: 15 }, (_, index) => `a${index}`))
  expect(example).toMatchObject({
    eventSource: 'aws:dynamodb',
    eventName: 'INSERT',
    dynamodb: { NewImage: { bin: { B: 'Yg==' } } },
  })

  // A host that dies before the function has answered has saved nothing: the records come again.
  await put('b0')
  const unanswered: string[] = []
  const second = mapping(
    (records) => {
      unanswered.push(...names(records))
      return failed
    },
    { policy: { bisect: false, reportsItemFailures: true, retriesMax: -1, ageSecondsMax: -1 } },
  )
  await until(() => unanswered.length > 0)
  await second.close()
  const again: string[] = []
  const third = mapping((records) => {
    again.push(...names(records))
    return ok
  })
  await until(() => again.length > 0)
  await third.close()
  expect(again).toEqual(['b0'])
}, 60_000)

/** Everything in the bucket, read whole. */
async function objectsIn(s3: S3Client, Bucket: string): Promise<{ key: string; type?: string; body: object }[]> {
  const { Contents = [] } = await s3.send(new ListObjectsV2Command({ Bucket }))
  return Promise.all(
    Contents.map(async ({ Key = '' }) => {
      const { Body, ContentType = '' } = await s3.send(new GetObjectCommand({ Bucket, Key }))
      return { key: Key, type: ContentType, body: JSON.parse((await Body?.transformToString()) ?? '') as object }
    }),
  )
}

test('a poison record is isolated and given up, to where Lambda keeps such; its neighbours arrive', async () => {
  const arrived: string[] = []
  const store = await s3Fixture()
  const s3 = store.client
  await s3.send(new CreateBucketCommand({ Bucket: 'failures' }))
  const functionArn = 'arn:aws:lambda:us-east-1:000000000000:function:change-feed'
  for (const name of ['c0', 'c1', 'poison', 'c2']) await put(name)
  const running = mapping(
    (records) => {
      if (names(records).includes('poison')) return failed
      arrived.push(...names(records))
      return ok
    },
    {
      giveUp: (given, shardId) =>
        storeFailure({ s3, bucket: 'failures', mappingId: 'feed', functionArn, streamArn }, shardId, given),
    },
  )
  await until(() => arrived.includes('c2'))
  await running.close()
  expect(arrived).toEqual(['c0', 'c1', 'c2'])

  // AWS Lambda developer guide, "Retaining discarded batches from a DynamoDB event source".
  const kept = await objectsIn(s3, 'failures')
  await store.close()
  expect(kept).toHaveLength(1)
  const { key, type, body } = kept[0] as { key: string; type: string; body: { payload: string } }
  const uuid = '[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}'
  const name = String.raw`^aws/lambda/feed/(shardId-[^/]+)/\d{4}/\d\d/\d\d/\d{4}-\d\d-\d\dT\d\d\.\d\d\.\d\d-${uuid}$`
  const shardId = new RegExp(name).exec(key)?.[1]
  expect(shardId).toBeDefined()
  expect(type).toBe('application/json')
  const { payload, ...about } = body
  const { Records } = JSON.parse(payload) as { Records: Seen[] }
  expect(names(Records)).toEqual(['poison'])
  const sequence = Records[0]?.dynamodb.SequenceNumber
  const instant = expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/)
  expect(about).toEqual({
    requestContext: { requestId: 'r', functionArn, condition: 'RetryAttemptsExhausted', approximateInvokeCount: 2 },
    responseContext: { statusCode: 200, executedVersion: '$LATEST', functionError: 'Unhandled' },
    version: '1.0',
    timestamp: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
    DDBStreamBatchInfo: {
      shardId,
      startSequenceNumber: sequence,
      endSequenceNumber: sequence,
      approximateArrivalOfFirstRecord: instant,
      approximateArrivalOfLastRecord: instant,
      batchSize: 1,
      streamArn,
    },
  })
}, 60_000)

test('what DynamoDB acknowledged outlives kill -9 of its process, and the stream goes on', async () => {
  await Promise.all(Array.from({ length: 40 }, (_, index) => put(`d${index}`)))
  process.kill(dynamodb.pid, 'SIGKILL')
  await dynamodb.ended
  dynamodb = await startDynamoDb({ data: folder, port })
  const { Items = [] } = await table.send(new ScanCommand({ TableName }))
  expect(Items.filter((item) => item.pk?.S?.startsWith('d'))).toHaveLength(40)
  const seen: string[] = []
  const running = mapping((records) => {
    seen.push(...names(records))
    return ok
  })
  await until(() => seen.filter((name) => name.startsWith('d')).length === 40)
  await put('e0')
  await until(() => seen.includes('e0'))
  await running.close()
}, 60_000)
