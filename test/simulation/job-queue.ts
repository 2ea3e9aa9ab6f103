import type { WorkTools } from '../../shared/core/work-tools.ts'
import type { Site } from '../../shared/domain/site.ts'
import type { JobMessage } from '../../shared/ports/job-queue.ts'
import { jobHosting } from './hosting.ts'
import { peerFetch } from './peer-fetch.ts'
import { functionBehind, makeQueue, type Queue } from './queue.ts'
import { outboundOf } from './subscriber.ts'
import type { World } from './world.ts'

const dayMs = 86_400_000
/** So few that most objects go by parts. */
export const copyPartBytes = 32
/** So few that about as many objects are copied in one go as not. */
const oneGoBytesMax = 200
/** So few that most files are read in several steps. */
const readStepBytes = 100

/** Messages about long work: some get lost, come twice, or days late. */
export function makeJobQueue(world: World, site: Site): Queue<JobMessage> {
  const { scheduler, streams, profile, mark, faultsOn } = world
  const hosting = jobHosting[site]
  const consume = functionBehind<JobMessage>(world, site, 'job', {
    ...hosting,
    work: (services, message, signal) =>
      world.sites[site].code().runJob(services, toolsOf(world, site), message, signal),
  })
  const queue = makeQueue<JobMessage>(world, site, 'job', {
    hosting,
    consume,
    jitterMs: () => streams.scheduling.pick(50),
  })
  const send = (message: JobMessage, delayMs: number): void => {
    if (faultsOn() && profile.queueFaults) {
      if (streams.faults.oneIn(40)) return mark('queue message lost')
      if (streams.faults.oneIn(20)) {
        mark('queue message doubled')
        queue.send(message, delayMs + streams.faults.pick(60_000))
      }
      if (streams.faults.oneIn(60)) {
        return scheduler.at(scheduler.now() + 2 * dayMs, `${site} late message`, () => {
          mark('queue message delayed by days')
          queue.send(message, 0)
        })
      }
    }
    queue.send(message, delayMs)
  }
  return { ...queue, send }
}

/**
 * Every file counts as too large for the local disk: it is verified and kept, and nothing is converted. Objects are copied
 * by the real code from the peer's store, whose bytes may come damaged.
 */
const toolsOf = (world: World, site: Site): WorkTools => ({
  converter: {
    inspect: () => Promise.reject(new Error('not simulated')),
    convert: () => Promise.reject(new Error('not simulated')),
  },
  workFolder: async () => ({ path: '/nowhere', remove: async () => {} }),
  workFileBytesMax: 0,
  copyPartBytes,
  oneGoBytesMax,
  readStepBytes,
  fetch: peerFetch(world, site),
  outbound: outboundOf(world, site),
})
