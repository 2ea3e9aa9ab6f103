import type { JsonObject } from '../domain/json.ts'

/** One piece of long work. The message is small (under 48 KiB) and may be delivered more than once. */
export interface JobMessage {
  readonly kind: string
  readonly payload: JsonObject
  readonly traceparent?: string
}

/** Messages, those that are being worked on or wait for their time included; as the clouds count them, about. */
export interface QueueDepth {
  readonly waiting: number
  readonly deadLetters: number
}

/** A queue of whatever messages, as an operator sees it. */
export interface WatchedQueue {
  depth(): Promise<QueueDepth>
}

export interface JobQueue extends WatchedQueue {
  send(message: JobMessage, options?: { readonly delayMs?: number }): Promise<void>
}
