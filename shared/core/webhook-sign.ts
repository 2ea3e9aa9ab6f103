import { createHmac } from 'node:crypto'
import type { WebhookMessage, WebhookSecretsBody } from '../domain/webhook.ts'

const secretPrefix = 'whsec_'
export const secretBytes = 32

/** A secret as its owner sees it, once: Standard Webhooks' own form. */
export const shownSecret = (secret: string): string => `${secretPrefix}${secret}`

/** The body of a message: the same bytes for every try. */
export const messageText = ({ type, atMs, data }: Pick<WebhookMessage, 'type' | 'atMs' | 'data'>): string =>
  JSON.stringify({ type, timestamp: new Date(atMs).toISOString(), data })

/** The headers of Standard Webhooks 1.0: HMAC-SHA256 over id, time of sending and body, once for every secret that is good now. */
export function signedHeaders(
  { id, text, nowMs }: { readonly id: string; readonly text: string; readonly nowMs: number },
  { secrets }: WebhookSecretsBody,
): Record<string, string> {
  const timestamp = String(Math.floor(nowMs / 1000))
  const signatures = secrets
    .filter(({ untilMs }) => untilMs === undefined || untilMs > nowMs)
    .map(({ secret }) => {
      const hmac = createHmac('sha256', Buffer.from(secret, 'base64'))
      return `v1,${hmac.update(`${id}.${timestamp}.${text}`).digest('base64')}`
    })
  return {
    'content-type': 'application/json',
    'user-agent': 'Catamaran-Webhooks/1',
    'webhook-id': id,
    'webhook-timestamp': timestamp,
    'webhook-signature': signatures.join(' '),
  }
}
