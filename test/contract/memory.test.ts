import { inspect } from 'node:util'
import { systemClock } from '../../shared/adapters/clock.ts'
import { memoryClock, memoryRandom } from '../memory/clock.ts'
import { memoryObjectStore, type MemoryObjectStore } from '../memory/object-store.ts'
import { memoryDelivery } from '../memory/delivery.ts'
import { memoryJobQueue } from '../memory/job-queue.ts'
import { memoryRecordStore } from '../memory/record-store.ts'
import { memorySiteStore } from '../memory/site-store.ts'
import { memoryTelemetry } from '../memory/telemetry.ts'
import { clockSuite } from './clock-suite.ts'
import { deliverySuite } from './delivery-suite.ts'
import { jobQueueSuite } from './job-queue-suite.ts'
import { objectGrantSuite } from './object-grant-suite.ts'
import { objectPartSuite } from './object-part-suite.ts'
import { objectStoreSuite } from './object-store-suite.ts'
import { objectStreamSuite } from './object-stream-suite.ts'
import { recordBatchSuite } from './record-batch-suite.ts'
import { recordIndexSuite } from './record-index-suite.ts'
import { recordStoreSuite } from './record-store-suite.ts'
import { siteStoreSuite } from './site-store-suite.ts'
import { telemetryPortSuite } from './telemetry-suite.ts'

const clock = memoryClock()
const nowMs = () => clock.now()
const passTime = (ms: number) => clock.advance(ms)
const records = memoryRecordStore()
const siteStore = memorySiteStore({ clock })

recordStoreSuite('memory', () => records)
recordIndexSuite('memory', () => records)
recordBatchSuite('memory', () => records)
siteStoreSuite('memory', () => ({ store: siteStore, nowMs, passTime }))

const objects = memoryObjectStore({ clock, random: memoryRandom() })
objectStoreSuite('memory', () => ({ store: objects, isRemote: false }))
objectStreamSuite('memory', () => ({ store: objects, isRemote: false }))
objectGrantSuite('memory', () => ({ store: objects, fetch: (url, init) => objects.fetch(url, init), nowMs, passTime }))

const copying: MemoryObjectStore = memoryObjectStore({
  clock,
  random: memoryRandom(),
  fetch: (url, init) => copying.fetch(url, init),
})
const blocks: MemoryObjectStore = memoryObjectStore({
  clock,
  random: memoryRandom(),
  uploads: 'blocks',
  fetch: (url, init) => blocks.fetch(url, init),
})
objectGrantSuite('memory, blocks', () => ({
  store: blocks,
  fetch: (url, init) => blocks.fetch(url, init),
  nowMs,
  passTime,
}))
const urlFrom =
  (store: MemoryObjectStore) =>
  async (key: string): Promise<string> =>
    (await store.presign(key, { method: 'GET', expiresAtMs: nowMs() + 60_000 })).url
objectPartSuite('memory', () => ({ store: objects }))
objectPartSuite('memory, copying from URLs', () => ({ store: copying, urlOf: urlFrom(copying) }))
objectPartSuite('memory, blocks', () => ({ store: blocks, urlOf: urlFrom(blocks) }))

const queue = memoryJobQueue({ clock })
const receive = async () => {
  const delivery = queue.receive()
  delivery?.acknowledge()
  return delivery?.message
}
const eventQueue = memoryJobQueue({ clock })
const events = {
  queue: eventQueue,
  tell: () => eventQueue.send({ kind: 'event', payload: {} }),
  bury: async () => {
    await events.tell()
    for (let died = false; !died; died = (await eventQueue.depth()).deadLetters > 0) eventQueue.receive()?.fail()
  },
}
jobQueueSuite('memory', () => ({ queue, receive, passTime, events }))
deliverySuite(
  'memory',
  'https://edge.test',
  (ownClock) => memoryDelivery({ clock: ownClock }),
  (url) => Number(url.searchParams.get('expires')),
)

telemetryPortSuite('memory', () => {
  const telemetry = memoryTelemetry()
  const kept = () => [
    ...telemetry.logs.map(({ error, ...log }) => `${JSON.stringify(log)} ${inspect(error)}`),
    ...telemetry.metrics.map((metric) => JSON.stringify(metric)),
  ]
  return { telemetry, kept }
})

clockSuite("the machine's", () => ({
  clock: systemClock,
  passTime: (ms) => new Promise((done) => setTimeout(done, ms)),
}))
clockSuite('memory', () => {
  const ownClock = memoryClock(Date.now())
  return { clock: ownClock, passTime: (ms) => ownClock.advance(ms) }
})
