import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setImmediate as turn } from 'node:timers/promises'
import {
  CreateQueueCommand,
  DeleteMessageCommand,
  GetQueueAttributesCommand,
  ReceiveMessageCommand,
  SendMessageBatchCommand,
  SQSClient,
  StartMessageMoveTaskCommand,
} from '@aws-sdk/client-sqs'
import type { Invoke } from '../../local/aws/lambda/function-spec.ts'
import { QueueMapping } from '../../local/aws/lambda/queue-mapping.ts'
import { localCredentials, localRegion } from '../../local/aws/ports.ts'
import { startSqsServer } from '../../local/aws/sqs/server.ts'
import type { PlayedQueue, playQueue } from './alike-queues.ts'
import type { Hosting } from './queue.ts'

const account = '000000000000'
const secondMs = 1_000
const arnOf = (queue: string): string => `arn:aws:sqs:${localRegion}:${account}:${queue}`
const failure = { ok: false, requestId: 'r', error: { errorType: 'Error', errorMessage: 'as planned' } } as const

/** The local SQS server and its mapping, on a clock that stands still until it is moved. */
export async function startDrivenSqs() {
  const data = await mkdtemp(join(tmpdir(), 'alike-sqs-'))
  const clock = drivenClock()
  const secrets = { [localCredentials.accessKeyId]: localCredentials.secretAccessKey }
  const server = await startSqsServer({ data, port: 0, region: localRegion, account, secrets, clock })
  const endpoint = `http://127.0.0.1:${server.port}`
  const sqs = new SQSClient({ endpoint, region: localRegion, credentials: localCredentials })
  let queues = 0

  /** A queue and its dead letters as the stack declares them. */
  const create = async ({ receivesMax, hiddenMs, retentionMs, deadRetentionMs }: Hosting) => {
    const [name, dead] = [`q${++queues}`, `q${queues}-dead`]
    const seconds = (ms: number): string => String(ms / secondMs)
    const make = async (QueueName: string, Attributes: Record<string, string>): Promise<string> =>
      (await sqs.send(new CreateQueueCommand({ QueueName, Attributes }))).QueueUrl ?? ''
    const deadUrl = await make(dead, { MessageRetentionPeriod: seconds(deadRetentionMs) })
    const RedrivePolicy = JSON.stringify({ deadLetterTargetArn: arnOf(dead), maxReceiveCount: receivesMax })
    const hiding = { VisibilityTimeout: seconds(hiddenMs), MessageRetentionPeriod: seconds(retentionMs) }
    return { url: await make(name, { ...hiding, RedrivePolicy }), arn: arnOf(name), deadUrl, deadArn: arnOf(dead) }
  }
  const countOf = async (QueueUrl: string): Promise<number> => {
    const { Attributes = {} } = await sqs.send(new GetQueueAttributesCommand({ QueueUrl, AttributeNames: ['All'] }))
    const names = ['', 'NotVisible', 'Delayed'] as const
    return names.reduce((sum, name) => sum + Number(Attributes[`ApproximateNumberOfMessages${name}`] ?? 0), 0)
  }
  return {
    sqs,
    clock,
    create,
    countOf,
    close: async () => {
      sqs.destroy()
      await server.close()
      await rm(data, { recursive: true })
    },
  }
}

export type DrivenSqs = Awaited<ReturnType<typeof startDrivenSqs>>

/** What a queue of the server's and its mapping do. Only one at a time, since they share the clock. */
export async function realQueue(
  { sqs, clock, create, countOf }: DrivenSqs,
  hosting: Hosting,
): Promise<{ make: Parameters<typeof playQueue>[1]; close(): Promise<void> }> {
  const { url, arn, deadUrl, deadArn } = await create(hosting)
  const beginMs = clock.now()
  // Requests of the mapping that have no answer yet; when nothing else goes on, that is one that waits for messages.
  let asked = 0
  const send = async (...given: Parameters<typeof sqs.send>): Promise<unknown> => {
    asked += 1
    try {
      return await (sqs.send(...given) as unknown as Promise<unknown>)
    } finally {
      asked -= 1
    }
  }
  let mapping: QueueMapping | undefined
  const depth = async () => ({ waiting: await countOf(url), deadLetters: await countOf(deadUrl) })
  const settle = async (): Promise<void> => {
    for (let quiet = 0; quiet < 3; quiet = asked > 0 && asked === clock.waiting() ? quiet + 1 : 0) await turn()
  }
  const passTo = async (ms: number): Promise<void> => {
    const untilMs = beginMs + ms
    for (await settle(); ; await settle()) {
      // With nothing in the queue a wait ends in nothing.
      const isIdle = (await countOf(url)) === 0
      if (!clock.moveOn(isIdle ? untilMs : Math.min(untilMs, clock.nextMs()), isIdle) || clock.now() >= untilMs) break
    }
    await settle()
  }
  const invokeWith =
    (script: Parameters<Parameters<typeof playQueue>[1]>[0]): Invoke =>
    async (event) => {
      const { Records } = JSON.parse(event) as { Records: SqsRecord[] }
      const given = Records.map(({ body, attributes }) => ({
        text: body,
        receives: Number(attributes.ApproximateReceiveCount),
      }))
      const { answer, failed } = script(given)
      if (answer === 'hangs') await clock.run(hosting.functionMs)
      if (answer !== 'done') return failure
      const batchItemFailures = failed.map((at) => ({ itemIdentifier: Records[at]?.messageId }))
      return { ok: true, requestId: 'r', payload: JSON.stringify({ batchItemFailures }) }
    }
  const make = (script: Parameters<Parameters<typeof playQueue>[1]>[0]): PlayedQueue => {
    mapping = new QueueMapping({
      sqs: { send } as SQSClient,
      queueUrl: url,
      queueArn: arn,
      invoke: invokeWith(script),
      batchSize: hosting.batchMax,
      concurrencyMax: Infinity,
      reportsItemFailures: true,
      waitsAsDeployed: true,
      log: (line) => process.stderr.write(`${line}\n`),
    })
    return {
      nowMs: () => clock.now() - beginMs,
      send: async (name, { copies, delaySeconds }) => {
        const body = { MessageBody: JSON.stringify(name), DelaySeconds: delaySeconds }
        const Entries = Array.from({ length: copies }, (_, copy) => ({ Id: String(copy), ...body }))
        await sqs.send(new SendMessageBatchCommand({ QueueUrl: url, Entries }))
      },
      redrive: async () => void (await sqs.send(new StartMessageMoveTaskCommand({ SourceArn: deadArn }))),
      depth,
      deadLetters: () => takeAll(sqs, deadUrl),
      passTo,
    }
  }
  return { make, close: async () => mapping?.close() }
}

interface SqsRecord {
  readonly messageId: string
  readonly body: string
  readonly attributes: { readonly ApproximateReceiveCount: string }
}

async function takeAll(sqs: SQSClient, QueueUrl: string): Promise<string[]> {
  const bodies: string[] = []
  for (;;) {
    const { Messages = [] } = await sqs.send(new ReceiveMessageCommand({ QueueUrl, MaxNumberOfMessages: 10 }))
    if (Messages.length === 0) return bodies
    for (const { Body = '', ReceiptHandle } of Messages) {
      bodies.push(Body)
      await sqs.send(new DeleteMessageCommand({ QueueUrl, ReceiptHandle }))
    }
  }
}

/** Polls wait on it at the server, and functions run on it. */
function drivenClock() {
  let nowMs = Date.now()
  const sleepers = new Set<{ readonly untilMs: number; readonly isPoll: boolean; wake(): void }>()
  const sleep = (ms: number, isPoll: boolean, signal?: AbortSignal): Promise<void> =>
    new Promise((resolve, reject) => {
      const sleeper = { untilMs: nowMs + ms, isPoll, wake: resolve }
      sleepers.add(sleeper)
      signal?.addEventListener('abort', () => {
        sleepers.delete(sleeper)
        reject(signal.reason as Error)
      })
    })
  return {
    now: () => nowMs,
    sleep: (ms: number, signal?: AbortSignal) => sleep(ms, true, signal),
    run: (ms: number) => sleep(ms, false),
    waiting: () => [...sleepers].filter(({ isPoll }) => isPoll).length,
    nextMs: () => Math.min(...[...sleepers].map(({ untilMs }) => untilMs)),
    /** Wakes all whose time has come, unless they may sleep on. False when it is that time already and nobody was woken. */
    moveOn: (ms: number, isLeftAsleep: boolean): boolean => {
      const due = isLeftAsleep ? [] : [...sleepers].filter(({ untilMs }) => untilMs <= ms)
      const hasMoved = ms > nowMs || due.length > 0
      nowMs = Math.max(nowMs, ms)
      for (const sleeper of due) {
        sleepers.delete(sleeper)
        sleeper.wake()
      }
      return hasMoved
    },
  }
}
