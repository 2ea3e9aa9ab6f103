import { runJob } from '../../shared/core/jobs.ts'
import type { WorkTools } from '../../shared/core/work-tools.ts'
import { peerOf, type Site } from '../../shared/domain/site.ts'
import type { JobMessage } from '../../shared/ports/job-queue.ts'
import { downPauseMs } from './feed.ts'
import { makeInvocation } from './invocation.ts'
import type { World } from './world.ts'

export interface Queue {
  send(message: JobMessage, delayMs: number): void
  depth(): { waiting: number; deadLetters: number }
}

const visibilityMs = 120_000
const receivesMax = 5
const dayMs = 86_400_000

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
  fetch: async (url, { headers }) => {
    await world.scheduler.delay(5, `${site} fetch`)
    if (world.link.isCut(site, peerOf(site)) || !world.sites[peerOf(site)].isUp) throw new TypeError('fetch failed')
    const response = await world.sites[peerOf(site)].objects.fetch(url, { headers })
    if (!world.faultsOn() || !world.streams.faults.oneIn(world.profile.corruption)) return response
    return damaged(world, response)
  },
})

async function damaged({ mark, streams }: World, response: Response): Promise<Response> {
  const bytes = new Uint8Array(await response.arrayBuffer())
  const { status, headers } = response
  if (bytes.length === 0) return new Response(null, { status, headers })
  if (streams.faults.oneIn(3)) {
    mark('object broke off on the way')
    return new Response(bytes.subarray(0, streams.faults.pick(bytes.length)), { status, headers })
  }
  mark('object corrupted on the way')
  const at = streams.faults.pick(bytes.length)
  bytes[at] = (bytes[at] ?? 0) ^ 1
  return new Response(bytes, { status, headers })
}
