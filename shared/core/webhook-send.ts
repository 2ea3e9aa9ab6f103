import type { WebhookSecretsBody } from '../domain/webhook.ts'
import type { Services } from './services.ts'
import type { QueuedMessage } from './webhook-queue.ts'
import { signedHeaders } from './webhook-sign.ts'
import type { WorkTools } from './work-tools.ts'

const timeoutMs = 15_000
/** Shorter than a lane is held. */
const totalMs = 20_000
/** Nothing of an answer matters but its status; what it says is read this far, for the log. */
const answerBytesMax = 1_024

export interface Answered {
  /** The endpoint said that it has the message: any 2xx. */
  readonly isTaken: boolean
  readonly status?: number
  readonly error?: string
  readonly tookMs: number
}

/** One try of one message. A redirect is not followed, and counts as a failure. */
export async function deliver(
  services: Services,
  { outbound }: WorkTools,
  {
    url,
    message,
    secrets,
  }: { readonly url: string; readonly message: QueuedMessage; readonly secrets: WebhookSecretsBody },
  signal: AbortSignal,
): Promise<Answered> {
  const beganMs = services.clock.monotonicMs()
  const tookMs = (): number => Math.round(services.clock.monotonicMs() - beganMs)
  const { id, text } = message
  const headers = signedHeaders({ id, text, nowMs: services.clock.now() }, secrets)
  try {
    const { status, body } = await outbound.request(url, {
      method: 'POST',
      headers,
      body: text,
      signal,
      timeoutMs,
      totalMs,
    })
    const said = await beginningOf(body)
    if (status >= 200 && status < 300) return { isTaken: true, status, tookMs: tookMs() }
    return { isTaken: false, status, error: `It answered ${status} ${said}`.trim(), tookMs: tookMs() }
  } catch (error) {
    return { isTaken: false, error: (error as { message?: string }).message ?? String(error), tookMs: tookMs() }
  }
}

async function beginningOf(body: ReadableStream<Uint8Array>): Promise<string> {
  const reader = body.getReader()
  const chunks: Uint8Array[] = []
  let bytes = 0
  try {
    while (bytes < answerBytesMax) {
      const { done, value } = await reader.read()
      if (done) break
      chunks.push(value)
      bytes += value.byteLength
    }
  } catch {
    // The status is known; how the rest ends does not matter.
  } finally {
    await reader.cancel().catch(() => undefined)
  }
  const text = Buffer.concat(chunks).subarray(0, answerBytesMax).toString()
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what goes
  return text.replace(/[\u0000-\u001f\u007f]+/g, ' ')
}
