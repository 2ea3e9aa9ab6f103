import { webhookKey, type WebhookBody } from '../domain/webhook.ts'
import type { DueEntry } from './open-work.ts'
import { readRecord } from './record-reads.ts'
import type { Services } from './services.ts'
import { resendMs, sendLane } from './webhook-announce.ts'
import { doneIn, dropDone } from './webhook-lane.ts'
import { queuedIn } from './webhook-queue.ts'

/** How often the site that only stands by asks whether home still answers. */
const standbyMs = 180_000

/**
 * Looks after a lane whose message got lost, or whose home died: the other site takes over when home does not answer. Says when to
 * look again, if ever.
 */
export async function sweepWebhookLane(
  services: Services,
  entry: DueEntry,
  isPeerUp: () => Promise<boolean>,
): Promise<DueEntry | undefined> {
  const { tenant } = entry
  const [endpoint = '', asset = ''] = entry.id.split('/')
  const lane = { tenant, endpoint, asset }
  const nowMs = services.clock.now()
  await dropDone(services, lane, await doneIn(services, lane))
  const [first] = await queuedIn(services, lane)
  if (!first) return undefined
  const dueMs = Math.max(nowMs, first.message.dueMs) + resendMs
  const home = ((await readRecord(services, webhookKey(tenant, endpoint)))?.body as WebhookBody | undefined)?.home
  if (home === undefined || home === services.site || first.message.byHand) {
    await sendLane(services, lane)
    return { ...entry, dueMs }
  }
  if (await isPeerUp()) return { ...entry, dueMs: nowMs + standbyMs }
  await sendLane(services, lane, { takeover: true })
  return { ...entry, dueMs }
}
