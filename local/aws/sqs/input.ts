import { SqsError } from './errors.ts'
import type { Queue, SqsStore } from './store.ts'

export interface SqsState {
  readonly store: SqsStore
  readonly region: string
  readonly account: string
  /** Such as `http://127.0.0.1:4513`. */
  readonly url: () => string
  readonly now: () => number
  /** Wakes long polls on this queue. */
  readonly wake: (queue: string) => void
  /** Waits until the queue is woken, `ms` have passed or the signal aborts. */
  readonly waitForMessage: (queue: string, ms: number, signal: AbortSignal) => Promise<void>
}

export type Input = Readonly<Record<string, unknown>>
export type Action = (input: Input, state: SqsState, signal: AbortSignal) => object | Promise<object>

export const messageBytesMax = 1024 * 1024

export const defaults: Readonly<Record<string, string>> = {
  VisibilityTimeout: '30',
  MaximumMessageSize: String(messageBytesMax),
  MessageRetentionPeriod: '345600',
  DelaySeconds: '0',
  ReceiveMessageWaitTimeSeconds: '0',
}

export const text = (input: Input, name: string): string => {
  const value = input[name]
  if (typeof value === 'string') return value
  throw new SqsError('InvalidParameterValue', `The request must contain the parameter ${name}.`)
}

export function whole(value: unknown, name: string, max: number, fallback: number): number {
  if (value === undefined || value === null) return fallback
  const number = Number(value)
  if (Number.isInteger(number) && number >= 0 && number <= max) return number
  const shown = typeof value === 'string' ? value : JSON.stringify(value)
  throw new SqsError('InvalidParameterValue', `Value ${shown} for parameter ${name} is invalid.`)
}

/** The URL's last segment is the name: clients may reach this server under any host. */
export function queueOf(input: Input, { store }: SqsState): Queue {
  return queueNamed(text(input, 'QueueUrl').split('/').at(-1) ?? '', store)
}

export function queueNamed(name: string, store: SqsStore): Queue {
  const queue = store.queue(name)
  if (queue) return queue
  throw new SqsError('QueueDoesNotExist', 'The specified queue does not exist.')
}

export const attribute = (queue: Queue, name: string): string => queue.attributes[name] ?? defaults[name] ?? ''

/** Forgets what was sent longer ago than the queue keeps messages; a dead letter counts from when it was first sent. */
export const expire = (queue: Queue, { store, now }: SqsState): void =>
  store.expire(queue.name, now() - Number(attribute(queue, 'MessageRetentionPeriod')) * 1000)

export const urlOf = (name: string, state: SqsState): string => `${state.url()}/${state.account}/${name}`
export const arnOf = (name: string, state: SqsState): string => `arn:aws:sqs:${state.region}:${state.account}:${name}`
