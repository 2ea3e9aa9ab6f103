import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import {
  ChangeMessageVisibilityCommand,
  CreateQueueCommand,
  DeleteMessageBatchCommand,
  DeleteMessageCommand,
  GetQueueAttributesCommand,
  GetQueueUrlCommand,
  ListQueuesCommand,
  PurgeQueueCommand,
  ReceiveMessageCommand,
  SendMessageBatchCommand,
  SendMessageCommand,
  SQSClient,
  StartMessageMoveTaskCommand,
} from '@aws-sdk/client-sqs'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { localCredentials } from '../../../local/aws/ports.ts'
import { startSqsServer } from '../../../local/aws/sqs/server.ts'

let folder: string
let server: Awaited<ReturnType<typeof startSqsServer>>
let sqs: SQSClient
let queues = 0
const secrets = { [localCredentials.accessKeyId]: localCredentials.secretAccessKey }
const start = (port: number) =>
  startSqsServer({ data: folder, port, region: 'us-east-1', account: '000000000000', secrets })
const connect = (credentials: { accessKeyId: string; secretAccessKey: string } = localCredentials) =>
  new SQSClient({ endpoint: `http://127.0.0.1:${server.port}`, region: 'us-east-1', credentials })

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sqs-'))
  server = await start(0)
  sqs = connect()
})
afterAll(async () => {
  sqs.destroy()
  await server.close()
  await rm(folder, { recursive: true })
})

const queue = async (Attributes = {}) => {
  const answer = await sqs.send(new CreateQueueCommand({ QueueName: `queue-${++queues}`, Attributes }))
  return answer.QueueUrl ?? ''
}
const send = (QueueUrl: string, MessageBody: string, more = {}) =>
  sqs.send(new SendMessageCommand({ QueueUrl, MessageBody, ...more }))
const receive = async (QueueUrl: string, more = {}) => {
  const command = new ReceiveMessageCommand({
    QueueUrl,
    MessageSystemAttributeNames: ['All'],
    MessageAttributeNames: ['All'],
    ...more,
  })
  return (await sqs.send(command)).Messages ?? []
}
const failure = (promise: Promise<unknown>) =>
  promise.then(
    () => 'none',
    (error: { name: string }) => error.name,
  )

test('send, receive, delete, with attributes whose digests the SDK checks', async () => {
  const url = await queue()
  const MessageAttributes = {
    traceparent: { DataType: 'String', StringValue: '00-abc' },
    blob: { DataType: 'Binary', BinaryValue: Buffer.from([1, 2, 3]) },
  }
  await send(url, 'héllo', { MessageAttributes })
  const [message] = await receive(url)
  expect(message).toMatchObject({ Body: 'héllo', Attributes: { ApproximateReceiveCount: '1' } })
  expect(message?.MessageAttributes?.traceparent?.StringValue).toBe('00-abc')
  expect(await receive(url)).toHaveLength(0)
  await sqs.send(new DeleteMessageCommand({ QueueUrl: url, ReceiptHandle: message?.ReceiptHandle }))
  const counts = await sqs.send(new GetQueueAttributesCommand({ QueueUrl: url, AttributeNames: ['All'] }))
  expect(counts.Attributes).toMatchObject({
    ApproximateNumberOfMessages: '0',
    ApproximateNumberOfMessagesNotVisible: '0',
  })
})

test('an undeleted message comes back after its visibility timeout; an old receipt still deletes nothing new', async () => {
  const url = await queue()
  await send(url, 'again')
  const [first] = await receive(url, { VisibilityTimeout: 1 })
  const [second] = await receive(url, { WaitTimeSeconds: 3 })
  expect(second?.Attributes?.ApproximateReceiveCount).toBe('2')
  await sqs.send(new DeleteMessageCommand({ QueueUrl: url, ReceiptHandle: first?.ReceiptHandle }))
  await sqs.send(
    new ChangeMessageVisibilityCommand({ QueueUrl: url, ReceiptHandle: second?.ReceiptHandle, VisibilityTimeout: 0 }),
  )
  expect(await receive(url)).toHaveLength(1)
  const stale = new ChangeMessageVisibilityCommand({ QueueUrl: url, ReceiptHandle: 'nonsense', VisibilityTimeout: 0 })
  expect(await failure(sqs.send(stale))).toBe('ReceiptHandleIsInvalid')
})

test('a long poll answers as soon as a message comes, and a delayed one comes late', async () => {
  const url = await queue()
  const startMs = Date.now()
  const waiting = receive(url, { WaitTimeSeconds: 10 })
  await sleep(150)
  await send(url, 'now')
  expect(await waiting).toHaveLength(1)
  expect(Date.now() - startMs).toBeLessThan(3000)
  await send(url, 'later', { DelaySeconds: 1 })
  expect(await receive(url)).toHaveLength(0)
  expect((await receive(url, { WaitTimeSeconds: 5 }))[0]?.Body).toBe('later')
})

test('a message that is given back for a second comes after it, to a long poll that waits already', async () => {
  const url = await queue()
  await send(url, 'soon')
  const [message] = await receive(url, { VisibilityTimeout: 30 })
  const waiting = receive(url, { WaitTimeSeconds: 10 })
  await sleep(150)
  const startMs = Date.now()
  await sqs.send(
    new ChangeMessageVisibilityCommand({ QueueUrl: url, ReceiptHandle: message?.ReceiptHandle, VisibilityTimeout: 1 }),
  )
  expect((await waiting).map(({ Body }) => Body)).toEqual(['soon'])
  expect(Date.now() - startMs).toBeGreaterThan(900)
  expect(Date.now() - startMs).toBeLessThan(6000)
})

test('after too many receives a message goes to the dead-letter queue, and back on demand', async () => {
  const dead = await queue()
  const arn = (await sqs.send(new GetQueueAttributesCommand({ QueueUrl: dead, AttributeNames: ['QueueArn'] })))
    .Attributes?.QueueArn
  const RedrivePolicy = JSON.stringify({ deadLetterTargetArn: arn, maxReceiveCount: 2 })
  const url = await queue({ RedrivePolicy, VisibilityTimeout: '0' })
  await send(url, 'poison')
  expect([await receive(url), await receive(url), await receive(url)].map((each) => each.length)).toEqual([1, 1, 0])
  const [letter] = await receive(dead, { VisibilityTimeout: 0 })
  expect(letter?.Attributes?.DeadLetterQueueSourceArn).toMatch(/:queue-\d+$/)
  await sqs.send(new StartMessageMoveTaskCommand({ SourceArn: arn }))
  expect((await receive(url))[0]?.Body).toBe('poison')
})

test('batches: ten at most, failures by entry', async () => {
  const url = await queue()
  const Entries = Array.from({ length: 10 }, (_, index) => ({
    Id: `m${index}`,
    MessageBody: index === 3 ? '\u0000' : 'x',
  }))
  const sent = await sqs.send(new SendMessageBatchCommand({ QueueUrl: url, Entries }))
  expect([sent.Successful?.length, sent.Failed?.[0]?.Id]).toEqual([9, 'm3'])
  expect(
    await failure(
      sqs.send(new SendMessageBatchCommand({ QueueUrl: url, Entries: [...Entries, { Id: 'y', MessageBody: 'y' }] })),
    ),
  ).not.toBe('none')
  const messages = await receive(url, { MaxNumberOfMessages: 10 })
  const deletes = messages.map(({ ReceiptHandle }, index) => ({ Id: String(index), ReceiptHandle }))
  const deleted = await sqs.send(new DeleteMessageBatchCommand({ QueueUrl: url, Entries: deletes }))
  expect(deleted.Successful).toHaveLength(9)
})

test('refusals: oversize, unknown queue, bad names, wrong secret, throttling', async () => {
  const url = await queue()
  expect(await failure(send(url, 'x'.repeat(1024 * 1024 + 1)))).toBe('InvalidParameterValue')
  await send(url, 'x'.repeat(1024 * 1024))
  expect(await failure(send(url.replace(/queue-\d+$/, 'nowhere'), 'x'))).toBe('QueueDoesNotExist')
  expect(await failure(sqs.send(new GetQueueUrlCommand({ QueueName: 'nowhere' })))).toBe('QueueDoesNotExist')
  expect(await failure(sqs.send(new CreateQueueCommand({ QueueName: 'a b' })))).toBe('InvalidParameterValue')
  const wrong = connect({ accessKeyId: 'local', secretAccessKey: 'wrong' })
  expect(await failure(wrong.send(new ListQueuesCommand({})))).toBe('SignatureDoesNotMatch')
  await fetch(`http://127.0.0.1:${server.port}/_local/throttle`, { method: 'POST', body: '{"next":10}' })
  expect(await failure(send(url, 'x'))).toBe('RequestThrottled')
  await fetch(`http://127.0.0.1:${server.port}/_local/throttle`, { method: 'POST', body: '{"next":0}' })
})

test('messages outlive a restart; receivers at once never share one; purge empties', async () => {
  const url = await queue()
  await Promise.all(Array.from({ length: 30 }, (_, index) => send(url, `m${index}`)))
  await server.close()
  server = await start(server.port)
  const rounds = await Promise.all(Array.from({ length: 6 }, () => receive(url, { MaxNumberOfMessages: 10 })))
  const bodies = rounds.flat().map((message) => message.Body)
  expect(bodies).toHaveLength(30)
  expect(new Set(bodies).size).toBe(30)
  await send(url, 'one more')
  await sqs.send(new PurgeQueueCommand({ QueueUrl: url }))
  expect(await receive(url)).toHaveLength(0)
})
