import { setTimeout as sleep } from 'node:timers/promises'
import { QueueServiceClient } from '@azure/storage-queue'
import { Invoker } from '../../local/azure/functions-host/invoke.ts'
import { QueueTrigger } from '../../local/azure/functions-host/queue-trigger.ts'
import { Registry } from '../../local/azure/functions-host/registry.ts'
import type { Answer, Sent } from './alike-queues.ts'
import { scripted } from './alike-queues.ts'
import { makeQueue, type Consumer, type Hosting } from './queue.ts'
import { makeWorld } from './run.ts'

const secondMs = 1_000

/** What becomes of messages that are all sent at once: by message, when it was given to the function for which time. */
export interface Fates {
  readonly given: Readonly<Record<string, readonly Given[]>>
  /** What lay among the dead letters before they were sent once more, and at the end. */
  readonly dead: readonly (readonly string[])[]
  readonly waiting: number
}

export interface Given {
  readonly receives: number
  readonly answer: Answer
  readonly atMs: number
}

interface Sides {
  readonly nowMs: () => number
  send(text: string, delaySeconds: number): Promise<unknown>
  /** Until nothing waits. */
  end(): Promise<number>
  deadLetters(): Promise<readonly string[]>
  redrive(): Promise<void>
}

type Note = (text: string, receives: number) => Answer

async function playFates(plan: readonly Sent[], make: (note: Note) => Sides): Promise<Fates> {
  const given: Record<string, Given[]> = {}
  const script = scripted((name) => plan[Number(name.split('.')[0])]?.answers ?? [])
  const queue = make((text, receives) => {
    const { answer } = script([text])
    given[text] = [...(given[text] ?? []), { receives, answer, atMs: queue.nowMs() }]
    return answer
  })
  for (const [n, { copies, delaySeconds }] of plan.entries()) {
    for (let copy = 0; copy < copies; copy++) await queue.send(`${n}.${copy}`, delaySeconds)
  }
  await queue.end()
  const dead = [(await queue.deadLetters()).toSorted()]
  await queue.redrive()
  const waiting = await queue.end()
  return { given, waiting, dead: [...dead, (await queue.deadLetters()).toSorted()] }
}

/** The simulator's queue. */
export function fakeFates(plan: readonly Sent[], hosting: Hosting): Promise<Fates> {
  const { world } = makeWorld(1, new Map(), { override: { isCalm: true, loseFeedEvents: 0, shardSplits: 0 } })
  const { scheduler } = world
  return playFates(plan, (note) => {
    const consume: Consumer = async ([message]) => {
      const answer = message ? note(JSON.parse(message.text) as string, message.receives) : 'done'
      if (answer === 'gone') return { kind: 'gone' }
      return answer === 'throws' ? { kind: 'failed' } : { kind: 'done', failed: [] }
    }
    const queue = makeQueue<string>(world, 'azure', 'alike', { hosting, consume, jitterMs: () => 0 })
    return {
      nowMs: scheduler.now,
      send: async (text, delaySeconds) => queue.send(text, delaySeconds * secondMs),
      end: async () => {
        await scheduler.runUntil(scheduler.now() + 100 * secondMs)
        return queue.depth().waiting
      },
      deadLetters: async () => queue.deadLetters().map((text) => JSON.parse(text) as string),
      redrive: async () => queue.redrive(),
    }
  })
}

/** Answers in place of a loaded app; a host that is gone is one that can say nothing more of its message. */
class ScriptedInvoker extends Invoker {
  readonly #answer: (text: string, receives: number) => Answer
  readonly #loseHold: (id: string, popReceipt: string) => Promise<unknown>

  constructor(answer: Note, loseHold: (id: string, popReceipt: string) => Promise<unknown>) {
    super(new Registry(), 100 * secondMs)
    this.#answer = answer
    this.#loseHold = loseHold
  }

  override async invoke(...[, { data, triggerMetadata = {} }]: Parameters<Invoker['invoke']>): Promise<undefined> {
    const told = <Value>(name: string): Value => JSON.parse(triggerMetadata[name]?.json ?? 'null') as Value
    const answer = this.#answer(data.string ?? '', told('DequeueCount'))
    if (answer === 'throws') throw new Error('as planned')
    // Done as far as the host knows, which then cannot take the message from the queue.
    if (answer === 'gone') await this.#loseHold(told('Id'), told('PopReceipt'))
    return undefined
  }
}

const encoded = (text: string): string => Buffer.from(text).toString('base64')
const decoded = (text: string): string => Buffer.from(text, 'base64').toString()

/** Azurite's queue, and the Functions host's trigger on it, in real time. */
export async function realFates(
  plan: readonly Sent[],
  { hosting, connection, name }: { readonly hosting: Hosting; readonly connection: string; readonly name: string },
): Promise<Fates> {
  const service = QueueServiceClient.fromConnectionString(connection)
  const [queue, poison] = [service.getQueueClient(name), service.getQueueClient(`${name}-poison`)]
  await Promise.all([queue.create(), poison.create()])
  const hiddenSeconds = hosting.hiddenMs / secondMs
  const beganMs = Date.now()
  let invoker: Invoker | undefined
  let running: Promise<void> | undefined
  const countOf = async (): Promise<number> => (await queue.getProperties()).approximateMessagesCount ?? 0
  const start = (note: Note): void => {
    // Hidden anew by somebody else, so that the host's own receipt is worth nothing from here on.
    const loseHold = (id: string, receipt: string) => queue.updateMessage(id, receipt, undefined, hiddenSeconds)
    invoker = new ScriptedInvoker(note, loseHold)
    const bindings = { message: { type: 'queueTrigger', direction: 'in', connection: 'STORAGE', queueName: name } }
    const registered = { metadata: { name, bindings }, callback: () => undefined, trigger: 'message' } as never
    const visibilityTimeout = `00:00:${String((hosting.host?.againMs ?? 0) / secondMs).padStart(2, '0')}`
    const settings = { batchSize: 16, maxDequeueCount: hosting.receivesMax, visibilityTimeout }
    const host = { extensions: { queues: { ...settings, messageEncoding: 'base64' } } } as const
    running = new QueueTrigger(registered, invoker, host, { STORAGE: connection }, hiddenSeconds).run()
  }
  const taken: string[] = []
  const takeDead = async (): Promise<string[]> => {
    const { receivedMessageItems } = await poison.receiveMessages({ numberOfMessages: 32, visibilityTimeout: 1 })
    for (const { messageId, popReceipt } of receivedMessageItems) await poison.deleteMessage(messageId, popReceipt)
    taken.splice(0, Infinity, ...receivedMessageItems.map(({ messageText }) => decoded(messageText)))
    return [...taken]
  }
  try {
    return await playFates(plan, (note) => {
      start(note)
      return {
        nowMs: () => Date.now() - beganMs,
        send: (text, delaySeconds) => queue.sendMessage(encoded(text), { visibilityTimeout: delaySeconds }),
        end: async () => {
          for (const untilMs = Date.now() + 60 * secondMs; (await countOf()) > 0 && Date.now() < untilMs; )
            await sleep(50)
          return countOf()
        },
        deadLetters: takeDead,
        redrive: async () => {
          for (const text of taken) await queue.sendMessage(encoded(text))
        },
      }
    })
  } finally {
    invoker?.stop.abort()
    await running
  }
}
