import type { QueueClient } from '@azure/storage-queue'
import { jobDelaySeconds, jobText } from '../../shared/adapters/job-text.ts'
import type { JobQueue } from '../../shared/ports/job-queue.ts'
import { calling, isStatus, mapError } from './errors.ts'

export interface JobQueueOptions {
  readonly queue: QueueClient
  /** `<queue>-poison`, where the Functions host puts what failed too often; made by it when first needed. */
  readonly poisonQueue: QueueClient
}

/** Jobs in a Storage queue, base64 as the Functions host expects them. */
export function storageJobQueue({ queue, poisonQueue }: JobQueueOptions): JobQueue {
  const messagesIn = async (client: QueueClient): Promise<number> => {
    try {
      return (await client.getProperties()).approximateMessagesCount ?? 0
    } catch (error) {
      if (isStatus(error, 404)) return 0
      throw mapError(error, 'reading the depth of a queue')
    }
  }
  return {
    send: async (message, { delayMs = 0 } = {}) => {
      const text = Buffer.from(jobText(message)).toString('base64')
      const options = { visibilityTimeout: jobDelaySeconds(delayMs), messageTimeToLive: -1 }
      await calling('queueing a job', () => queue.sendMessage(text, options))
    },
    depth: async () => {
      const [waiting, deadLetters] = await Promise.all([messagesIn(queue), messagesIn(poisonQueue)])
      return { waiting, deadLetters }
    },
  }
}
