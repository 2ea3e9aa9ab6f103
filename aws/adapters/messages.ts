import type { SQSBatchResponse, SQSEvent } from 'aws-lambda'
import type { Telemetry } from '../../shared/ports/telemetry.ts'

/** Handles each message of a batch by itself; those that threw go back to the queue, and after five times to its dead letters. */
export async function eachMessage(
  event: SQSEvent,
  telemetry: Telemetry,
  work: (body: unknown) => Promise<void>,
): Promise<SQSBatchResponse> {
  const batchItemFailures: { itemIdentifier: string }[] = []
  for (const { messageId, body } of event.Records) {
    try {
      await work(JSON.parse(body) as unknown)
    } catch (error) {
      telemetry.log('error', 'A message failed and will be delivered again', { messageId }, error)
      batchItemFailures.push({ itemIdentifier: messageId })
    }
  }
  return { batchItemFailures }
}
