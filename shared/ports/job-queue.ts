import type { JsonObject } from '../domain/json.ts'

/** One piece of long work. The message is small (under 48 KiB) and may be delivered more than once. */
export interface JobMessage {
  readonly kind: string
  readonly payload: JsonObject
  readonly traceparent?: string
}

export interface QueueDepth {
  readonly waiting: number
  readonly deadLetters: number
}

export interface JobQueue {
  send(message: JobMessage, options?: { readonly delayMs?: number }): Promise<void>
  depth(): Promise<QueueDepth>
}
