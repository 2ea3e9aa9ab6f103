import { CatamaranError } from '../../shared/domain/errors.ts'
import { jobMessageBytesMax } from '../../shared/domain/limits.ts'
import type { Clock } from '../../shared/ports/clock.ts'
import type { JobMessage, JobQueue } from '../../shared/ports/job-queue.ts'

export interface MemoryJobQueue extends JobQueue {
  /** Takes the first message whose time has come; it is hidden until acknowledged or put back. */
  receive(): MemoryDelivery | undefined
}

export interface MemoryDelivery {
  readonly message: JobMessage
  /** 1 at the first delivery. */
  readonly attempt: number
  acknowledge(): void
  /** Back into the queue after `delayMs`, or to the dead letters after the last attempt. */
  fail(delayMs?: number): void
}

export function memoryJobQueue({
  clock,
  attemptsMax = 5,
}: {
  readonly clock: Clock
  readonly attemptsMax?: number
}): MemoryJobQueue {
  const waiting: { text: string; visibleMs: number; attempt: number }[] = []
  let hidden = 0
  let deadLetters = 0
  return {
    send: async (message, { delayMs = 0 } = {}) => {
      const text = JSON.stringify(message)
      if (Buffer.byteLength(text) > jobMessageBytesMax) {
        throw new CatamaranError('too-large', `A job message holds at most ${jobMessageBytesMax} bytes`)
      }
      waiting.push({ text, visibleMs: clock.now() + delayMs, attempt: 1 })
    },
    depth: async () => ({ waiting: waiting.length + hidden, deadLetters }),
    receive: () => {
      const at = waiting.findIndex(({ visibleMs }) => visibleMs <= clock.now())
      const [job] = at < 0 ? [] : waiting.splice(at, 1)
      if (!job) return undefined
      hidden += 1
      return {
        message: JSON.parse(job.text) as JobMessage,
        attempt: job.attempt,
        acknowledge: () => {
          hidden -= 1
        },
        fail: (delayMs = 0) => {
          hidden -= 1
          if (job.attempt >= attemptsMax) deadLetters += 1
          else waiting.push({ text: job.text, visibleMs: clock.now() + delayMs, attempt: job.attempt + 1 })
        },
      }
    },
  }
}
