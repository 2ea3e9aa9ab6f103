import type { Services } from '../../shared/core/services.ts'
import type { Site } from '../../shared/domain/site.ts'
import { downPauseMs } from './feed.ts'
import { makeInvocation } from './invocation.ts'
import type { World } from './world.ts'

export interface Queue<Message> {
  send(message: Message, delayMs: number): void
  depth(): { waiting: number; deadLetters: number }
  /** Sends every dead letter once more, as an operator does when the cause is gone. */
  redrive(): void
}

/** The function behind a queue. */
export type Work<Message> = (services: Services, message: Message, signal: AbortSignal) => Promise<unknown>

const visibilityMs = 120_000
const receivesMax = 5

/** A queue and the function behind it: at least once, in no order, five tries, then the dead letters. */
export function makeQueue<Message>(world: World, site: Site, name: string, work: Work<Message>): Queue<Message> {
  const { scheduler, streams, profile, mark, faultsOn } = world
  let waiting = 0
  let dead: string[] = []
  const arrive = (text: string, delayMs: number, receives: number): void => {
    const { epoch } = world.sites[site]
    waiting++
    scheduler.at(scheduler.now() + delayMs, `${site} ${name} queue`, () => {
      waiting--
      if (epoch === world.sites[site].epoch) void receive(text, receives)
    })
  }
  const receive = async (text: string, receives: number): Promise<void> => {
    if (!world.sites[site].isUp) return arrive(text, 6 * downPauseMs(world), receives)
    const invocation = makeInvocation(world, site, name)
    const services = world.sites[site].servicesOf(invocation)
    const run = work(services, JSON.parse(text) as Message, new AbortController().signal)
    // The host gives up on a run that still goes on, and the message is seen again.
    const isZombie = faultsOn() && streams.faults.oneIn(profile.zombie)
    const timeout = scheduler.timeout(isZombie ? streams.faults.pick(300) : visibilityMs, `${site} visibility`)
    const done = await Promise.race([
      run.then(
        () => true,
        () => false,
      ),
      invocation.killed.then(() => false),
      timeout.over.then(() => false),
    ])
    timeout.cancel()
    if (done) return
    if (isZombie) mark('work went on while its message came again')
    if (receives + 1 < receivesMax) return arrive(text, isZombie ? 1_000 : visibilityMs, receives + 1)
    dead.push(text)
    mark('message went to the dead letters')
  }
  return {
    send: (message, delayMs) => arrive(JSON.stringify(message), delayMs + streams.scheduling.pick(50), 0),
    depth: () => ({ waiting, deadLetters: dead.length }),
    redrive: () => {
      for (const text of dead) arrive(text, 0, 0)
      dead = []
    },
  }
}
