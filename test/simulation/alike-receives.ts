import {
  ChangeMessageVisibilityCommand,
  DeleteMessageCommand,
  type Message,
  ReceiveMessageCommand,
  SendMessageCommand,
  StartMessageMoveTaskCommand,
} from '@aws-sdk/client-sqs'
import fc from 'fast-check'
import type { JobMessage } from '../../shared/ports/job-queue.ts'
import { memoryClock } from '../memory/clock.ts'
import { memoryJobQueue, type MemoryDelivery } from '../memory/job-queue.ts'
import type { DrivenSqs } from './alike-sqs.ts'
import type { Hosting } from './queue.ts'

/** What one does with a queue that is read by hand. */
export type ReceiveCommand = {
  readonly kind: 'send' | 'receive' | 'acknowledge' | 'fail' | 'pass' | 'redrive'
  readonly seconds: number
  /** Which of the deliveries so far, from the last. */
  readonly delivery: number
}

export const receiveCommands: fc.Arbitrary<ReceiveCommand[]> = fc.array(
  fc.record({
    kind: fc.constantFrom('send', 'receive', 'receive', 'receive', 'acknowledge', 'fail', 'fail', 'pass', 'redrive'),
    seconds: fc.constantFrom(0, 0, 0, 1, 15, 30, 31, 900),
    delivery: fc.nat({ max: 2 }),
  }),
  { minLength: 12, maxLength: 60 },
)

interface ByHand {
  send(n: number, delaySeconds: number): Promise<unknown>
  /** Which was received, how many times by now, and what can be done with it. */
  receive(): Promise<{ readonly shown: string; acknowledge(): unknown; fail(seconds: number): unknown } | undefined>
  redrive(): unknown
  depth(): Promise<unknown>
  pass(ms: number): unknown
}

export async function playByHand(at: ByHand, commands: readonly ReceiveCommand[]): Promise<unknown[]> {
  const deliveries: NonNullable<Awaited<ReturnType<ByHand['receive']>>>[] = []
  const answers: unknown[] = []
  for (const [n, { kind, seconds, delivery }] of commands.entries()) {
    const one = deliveries.at(-1 - delivery)
    if (kind === 'send') await at.send(n, seconds)
    if (kind === 'pass') await at.pass(seconds * 1_000)
    if (kind === 'redrive') await at.redrive()
    if (kind === 'acknowledge') await one?.acknowledge()
    if (kind === 'fail') await one?.fail(seconds)
    if (kind === 'receive') {
      const found = await at.receive()
      if (found) deliveries.push(found)
      answers.push(found?.shown ?? 'nothing')
    }
    answers.push(await at.depth())
  }
  return answers
}

export function memoryByHand(way: Hosting): ByHand {
  const clock = memoryClock()
  const queue = memoryJobQueue({ clock, way })
  const shown = ({ message, attempt }: MemoryDelivery): string => `${JSON.stringify(message)} ${attempt}`
  return {
    send: (n, delaySeconds) => queue.send(messageOf(n), { delayMs: delaySeconds * 1_000 }),
    receive: async () => {
      const found = queue.receive()
      return found && { ...found, shown: shown(found), fail: (seconds) => found.fail(seconds * 1_000) }
    },
    redrive: () => queue.redrive(),
    depth: () => queue.depth(),
    pass: (ms) => clock.advance(ms),
  }
}

const messageOf = (n: number): JobMessage => ({ kind: 'alike', payload: { n } })

export async function sqsByHand({ sqs, clock, create, countOf }: DrivenSqs, way: Hosting): Promise<ByHand> {
  const { url: QueueUrl, deadUrl, deadArn } = await create(way)
  const shown = ({ Body, Attributes }: Message): string => `${Body} ${Attributes?.ApproximateReceiveCount}`
  return {
    send: (n, DelaySeconds) =>
      sqs.send(new SendMessageCommand({ QueueUrl, MessageBody: JSON.stringify(messageOf(n)), DelaySeconds })),
    receive: async () => {
      const asking = new ReceiveMessageCommand({ QueueUrl, MessageSystemAttributeNames: ['All'] })
      const { Messages: [found] = [] } = await sqs.send(asking)
      const held = found && { QueueUrl, ReceiptHandle: found.ReceiptHandle }
      const fail = (VisibilityTimeout: number) =>
        sqs.send(new ChangeMessageVisibilityCommand({ ...held, VisibilityTimeout } as never)).catch(ifLost)
      return (
        found && { shown: shown(found), acknowledge: () => sqs.send(new DeleteMessageCommand(held as never)), fail }
      )
    },
    redrive: () => sqs.send(new StartMessageMoveTaskCommand({ SourceArn: deadArn })),
    depth: async () => ({ waiting: await countOf(QueueUrl), deadLetters: await countOf(deadUrl) }),
    pass: async (ms) => clock.moveOn(clock.now() + ms, true),
  }
}

/** Whoever held a message for too long is told so, and nothing happens. */
function ifLost(error: Error): void {
  if (!['MessageNotInflight', 'ReceiptHandleIsInvalid'].includes(error.name)) throw error
}
