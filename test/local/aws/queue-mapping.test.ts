import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  CreateQueueCommand,
  GetQueueAttributesCommand,
  ReceiveMessageCommand,
  SendMessageBatchCommand,
  SQSClient,
} from '@aws-sdk/client-sqs'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { QueueMapping } from '../../../local/aws/lambda/queue-mapping.ts'
import type { Invocation } from '../../../local/aws/lambda/function-spec.ts'
import { localCredentials } from '../../../local/aws/ports.ts'
import { startSqsServer } from '../../../local/aws/sqs/server.ts'

interface SqsRecord {
  readonly messageId: string
  readonly body: string
  readonly attributes: { readonly ApproximateReceiveCount: string }
}

const region = 'us-east-1'
const account = '000000000000'
let folder: string
let server: Awaited<ReturnType<typeof startSqsServer>>
let sqs: SQSClient

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'queue-mapping-'))
  const secrets = { [localCredentials.accessKeyId]: localCredentials.secretAccessKey }
  server = await startSqsServer({ data: folder, port: 0, region, account, secrets })
  sqs = new SQSClient({ endpoint: `http://127.0.0.1:${server.port}`, region, credentials: localCredentials })
})
afterAll(async () => {
  sqs.destroy()
  await server.close()
  await rm(folder, { recursive: true })
})

const arnOf = (name: string): string => `arn:aws:sqs:${region}:${account}:${name}`
const create = async (QueueName: string, Attributes = {}): Promise<string> =>
  (await sqs.send(new CreateQueueCommand({ QueueName, Attributes }))).QueueUrl ?? ''
/** In one call, so that one receive gets them all. */
const send = (QueueUrl: string, bodies: readonly string[]) =>
  sqs.send(
    new SendMessageBatchCommand({ QueueUrl, Entries: bodies.map((MessageBody) => ({ Id: MessageBody, MessageBody })) }),
  )
const countsOf = async (QueueUrl: string): Promise<string[]> => {
  const AttributeNames = ['ApproximateNumberOfMessages', 'ApproximateNumberOfMessagesNotVisible'] as const
  const { Attributes = {} } = await sqs.send(
    new GetQueueAttributesCommand({ QueueUrl, AttributeNames: [...AttributeNames] }),
  )
  return AttributeNames.map((name) => Attributes[name] ?? '')
}

const failed: Invocation = { ok: false, requestId: 'r', error: { errorType: 'Error', errorMessage: 'no' } }
const answer = (failures: readonly SqsRecord[]): Invocation => {
  const batchItemFailures = failures.map(({ messageId }) => ({ itemIdentifier: messageId }))
  return { ok: true, requestId: 'r', payload: JSON.stringify({ batchItemFailures }) }
}

function mapping(queueUrl: string, handle: (records: readonly SqsRecord[]) => Invocation, log: string[]): QueueMapping {
  return new QueueMapping({
    sqs,
    queueUrl,
    queueArn: arnOf(queueUrl.split('/').at(-1) ?? ''),
    invoke: async (event) => handle((JSON.parse(event) as { Records: SqsRecord[] }).Records),
    batchSize: 10,
    concurrencyMax: 2,
    reportsItemFailures: true,
    log: (line) => void log.push(line),
  })
}

test('a poison message goes to the dead letters after its receives; the good ones of its batch are gone', async () => {
  const dead = await create('dead')
  const url = await create('jobs', {
    RedrivePolicy: JSON.stringify({ deadLetterTargetArn: arnOf('dead'), maxReceiveCount: 2 }),
  })
  await send(url, ['good-1', 'poison', 'good-2'])
  const batches: string[][] = []
  const log: string[] = []
  const running = mapping(
    url,
    (records) => {
      batches.push(records.map(({ body, attributes }) => `${body} ${attributes.ApproximateReceiveCount}`))
      return answer(records.filter(({ body }) => body === 'poison'))
    },
    log,
  )
  const startMs = Date.now()
  const command = new ReceiveMessageCommand({
    QueueUrl: dead,
    WaitTimeSeconds: 20,
    MessageSystemAttributeNames: ['DeadLetterQueueSourceArn'],
  })
  const { Messages } = await sqs.send(command)
  await running.close()
  expect(Messages).toMatchObject([{ Body: 'poison', Attributes: { DeadLetterQueueSourceArn: arnOf('jobs') } }])
  expect(batches).toEqual([['good-1 1', 'poison 1', 'good-2 1'], ['poison 2']])
  expect(await countsOf(url)).toEqual(['0', '0'])
  expect(log).toEqual([])
  // Retries after 1 and 2 s on a queue in which nothing else happens.
  expect(Date.now() - startMs).toBeLessThan(15_000)
}, 60_000)

test.each([
  ['fails', () => failed],
  ['is throttled', () => Promise.reject(new Error('throttled')) as never],
  [
    'names a message that is none of them',
    () => answer([{ messageId: 'x', body: '', attributes: { ApproximateReceiveCount: '1' } }]),
  ],
])(
  'when the function %s, the whole batch comes again and is done then',
  async (name, first) => {
    const url = await create(name.replaceAll(' ', '-'))
    await send(url, ['a', 'b'])
    const bodies: string[][] = []
    const running = mapping(
      url,
      (records) => {
        bodies.push(records.map(({ body }) => body))
        return bodies.length === 1 ? first() : answer([])
      },
      [],
    )
    const endMs = Date.now() + 20_000
    while ((await countsOf(url)).join() !== '0,0' && Date.now() < endMs)
      await new Promise((next) => setTimeout(next, 50))
    await running.close()
    // Each comes into sight by itself, so that they need not come together.
    expect([bodies[0], bodies.slice(1).flat()]).toEqual([
      ['a', 'b'],
      ['a', 'b'],
    ])
    expect(await countsOf(url)).toEqual(['0', '0'])
  },
  60_000,
)
