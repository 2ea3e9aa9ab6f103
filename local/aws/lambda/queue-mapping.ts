import { setTimeout as sleep } from 'node:timers/promises'
import {
  ChangeMessageVisibilityBatchCommand,
  DeleteMessageBatchCommand,
  type Message,
  ReceiveMessageCommand,
  type SQSClient,
} from '@aws-sdk/client-sqs'
import type { Invocation, Invoke } from './function-spec.ts'

export interface QueueMappingOptions {
  readonly sqs: SQSClient
  readonly queueUrl: string
  readonly queueArn: string
  readonly invoke: Invoke
  readonly batchSize: number
  /** Batches in work at a time. */
  readonly concurrencyMax: number
  readonly reportsItemFailures: boolean
  /** Whether what failed comes again by the queue's own visibility timeout alone, as at the service. */
  readonly waitsAsDeployed?: boolean
  readonly log: (line: string) => void
}

const waitSeconds = 20
const errorPauseMs = 1_000
/** A message stays hidden by a heartbeat, so that one whose host dies comes back in seconds. */
const hiddenSeconds = 30
const heartbeatMs = 10_000
const retrySecondsMax = 30

/**
 * Reads a queue and delivers batches to a function; what succeeded is deleted, the rest comes back.
 * A retry comes after 1, 2, 4 ... seconds instead of the queue's whole visibility timeout, as suits a machine one watches.
 */
export class QueueMapping {
  private readonly options: QueueMappingOptions
  private readonly stop = new AbortController()
  private readonly working = new Set<Promise<void>>()
  private readonly loop: Promise<void>

  constructor(options: QueueMappingOptions) {
    this.options = options
    this.loop = this.pollForEver()
  }

  async close(): Promise<void> {
    this.stop.abort()
    await this.loop
    await Promise.all(this.working)
  }

  private async pollForEver(): Promise<void> {
    while (!this.stop.signal.aborted) {
      try {
        await this.poll()
      } catch (error) {
        if (this.stop.signal.aborted) return
        this.options.log(`cannot read ${this.options.queueArn}: ${(error as Error).message}`)
        await sleep(errorPauseMs, undefined, { signal: this.stop.signal }).catch(() => {})
      }
    }
  }

  private async poll(): Promise<void> {
    if (this.working.size >= this.options.concurrencyMax) {
      await Promise.race(this.working)
      return
    }
    const command = new ReceiveMessageCommand({
      QueueUrl: this.options.queueUrl,
      MaxNumberOfMessages: Math.min(this.options.batchSize, 10),
      WaitTimeSeconds: waitSeconds,
      ...(this.options.waitsAsDeployed ? {} : { VisibilityTimeout: hiddenSeconds }),
      MessageSystemAttributeNames: ['All'],
      MessageAttributeNames: ['All'],
    })
    const { Messages = [] } = await this.options.sqs.send(command, { abortSignal: this.stop.signal })
    if (Messages.length === 0) return
    const work = this.handle(Messages)
      .catch((error: unknown) => this.options.log(`${this.options.queueArn}: ${(error as Error).message}`))
      .finally(() => this.working.delete(work))
    this.working.add(work)
  }

  private async handle(messages: readonly Message[]): Promise<void> {
    const isHurried = !this.options.waitsAsDeployed
    const beat = (): void => void this.hide(messages, () => hiddenSeconds).catch(() => {})
    const heartbeat = isHurried ? setInterval(beat, heartbeatMs) : undefined
    let result: Invocation | undefined
    try {
      result = await this.options.invoke(JSON.stringify({ Records: messages.map((message) => this.record(message)) }))
    } catch {
      result = undefined // throttled
    } finally {
      clearInterval(heartbeat)
    }
    const failed = this.failures(result, messages)
    await this.remove(messages.filter((message) => !failed.has(message)))
    if (!isHurried) return
    await this.hide([...failed], (message) => {
      const received = Number(message.Attributes?.ApproximateReceiveCount ?? 1)
      return Math.min(2 ** (received - 1), retrySecondsMax)
    })
  }

  private failures(result: Invocation | undefined, messages: readonly Message[]): Set<Message> {
    if (!result?.ok) return new Set(messages)
    if (!this.options.reportsItemFailures) return new Set()
    const answer = JSON.parse(result.payload) as { batchItemFailures?: { itemIdentifier?: string }[] | null } | null
    const ids = (answer?.batchItemFailures ?? []).map((failure) => failure.itemIdentifier)
    // An identifier that names no message fails the whole batch.
    const unknown = ids.some((id) => !messages.some((message) => message.MessageId === id))
    return new Set(unknown ? messages : messages.filter((message) => ids.includes(message.MessageId)))
  }

  private async remove(messages: readonly Message[]): Promise<void> {
    if (messages.length === 0) return
    const Entries = messages.map(({ ReceiptHandle }, index) => ({ Id: String(index), ReceiptHandle }))
    await this.options.sqs.send(new DeleteMessageBatchCommand({ QueueUrl: this.options.queueUrl, Entries }))
  }

  private async hide(messages: readonly Message[], secondsOf: (message: Message) => number): Promise<void> {
    if (messages.length === 0) return
    const Entries = messages.map((message, index) => ({
      Id: String(index),
      ReceiptHandle: message.ReceiptHandle,
      VisibilityTimeout: secondsOf(message),
    }))
    await this.options.sqs.send(new ChangeMessageVisibilityBatchCommand({ QueueUrl: this.options.queueUrl, Entries }))
  }

  /** A message as Lambda's event carries it. */
  private record(message: Message): object {
    const attributes = Object.entries(message.MessageAttributes ?? {}).map(([name, value]) => [
      name,
      {
        dataType: value.DataType,
        ...(value.StringValue === undefined ? {} : { stringValue: value.StringValue }),
        ...(value.BinaryValue ? { binaryValue: Buffer.from(value.BinaryValue).toString('base64') } : {}),
      },
    ])
    return {
      messageId: message.MessageId,
      receiptHandle: message.ReceiptHandle,
      body: message.Body,
      attributes: message.Attributes ?? {},
      messageAttributes: Object.fromEntries(attributes) as object,
      md5OfBody: message.MD5OfBody,
      eventSource: 'aws:sqs',
      eventSourceARN: this.options.queueArn,
      awsRegion: this.options.queueArn.split(':')[3],
    }
  }
}
