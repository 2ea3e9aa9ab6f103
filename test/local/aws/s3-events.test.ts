import { createHash } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import {
  CreateBucketCommand,
  DeleteObjectCommand,
  PutBucketNotificationConfigurationCommand,
  PutObjectCommand,
} from '@aws-sdk/client-s3'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { type S3Fixture, s3Fixture } from './s3-fixture.ts'

let s3: S3Fixture
const Bucket = 'things'

beforeAll(async () => {
  s3 = await s3Fixture()
  await s3.client.send(new CreateBucketCommand({ Bucket }))
})
afterAll(() => s3.close())

const until = async (condition: () => boolean) => {
  for (let tries = 0; tries < 200 && !condition(); tries++) await sleep(20)
  expect(condition()).toBe(true)
}

test('events arrive for matching keys, in the shape of AWS, even when the queue is away and the server restarts', async () => {
  const queueArn = 'arn:aws:sqs:us-east-1:000000000000:drops'
  const QueueConfigurations = [
    {
      QueueArn: queueArn,
      Events: ['s3:ObjectCreated:*' as const, 's3:ObjectRemoved:*' as const],
      Filter: { Key: { FilterRules: [{ Name: 'prefix' as const, Value: 'drop/' }] } },
    },
  ]
  const NotificationConfiguration = { QueueConfigurations }
  await s3.client.send(new PutBucketNotificationConfigurationCommand({ Bucket, NotificationConfiguration }))
  await until(() => s3.events.some(({ body }) => body.includes('s3:TestEvent')))
  s3.events.length = 0
  s3.queueDown = true
  await s3.client.send(new PutObjectCommand({ Bucket, Key: 'drop/a b+ü.txt', Body: 'hello' }))
  await s3.client.send(new PutObjectCommand({ Bucket, Key: 'other/x', Body: 'hello' }))
  await s3.client.send(new DeleteObjectCommand({ Bucket, Key: 'drop/a b+ü.txt' }))
  await sleep(100)
  expect(s3.events).toHaveLength(0)
  await s3.restart()
  s3.queueDown = false
  await until(() => s3.events.length === 2)
  const records = s3.events.map(({ body }) => (JSON.parse(body) as { Records: [Record<string, unknown>] }).Records[0])
  expect(new Set(records.map((record) => record.eventName))).toEqual(
    new Set(['ObjectCreated:Put', 'ObjectRemoved:Delete']),
  )
  expect(records.find((record) => record.eventName === 'ObjectCreated:Put')).toMatchObject({
    eventSource: 'aws:s3',
    awsRegion: 'us-east-1',
    s3: {
      bucket: { name: Bucket, arn: `arn:aws:s3:::${Bucket}` },
      object: { key: 'drop/a+b%2B%C3%BC.txt', size: 5, eTag: createHash('md5').update('hello').digest('hex') },
    },
  })
})
