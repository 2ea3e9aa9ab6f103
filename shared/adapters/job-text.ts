import { CatamaranError } from '../domain/errors.ts'
import { jobMessageBytesMax } from '../domain/limits.ts'
import type { JobMessage } from '../ports/job-queue.ts'

/** The longest delay that both clouds' queues keep. */
const delaySecondsMax = 900

/** A job as a queue's text. Throws `too-large` and `invalid-request`. */
export function jobText(message: JobMessage): string {
  const text = JSON.stringify(message)
  const bytes = Buffer.byteLength(text)
  if (bytes > jobMessageBytesMax) {
    throw new CatamaranError('too-large', `${bytes} bytes, but a job message holds at most ${jobMessageBytesMax}`)
  }
  return text
}

/** A delay as whole seconds, never shorter than asked up to the longest there is. */
export const jobDelaySeconds = (delayMs: number): number =>
  Math.min(delaySecondsMax, Math.max(0, Math.ceil(delayMs / 1000)))
