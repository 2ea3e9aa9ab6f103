import { CatamaranError } from '../../shared/domain/errors.ts'
import { jobMessageBytesMax } from '../../shared/domain/limits.ts'
import type { Clock } from '../../shared/ports/clock.ts'
import type { JobMessage, JobQueue } from '../../shared/ports/job-queue.ts'
import { messageQueue, type QueueWay } from './message-queue.ts'

export interface MemoryJobQueue extends JobQueue {
  /** Takes the first message whose time has come; it is hidden until acknowledged or put back, or for `hiddenMs`. */
  receive(): MemoryDelivery | undefined
  /** Sends every dead letter once more. */
  redrive(): void
}

export interface MemoryDelivery {
  readonly message: JobMessage
  /** 1 at the first delivery. */
  readonly attempt: number
  acknowledge(): void
  /** Back into the queue after `delayMs`; after the last attempt it goes to the dead letters then. */
  fail(delayMs?: number): void
}

const dayMs = 86_400_000

/** As the queue of jobs is deployed in SQS. */
export const jobQueueWay: QueueWay = {
  receivesMax: 5,
  hiddenMs: 960_000,
  retentionMs: 14 * dayMs,
  deadRetentionMs: 14 * dayMs,
  deadSince: 'sent',
}

export function memoryJobQueue({
  clock,
  way = jobQueueWay,
}: {
  readonly clock: Clock
  readonly way?: QueueWay
}): MemoryJobQueue {
  const queue = messageQueue(way, () => clock.now())
  return {
    send: async (message, { delayMs = 0 } = {}) => {
      const text = JSON.stringify(message)
      if (Buffer.byteLength(text) > jobMessageBytesMax) {
        throw new CatamaranError('too-large', `A job message holds at most ${jobMessageBytesMax} bytes`)
      }
      queue.send(text, delayMs)
    },
    depth: async () => queue.depth(),
    redrive: () => queue.redrive(),
    receive: () => {
      const [received] = queue.receive(1)
      if (!received) return undefined
      return {
        message: JSON.parse(received.text) as JobMessage,
        attempt: received.receives,
        acknowledge: () => received.remove(),
        fail: (delayMs = 0) => received.hide(clock.now() + delayMs),
      }
    },
  }
}
