import { setTimeout as sleep } from 'node:timers/promises'
import { type DequeuedMessageItem, type QueueClient, QueueServiceClient } from '@azure/storage-queue'
import type { Invoker } from './invoke.ts'
import { errorText, log } from './log.ts'
import type { RegisteredFunction } from './registry.ts'
import { connectionOf, type Environment, type HostSettings, resolveExpression, timeSpanMs } from './settings.ts'

const pollMsMin = 50
/** The host polls an idle queue up to once in `maxPollingInterval`; on one machine asking more often costs nothing. */
const pollMsMax = 500
/**
 * While a function runs its message stays hidden, renewed at a third of this. The service's host hides for ten
 * minutes; here a killed host's messages are to come back soon.
 */
const hiddenSecondsDefault = 30
const dequeueCountMaxDefault = 5
/** The plan adds instances as a queue grows, and each takes as many messages as `host.json` says; here they share one process. */
const instancesMax = 4

/** Polls one Storage queue, as a few instances of the app would: parallel messages, retries by visibility, and the poison queue after the last. */
export class QueueTrigger {
  readonly #registered: RegisteredFunction
  readonly #invoker: Invoker
  readonly #queue: QueueClient
  readonly #poison: QueueClient
  readonly #settings: NonNullable<NonNullable<HostSettings['extensions']>['queues']>
  readonly #running = new Set<Promise<void>>()
  readonly #hiddenSeconds: number

  constructor(
    registered: RegisteredFunction,
    invoker: Invoker,
    host: HostSettings,
    environment: Environment,
    hiddenSeconds = hiddenSecondsDefault,
  ) {
    this.#hiddenSeconds = hiddenSeconds
    this.#registered = registered
    this.#invoker = invoker
    const binding = registered.metadata.bindings[registered.trigger]
    const name = resolveExpression(String(binding?.queueName), environment)
    const service = QueueServiceClient.fromConnectionString(connectionOf(binding?.connection, 'Storage', environment))
    this.#queue = service.getQueueClient(name)
    this.#poison = service.getQueueClient(`${name}-poison`)
    this.#settings = host.extensions?.queues ?? {}
  }

  async run(): Promise<void> {
    const { signal } = this.#invoker.stop
    const batchSize = Math.min(this.#settings.batchSize ?? 16, 32)
    const newBatchSize = this.#settings.newBatchSize ?? Math.ceil(batchSize / 2)
    const runningMax = instancesMax * (newBatchSize + 1)
    let waitMs = pollMsMin
    while (!signal.aborted) {
      if (this.#running.size >= runningMax) {
        await Promise.race(this.#running)
        continue
      }
      const found = await this.#receive(batchSize)
      for (const message of found) {
        const one: Promise<void> = this.#process(message).finally(() => this.#running.delete(one))
        this.#running.add(one)
      }
      waitMs = found.length > 0 ? pollMsMin : Math.min(waitMs * 2, pollMsMax)
      const idle = sleep(waitMs, undefined, { signal }).catch(() => undefined)
      if (found.length === 0) await Promise.race([idle, ...this.#running])
    }
    await Promise.allSettled(this.#running)
  }

  async #receive(count: number): Promise<DequeuedMessageItem[]> {
    try {
      const options = { numberOfMessages: count, visibilityTimeout: this.#hiddenSeconds }
      return (await this.#queue.receiveMessages(options)).receivedMessageItems
    } catch (error) {
      // The real host, too, waits for a queue that is not there.
      if ((error as { statusCode?: number }).statusCode !== 404)
        log('warn', `queue ${this.#queue.name}: ${String(error)}`)
      return []
    }
  }

  async #process(message: DequeuedMessageItem): Promise<void> {
    let popReceipt = message.popReceipt
    const renew = async (seconds: number): Promise<void> => {
      const renewed = await this.#queue.updateMessage(message.messageId, popReceipt, undefined, seconds)
      popReceipt = renewed.popReceipt ?? popReceipt
    }
    let renewal = Promise.resolve()
    const timer = setInterval(
      () => {
        renewal = renewal.then(() => renew(this.#hiddenSeconds)).catch(() => undefined)
      },
      (this.#hiddenSeconds * 1000) / 3,
    )
    try {
      const countMax = this.#settings.maxDequeueCount ?? dequeueCountMaxDefault
      // One that comes once more has outlived its hosts: the function never sees it again.
      const done = message.dequeueCount <= countMax && (await this.#invoke(message))
      clearInterval(timer)
      await renewal
      if (done) await this.#queue.deleteMessage(message.messageId, popReceipt)
      else if (message.dequeueCount >= countMax) {
        await this.#poison.createIfNotExists()
        await this.#poison.sendMessage(message.messageText)
        await this.#queue.deleteMessage(message.messageId, popReceipt)
        log('warn', `Message has reached MaxDequeueCount, moved to ${this.#poison.name}`, {
          messageId: message.messageId,
        })
      } else await renew(Math.round((timeSpanMs(this.#settings.visibilityTimeout) ?? 0) / 1000))
    } catch (error) {
      // The message comes back when its time is over.
      log('warn', `queue ${this.#queue.name}: ${errorText(error)}`, { messageId: message.messageId })
    } finally {
      clearInterval(timer)
    }
  }

  async #invoke(message: DequeuedMessageItem): Promise<boolean> {
    const text =
      this.#settings.messageEncoding === 'none'
        ? message.messageText
        : Buffer.from(message.messageText, 'base64').toString()
    const date = (value: Date): { json: string } => ({ json: JSON.stringify(value) })
    return this.#invoker
      .invoke(this.#registered, {
        data: { string: text },
        triggerMetadata: {
          QueueTrigger: { string: text },
          DequeueCount: { json: String(message.dequeueCount) },
          Id: { json: JSON.stringify(message.messageId) },
          PopReceipt: { json: JSON.stringify(message.popReceipt) },
          InsertionTime: date(message.insertedOn),
          ExpirationTime: date(message.expiresOn),
          NextVisibleTime: date(message.nextVisibleOn),
        },
      })
      .then(
        () => true,
        () => false,
      )
  }
}
