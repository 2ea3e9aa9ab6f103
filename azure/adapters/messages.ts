import type { Telemetry } from '../../shared/ports/telemetry.ts'

/** Handles one message; when it throws, the host puts it back, and after five times among the poison messages. */
export async function eachMessage(
  message: unknown,
  telemetry: Telemetry,
  work: (body: unknown) => Promise<void>,
): Promise<void> {
  try {
    await work(typeof message === 'string' ? (JSON.parse(message) as unknown) : message)
  } catch (error) {
    telemetry.log('error', 'A message failed and will be delivered again', {}, error)
    throw error
  }
}
