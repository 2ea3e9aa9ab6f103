import { GetQueueAttributesCommand, SendMessageCommand, type SQSClient } from '@aws-sdk/client-sqs'
import { jobDelaySeconds, jobText } from '../../shared/adapters/job-text.ts'
import type { JobQueue, WatchedQueue } from '../../shared/ports/job-queue.ts'
import { calling } from './errors.ts'

export interface QueueOptions {
  readonly client: SQSClient
  readonly queueUrl: string
  readonly deadLetterQueueUrl: string
}

/** An SQS queue whose redrive policy names the dead-letter queue. */
export function sqsQueue({ client, queueUrl, deadLetterQueueUrl }: QueueOptions): WatchedQueue {
  const messagesIn = async (QueueUrl: string): Promise<number> => {
    const { Attributes = {} } = await calling('reading the depth of a queue', () =>
      client.send(new GetQueueAttributesCommand({ QueueUrl, AttributeNames: ['All'] })),
    )
    return (
      Number(Attributes.ApproximateNumberOfMessages ?? 0) +
      Number(Attributes.ApproximateNumberOfMessagesNotVisible ?? 0) +
      Number(Attributes.ApproximateNumberOfMessagesDelayed ?? 0)
    )
  }
  return {
    depth: async () => {
      const [waiting, deadLetters] = await Promise.all([messagesIn(queueUrl), messagesIn(deadLetterQueueUrl)])
      return { waiting, deadLetters }
    },
  }
}

/** Jobs in such a queue. */
export function sqsJobQueue(options: QueueOptions): JobQueue {
  const { client, queueUrl } = options
  return {
    ...sqsQueue(options),
    send: async (message, { delayMs = 0 } = {}) => {
      const input = { QueueUrl: queueUrl, MessageBody: jobText(message), DelaySeconds: jobDelaySeconds(delayMs) }
      await calling('queueing a job', () => client.send(new SendMessageCommand(input)))
    },
  }
}
