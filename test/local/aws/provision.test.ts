import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  CreateTableCommand,
  type CreateTableCommandInput,
  DeleteTableCommand,
  DescribeTableCommand,
} from '@aws-sdk/client-dynamodb'
import { S3Client } from '@aws-sdk/client-s3'
import { SQSClient } from '@aws-sdk/client-sqs'
import { afterAll, afterEach, beforeAll, expect, test } from '@jest/globals'
import { provision } from '../../../local/aws/provision.ts'
import { startS3Server } from '../../../local/aws/s3/server.ts'
import { startSqsServer } from '../../../local/aws/sqs/server.ts'
import { Stack } from '../../../local/aws/stack.ts'
import { loadTemplate } from '../../../local/aws/template.ts'
import { startDynamoDb, type TestDynamoDb } from '../../contract/dynamodb.ts'

const region = 'us-east-1'
const account = '000000000000'
const credentials = { accessKeyId: 'local', secretAccessKey: 'local-secret' }
const secrets = { [credentials.accessKeyId]: credentials.secretAccessKey }
let folder: string
let dynamo: TestDynamoDb
let start: () => Promise<void>
let table: string
const closing: (() => Promise<void> | void)[] = []

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'provision-'))
  dynamo = await startDynamoDb()
  const sqsServer = await startSqsServer({ data: folder, port: 0, region, account, secrets })
  const s3Server = await startS3Server({ data: folder, port: 0, region, secrets, sendEvent: async () => undefined })
  const endpointOf = (port: number) => `http://127.0.0.1:${port}`
  const sqsEndpoint = endpointOf(sqsServer.port)
  const sqs = new SQSClient({ region, credentials, endpoint: sqsEndpoint })
  const s3 = new S3Client({ region, credentials, endpoint: endpointOf(s3Server.port), forcePathStyle: true })
  closing.push(
    () => dynamo.close(),
    () => s3Server.close(),
    () => sqsServer.close(),
    () => {
      sqs.destroy()
      s3.destroy()
    },
  )
  const stack = new Stack(loadTemplate({ file: 'serverless.yml', stage: 'test', env: process.env }), {
    region,
    account,
    sqsEndpoint,
  })
  table = stack.ref('RecordsTable')
  start = () => provision(stack, { dynamodb: dynamo.client, s3, sqs }, '/some/data')
}, 90_000)

afterAll(async () => {
  for (const close of closing) await close()
  await rm(folder, { recursive: true, force: true })
})

afterEach(async () => {
  await dynamo.client.send(new DeleteTableCommand({ TableName: table }))
})

/** The table as the template has it now, made anew as an older version would have. */
async function makeAsBefore(older: Partial<CreateTableCommandInput>): Promise<void> {
  await start()
  const { Table } = await dynamo.client.send(new DescribeTableCommand({ TableName: table }))
  await dynamo.client.send(new DeleteTableCommand({ TableName: table }))
  const indexes = Table?.GlobalSecondaryIndexes?.map(({ IndexName, KeySchema, Projection }) => ({
    IndexName,
    KeySchema,
    Projection,
  }))
  await dynamo.client.send(
    new CreateTableCommand({
      TableName: table,
      BillingMode: 'PAY_PER_REQUEST',
      AttributeDefinitions: Table?.AttributeDefinitions,
      KeySchema: Table?.KeySchema,
      GlobalSecondaryIndexes: indexes,
      ...older,
    } as CreateTableCommandInput),
  )
}

const key = (hash: string, range: string): CreateTableCommandInput['KeySchema'] => [
  { AttributeName: hash, KeyType: 'HASH' },
  { AttributeName: range, KeyType: 'RANGE' },
]
const Projection = { ProjectionType: 'ALL' } as const
const strings = (...names: string[]) => names.map((AttributeName) => ({ AttributeName, AttributeType: 'S' as const }))
const stopsWith = (cause: string) =>
  expect(start()).rejects.toMatchObject({
    name: 'StartError',
    message: `The table ${table} in /some/data was made by an older version (${cause}). Start with --fresh, or choose another folder with --data.`,
  })

test('tables that agree with the template are taken as they are, again and again', async () => {
  await start()
  await start()
  await makeAsBefore({})
  await start()
})

test('an index with another projection stops the start in one line with the cure', async () => {
  const byArrival = { IndexName: 'by-arrival', KeySchema: key('feedKey', 'arrivalKey'), Projection }
  const byBucket = { IndexName: 'by-bucket', KeySchema: key('bucketPage', 'bucketKey'), Projection }
  await makeAsBefore({ GlobalSecondaryIndexes: [byBucket, byArrival] })
  await stopsWith('index by-bucket differs')
})

test('so does an index with other keys', async () => {
  const byArrival = { IndexName: 'by-arrival', KeySchema: key('feedKey', 'arrivalKey'), Projection }
  const byBucket = { IndexName: 'by-bucket', KeySchema: key('bucket', 'stamp'), Projection }
  await makeAsBefore({
    AttributeDefinitions: strings('pk', 'sk', 'bucket', 'stamp', 'feedKey', 'arrivalKey'),
    GlobalSecondaryIndexes: [byBucket, byArrival],
  })
  await stopsWith('index by-bucket differs')
})

test('so do a missing index and other keys', async () => {
  const byBucket = { IndexName: 'by-old', KeySchema: key('bucketPage', 'bucketKey'), Projection }
  const AttributeDefinitions = strings('pk', 'sk', 'bucketPage', 'bucketKey')
  await makeAsBefore({ AttributeDefinitions, GlobalSecondaryIndexes: [byBucket] })
  await stopsWith('index by-bucket is missing')
  await dynamo.client.send(new DeleteTableCommand({ TableName: table }))
  await makeAsBefore({ AttributeDefinitions, KeySchema: key('sk', 'pk'), GlobalSecondaryIndexes: [byBucket] })
  await stopsWith('key schema differs')
})
