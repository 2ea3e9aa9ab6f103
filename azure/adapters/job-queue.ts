import type { QueueClient } from '@azure/storage-queue'
import { jobDelaySeconds, jobText } from '../../shared/adapters/job-text.ts'
import type { JobQueue, WatchedQueue } from '../../shared/ports/job-queue.ts'
import { calling, isStatus, mapError } from './errors.ts'

export interface QueueOptions {
  readonly queue: QueueClient
  /** `<queue>-poison`, where the Functions host puts what failed too often; made by it when first needed. */
  readonly poisonQueue: QueueClient
}

/** A Storage queue that triggers a function. */
export function storageQueue({ queue, poisonQueue }: QueueOptions): WatchedQueue {
  const messagesIn = async (client: QueueClient): Promise<number> => {
    try {
      return (await client.getProperties()).approximateMessagesCount ?? 0
    } catch (error) {
      if (isStatus(error, 404)) return 0
      throw mapError(error, 'reading the depth of a queue')
    }
  }
  return {
    depth: async () => {
      const [waiting, deadLetters] = await Promise.all([messagesIn(queue), messagesIn(poisonQueue)])
      return { waiting, deadLetters }
    },
  }
}

/** Jobs in such a queue, base64 as the Functions host expects them. */
export function storageJobQueue(options: QueueOptions): JobQueue {
  return {
    ...storageQueue(options),
    send: async (message, { delayMs = 0 } = {}) => {
      const text = Buffer.from(jobText(message)).toString('base64')
      const how = { visibilityTimeout: jobDelaySeconds(delayMs), messageTimeToLive: -1 }
      await calling('queueing a job', () => options.queue.sendMessage(text, how))
    },
  }
}
