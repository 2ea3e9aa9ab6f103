import { hasCode } from '../domain/errors.ts'
import { derivedId } from '../domain/hash.ts'
import {
  webhookKey,
  webhookSecretsKey,
  type WebhookBody,
  type WebhookLane,
  type WebhookSecretsBody,
} from '../domain/webhook.ts'
import { readRecord } from './record-reads.ts'
import { writeRecord } from './records.ts'
import type { Services } from './services.ts'
import { dueAgain, resendMs, sendLane } from './webhook-announce.ts'
import { failingMsMax, noteFailure, noteSuccess, readHealth, type WebhookHealth } from './webhook-health.ts'
import { doneIn, hasLostNote, hearOfLane, markDone } from './webhook-lane.ts'
import { logTry } from './webhook-log.ts'
import { changeQueued, queuedIn, removeQueued, type QueuedMessage, type QueueEntry } from './webhook-queue.ts'
import { deliver, type Answered } from './webhook-send.ts'
import type { WorkTools } from './work-tools.ts'

/** After the first try, the second, and so on; then every eight hours until a message is three days old. */
const retryMinutes = [0.2, 1, 5, 15, 30, 60, 120, 240, 480] as const
const retryMsMax = 3 * 24 * 3_600_000
const messagesMax = 20
/** A paused endpoint is looked at again after this; whoever resumes it does not wait for that. */
const pausedMs = 600_000
/** Longer than one try takes. */
const leaseMs = 60_000
/** Past this age, the other site may have sent a message while this one was away. */
const oldMs = 60_000
const queueDelayMsMax = 600_000

/**
 * Sends what waits for one asset at one endpoint, one message after the other: none is tried before the one before it was
 * delivered or given up. Only home does, unless `takeover` says that home is gone, or somebody asked for it here.
 */
export async function runWebhookLane(
  services: Services,
  work: WorkTools,
  { lane, takeover }: { readonly lane: WebhookLane; readonly takeover: boolean },
  signal: AbortSignal,
): Promise<void> {
  const { siteStore, clock } = services
  const id = derivedId(lane.tenant, lane.endpoint, lane.asset)
  const hold = { partition: `webhook-leases/${id.slice(0, 1)}`, id, value: {} }
  for (let count = 0; count < messagesMax && !signal.aborted; count++) {
    const isHeld = await siteStore.put({ ...hold, expiresMs: clock.now() + leaseMs }, { kind: 'absent' })
    // Whoever has the lane looks once more when it let go. To ask again from here would multiply what comes twice.
    if (!isHeld) return
    let step: Step
    try {
      step = await sendFirst(services, work, { lane, takeover }, signal)
    } finally {
      await siteStore.remove(hold.partition, hold.id)
    }
    if (step.stoppedAt !== undefined && !(await hasOther(services, lane, step.stoppedAt))) return
  }
  await sendLane(services, lane, { takeover })
}

/** What a lane stopped at: the message that has to wait, or null when there is none; undefined when it goes on. */
interface Step {
  readonly stoppedAt?: QueuedMessage | null
}

const onwards: Step = {}

/** Whether something came to the front of a lane while it was held. */
async function hasOther(services: Services, lane: WebhookLane, stoppedAt: QueuedMessage | null): Promise<boolean> {
  const [first] = await queuedIn(services, lane)
  return first !== undefined && (first.message.id !== stoppedAt?.id || first.message.byHand !== stoppedAt.byHand)
}

/** Sends the first message of a lane, when it is due. */
async function sendFirst(
  services: Services,
  work: WorkTools,
  { lane, takeover }: { readonly lane: WebhookLane; readonly takeover: boolean },
  signal: AbortSignal,
): Promise<Step> {
  const { tenant, endpoint: id } = lane
  const [entry] = await queuedIn(services, lane)
  if (!entry) return { stoppedAt: null }
  const [endpoint, secrets] = await Promise.all([
    readRecord(services, webhookKey(tenant, id)),
    readRecord(services, webhookSecretsKey(id)),
  ])
  const nowMs = services.clock.now()
  const { message } = entry
  if (!endpoint?.body || !secrets?.body) return dropped(services, entry)
  const body = endpoint.body as WebhookBody
  if (!message.byHand) {
    if (nowMs - message.queuedMs > oldMs || (await hasLostNote(services, lane))) await hearOfLane(services, lane)
    if ((await doneIn(services, lane)).has(message.id)) return dropped(services, entry)
    if (body.home !== services.site && !takeover) return { stoppedAt: message }
    if (nowMs - message.queuedMs > retryMsMax) return giveUp(services, lane, entry)
    if (body.state !== 'active') return later(services, lane, message, { dueMs: nowMs + pausedMs, takeover })
    const restUntilMs = (await readHealth(services, tenant, id))?.restUntilMs ?? 0
    if (restUntilMs > nowMs) return later(services, lane, message, { dueMs: restUntilMs + spread(services), takeover })
    if (message.dueMs > nowMs) return later(services, lane, message, { dueMs: message.dueMs, takeover })
  }
  const answered = await deliver(
    services,
    work,
    { url: body.url, message, secrets: secrets.body as WebhookSecretsBody },
    signal,
  )
  return answered.isTaken
    ? succeed(services, lane, entry, answered)
    : fail(services, lane, { entry, answered, takeover })
}

const spread = (services: Services): number => Math.ceil(services.random.fraction() * 30_000)

async function dropped(services: Services, entry: QueueEntry): Promise<Step> {
  await removeQueued(services, entry)
  return onwards
}

async function later(
  services: Services,
  lane: WebhookLane,
  message: QueuedMessage,
  { dueMs, takeover }: { readonly dueMs: number; readonly takeover: boolean },
): Promise<Step> {
  const delayMs = Math.max(0, dueMs - services.clock.now())
  await dueAgain(services, lane, dueMs + resendMs)
  if (delayMs <= queueDelayMsMax) await sendLane(services, lane, { takeover, delayMs })
  return { stoppedAt: message }
}

/** The note comes before the message goes: what dies in between finds the note. */
async function succeed(services: Services, lane: WebhookLane, entry: QueueEntry, answered: Answered): Promise<Step> {
  await markDone(services, lane, entry.message.id)
  await removeQueued(services, entry)
  await note(services, lane, { message: entry.message, answered, outcome: 'delivered' })
  if (await readHealth(services, lane.tenant, lane.endpoint)) await noteSuccess(services, lane.tenant, lane.endpoint)
  return onwards
}

async function giveUp(services: Services, lane: WebhookLane, entry: QueueEntry): Promise<Step> {
  const { message } = entry
  const error = message.lastError ?? 'It waited too long.'
  await markDone(services, lane, message.id)
  await removeQueued(services, entry)
  const answered = { isTaken: false, error, tookMs: 0 } as const
  await note(services, lane, { message, answered, outcome: 'given-up' })
  services.telemetry.log('warn', 'A webhook message was given up', { ...lane, messageId: message.id })
  return onwards
}

interface Failed {
  readonly entry: QueueEntry
  readonly answered: Answered
  readonly takeover: boolean
}

async function fail(services: Services, lane: WebhookLane, { entry, answered, takeover }: Failed): Promise<Step> {
  const { message } = entry
  const attempts = message.attempts + 1
  const { status, error = '' } = answered
  await note(services, lane, { message, answered, outcome: 'failed' })
  if (message.byHand) return dropped(services, entry)
  const health = await noteFailure(services, lane.tenant, lane.endpoint, error)
  await disableWhenHopeless(services, lane, health, answered)
  const minutes = retryMinutes[attempts - 1] ?? retryMinutes.at(-1) ?? 0
  // Up to a quarter more or less.
  const waitMs = minutes * 60_000 * (0.75 + services.random.fraction() / 2)
  const dueMs = services.clock.now() + Math.ceil(waitMs)
  const facts = { lastError: error.slice(0, 300), ...(status === undefined ? {} : { lastStatus: status }) }
  await changeQueued(services, entry, { ...message, ...facts, attempts, dueMs })
  return later(services, lane, message, { dueMs: Math.max(dueMs, health.restUntilMs), takeover })
}

/** 410 is the endpoint's own word that it is gone. */
async function disableWhenHopeless(
  services: Services,
  { tenant, endpoint }: WebhookLane,
  { failingSinceMs }: WebhookHealth,
  { status }: Answered,
): Promise<void> {
  const days = failingMsMax / (24 * 3_600_000)
  const isHopeless = services.clock.now() - failingSinceMs > failingMsMax
  if (status !== 410 && !isHopeless) return
  const disabledReason = status === 410 ? 'It answered 410 Gone.' : `Every try failed for ${days} days.`
  try {
    await writeRecord(services, webhookKey(tenant, endpoint), { precondition: { kind: 'exists' } }, (body) => {
      const present = body as WebhookBody | undefined
      return present?.state === 'active' ? { ...present, state: 'disabled', disabledReason } : (body ?? null)
    })
    services.telemetry.log('warn', 'A webhook endpoint was disabled', { tenant, endpoint, disabledReason })
  } catch (error) {
    if (!hasCode(error, 'not-found')) throw error
  }
}

async function note(
  services: Services,
  { tenant, endpoint, asset }: WebhookLane,
  tried: {
    readonly message: QueuedMessage
    readonly answered: Answered
    readonly outcome: 'delivered' | 'failed' | 'given-up'
  },
): Promise<void> {
  const { message, answered, outcome } = tried
  const { id, type, text, order, attempts } = message
  const { status, error, tookMs } = answered
  await logTry(services, tenant, endpoint, {
    id,
    type,
    asset,
    text,
    order,
    attempt: attempts + 1,
    atMs: services.clock.now(),
    tookMs,
    outcome,
    ...(status === undefined ? {} : { status }),
    ...(error === undefined ? {} : { error: error.slice(0, 300) }),
  })
}
