import type { Services } from '../../shared/core/services.ts'
import type { Site } from '../../shared/domain/site.ts'
import { messageQueue, type QueueWay, type Received } from '../memory/message-queue.ts'
import { downPauseMs } from './feed.ts'
import { makeInvocation } from './invocation.ts'
import type { World } from './world.ts'

export interface Queue<Message> {
  send(message: Message, delayMs: number): void
  depth(): { waiting: number; deadLetters: number }
  deadLetters(): string[]
  /** Sends every dead letter once more, as an operator does when the cause is gone. */
  redrive(): void
  /** Forgets everything: the queue is another one now. */
  reset(): void
}

/** A cloud's queue, and how the host behind it reads it. */
export interface Hosting extends QueueWay {
  /** So many messages at most are given to the function at once. */
  readonly batchMax: number
  /** The host gives up on a function that runs so long. */
  readonly functionMs: number
  /** Where the host itself sees to what failed, and not the queue alone. */
  readonly host?: {
    /** A message is seen again so long after its function failed; after its last time it is a dead letter at once. */
    readonly againMs: number
    /** While the function runs its message is hidden anew this often. */
    readonly renewMs: number
  }
}

/** How the run of a function ended: some of its messages failed, all of them, or its machine is gone before it could say. */
export type Outcome =
  | { readonly kind: 'done'; readonly failed: readonly number[] }
  | { readonly kind: 'failed' }
  | { readonly kind: 'gone'; readonly againMs?: number }

/** What is behind a queue: it is given messages, and how often each was received. */
export type Consumer = (messages: readonly Pick<Received, 'text' | 'receives'>[]) => Promise<Outcome>

/** The function behind a queue. */
export type Work<Message> = (services: Services, message: Message, signal: AbortSignal) => Promise<unknown>

/** At least once, in no order, so many tries, then the dead letters. */
export function makeQueue<Message>(
  world: World,
  site: Site,
  name: string,
  { hosting, consume, jitterMs }: { hosting: Hosting; consume: Consumer; jitterMs: () => number },
): Queue<Message> {
  const { scheduler, mark } = world
  const messages = messageQueue(hosting, scheduler.now)
  const lookAt = (ms: number): void => scheduler.at(ms + jitterMs(), `${site} ${name} queue`, look)
  const look = (): void => {
    const { waiting, deadLetters } = messages.depth()
    if (waiting === 0) return
    if (!world.sites[site].isUp) return lookAt(scheduler.now() + 6 * downPauseMs(world))
    for (let batch = messages.receive(hosting.batchMax); batch.length > 0; batch = messages.receive(hosting.batchMax)) {
      void deliver(batch)
    }
    if (messages.depth().deadLetters > deadLetters) mark('message went to the dead letters')
  }
  const hide = (message: Received, untilMs: number): void => {
    message.hide(untilMs)
    lookAt(untilMs)
  }
  const deliver = async (batch: readonly Received[]): Promise<void> => {
    const { host, hiddenMs, receivesMax } = hosting
    const receivedMs = scheduler.now()
    // Whoever hides it anew in time holds it until the run is over.
    for (const message of batch) if (host) message.hide(Infinity)
    const outcome = await consume(batch)
    if (outcome.kind === 'gone') {
      const ranMs = scheduler.now() - receivedMs
      const renewedMs = host ? ranMs - (ranMs % host.renewMs) : 0
      const untilMs =
        outcome.againMs === undefined ? receivedMs + renewedMs + hiddenMs : scheduler.now() + outcome.againMs
      for (const message of batch) hide(message, untilMs)
      return
    }
    for (const [at, message] of batch.entries()) {
      if (outcome.kind === 'done' && !outcome.failed.includes(at)) message.remove()
      else if (!host) hide(message, receivedMs + hiddenMs)
      else if (message.receives < receivesMax) hide(message, scheduler.now() + host.againMs)
      else {
        message.bury()
        mark('message went to the dead letters')
      }
    }
  }
  return {
    send: (message, delayMs) => lookAt(messages.send(JSON.stringify(message), delayMs)),
    depth: () => messages.depth(),
    deadLetters: () => messages.deadLetters(),
    redrive: () => {
      messages.redrive()
      lookAt(scheduler.now())
    },
    reset: () => messages.clear(),
  }
}

/** Runs the function over its messages, one after the other, gives up on it after its time, and may leave a zombie behind. */
export function functionBehind<Message>(
  world: World,
  site: Site,
  name: string,
  { functionMs, work }: { readonly functionMs: number; readonly work: Work<Message> },
): Consumer {
  const { scheduler, streams, profile, mark, faultsOn } = world
  return async (messages) => {
    const invocation = makeInvocation(world, site, name, messages.length)
    const services = world.sites[site].servicesOf(invocation)
    const run = async (): Promise<Outcome> => {
      const failed: number[] = []
      for (const [at, { text }] of messages.entries()) {
        await work(services, JSON.parse(text) as Message, new AbortController().signal).catch(() => failed.push(at))
      }
      return { kind: 'done', failed }
    }
    const isZombie = faultsOn() && streams.faults.oneIn(profile.zombie)
    const timeout = scheduler.timeout(isZombie ? streams.faults.pick(300) : functionMs, `${site} ${name} time-out`)
    const gone: Outcome = { kind: 'gone', ...(isZombie ? { againMs: 1_000 } : {}) }
    const givenUp = timeout.over.then(() => {
      if (isZombie) mark('work went on while its message came again')
      return gone
    })
    const outcome = await Promise.race([run(), invocation.killed.then(() => gone), givenUp])
    timeout.cancel()
    return outcome
  }
}
