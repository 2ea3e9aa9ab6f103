import { runJob } from '../../shared/core/jobs.ts'
import type { WorkTools } from '../../shared/core/work-tools.ts'
import type { Site } from '../../shared/domain/site.ts'
import type { JobMessage } from '../../shared/ports/job-queue.ts'
import { downPauseMs } from './feed.ts'
import { makeInvocation } from './invocation.ts'
import { peerFetch } from './peer-fetch.ts'
import type { World } from './world.ts'

export interface Queue {
  send(message: JobMessage, delayMs: number): void
  depth(): { waiting: number; deadLetters: number }
}

const visibilityMs = 120_000
const receivesMax = 5
const dayMs = 86_400_000
/** So few that most objects go by parts. */
const copyPartBytes = 32

/** A queue and the function behind it: at least once, in no order, five tries, then the dead letters. */
export function makeQueue(world: World, site: Site): Queue {
  const { scheduler, streams, profile, mark, faultsOn } = world
  let waiting = 0
  let deadLetters = 0
  const arrive = (text: string, delayMs: number, receives: number): void => {
    const { epoch } = world.sites[site]
    waiting++
    scheduler.at(scheduler.now() + delayMs, `${site} queue`, () => {
      waiting--
      if (epoch === world.sites[site].epoch) void receive(text, receives)
    })
  }
  const receive = async (text: string, receives: number): Promise<void> => {
    if (!world.sites[site].isUp) return arrive(text, 6 * downPauseMs(world), receives)
    const invocation = makeInvocation(world, site, 'job')
    const message = JSON.parse(text) as JobMessage
    const services = world.sites[site].servicesOf(invocation)
    const run = runJob(services, toolsOf(world, site), message, new AbortController().signal)
    const timeout = scheduler.timeout(visibilityMs, `${site} visibility`)
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
    if (receives + 1 < receivesMax) return arrive(text, visibilityMs, receives + 1)
    deadLetters++
    mark('message went to the dead letters')
  }
  const send = (message: JobMessage, delayMs: number): void => {
    const text = JSON.stringify(message)
    if (faultsOn() && profile.queueFaults) {
      if (streams.faults.oneIn(40)) return mark('queue message lost')
      if (streams.faults.oneIn(20)) {
        mark('queue message doubled')
        arrive(text, delayMs + streams.faults.pick(60_000), 0)
      }
      if (streams.faults.oneIn(60)) {
        mark('queue message delayed by days')
        return arrive(text, 2 * dayMs, 0)
      }
    }
    arrive(text, delayMs + streams.scheduling.pick(50), 0)
  }
  return { send, depth: () => ({ waiting, deadLetters }) }
}

/** No conversion is simulated; objects are copied by the real code from the peer's store, whose bytes may come damaged. */
const toolsOf = (world: World, site: Site): WorkTools => ({
  converter: {
    inspect: () => Promise.reject(new Error('not simulated')),
    convert: () => Promise.reject(new Error('not simulated')),
  },
  workFolder: () => Promise.reject(new Error('not simulated')),
  copyPartBytes,
  fetch: peerFetch(world, site),
})
