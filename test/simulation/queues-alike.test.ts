import { isDeepStrictEqual } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import fc from 'fast-check'
import { azurePorts, storageConnectionString } from '../../local/azure/endpoints.ts'
import { startProcesses, type LocalProcesses } from '../contract/processes.ts'
import { fakeQueue, playQueue, queuePlans, shortPlans } from './alike-queues.ts'
import { memoryByHand, playByHand, receiveCommands, sqsByHand } from './alike-receives.ts'
import { alikeSeed, toldSeed } from './alike-seed.ts'
import { realQueue, startDrivenSqs, type DrivenSqs } from './alike-sqs.ts'
import { fakeFates, realFates, type Fates, type Given } from './alike-storage-queue.ts'
import type { Hosting } from './queue.ts'

/** The same plans for the simulator's queues and for the servers behind the real adapters: nobody can tell which is which. */
const seed = alikeSeed
const secondMs = 1_000
const hourMs = 3_600_000

/** Small enough that every plan comes to an end, and dead letters to theirs. */
const hosting: Hosting = {
  receivesMax: 3,
  hiddenMs: 30 * secondMs,
  retentionMs: 2 * hourMs,
  deadRetentionMs: hourMs,
  deadSince: 'sent',
  batchMax: 1,
  functionMs: 20 * secondMs,
}

describe('SQS and its event source mapping, in virtual time', () => {
  const plans = fc.sample(queuePlans, { numRuns: 8, seed })
  let sqs: DrivenSqs

  beforeAll(async () => {
    sqs = await startDrivenSqs()
  })
  afterAll(() => sqs.close())

  const isAsReal = toldSeed(async () => {
    for (const { commands, batchMax } of plans) {
      const real = await realQueue(sqs, { ...hosting, batchMax })
      const found = await playQueue(commands, real.make)
      await real.close()
      expect(await playQueue(commands, fakeQueue({ ...hosting, batchMax }))).toEqual(found)
    }
  })
  test('what is delivered when and with what, what dies, and how deep the queue is', isAsReal, 60_000)

  test.each<[string, (own: Hosting) => Partial<Hosting>]>([
    ['gives a message out once more', ({ receivesMax }) => ({ receivesMax: receivesMax + 1 })],
    ['hides a second longer', ({ hiddenMs }) => ({ hiddenMs: hiddenMs + secondMs })],
    ['hides from when the function failed', ({ hiddenMs }) => ({ host: { againMs: hiddenMs, renewMs: hourMs } })],
    ['makes larger batches', ({ batchMax }) => ({ batchMax: batchMax + 1 })],
    ['keeps dead letters longer', ({ deadRetentionMs }) => ({ deadRetentionMs: 2 * deadRetentionMs })],
    ['keeps dead letters from when they died', () => ({ deadSince: 'death' })],
  ])('a queue that %s is told apart', async (_, differently) => {
    const isTold = await someOf(queuePlans, async ({ commands, batchMax }) => {
      const own = { ...hosting, batchMax }
      const played = await playQueue(commands, fakeQueue({ ...own, ...differently(own) }))
      return !isDeepStrictEqual(played, await playQueue(commands, fakeQueue(own)))
    })
    expect(isTold).toBe(true)
  })

  const isByHandAsReal = toldSeed(async () => {
    for (const commands of fc.sample(receiveCommands, { numRuns: 10, seed })) {
      const real = await sqsByHand(sqs, hosting)
      expect(await playByHand(memoryByHand(hosting), commands)).toEqual(await playByHand(real, commands))
    }
  })
  test('what one receives, holds for too long, gives back and acknowledges by hand', isByHandAsReal, 60_000)
})

describe('Storage Queue and its trigger, in real time', () => {
  const plans = fc.sample(shortPlans, { numRuns: 8, seed })
  const own: Hosting = {
    ...hosting,
    receivesMax: 2,
    hiddenMs: 2 * secondMs,
    deadSince: 'death',
    host: { againMs: secondMs, renewMs: hourMs },
  }
  let azurite: LocalProcesses

  beforeAll(async () => {
    azurite = await startProcesses('local/azure/azurite.ts')
  }, 60_000)
  afterAll(() => azurite.close())

  const isAsReal = toldSeed(async () => {
    const { blob, queue } = azurePorts(azurite.portBase)
    const connection = storageConnectionString(blob, queue)
    const real = plans.map((plan, n) => realFates(plan, { hosting: own, connection, name: `alike-${n}` }))
    for (const [n, fates] of (await Promise.all(real)).entries()) {
      const fake = await fakeFates(plans[n] ?? [], own)
      expect(timeless(fake)).toEqual(timeless(fates))
      expect(tooEarly(fake, fates)).toEqual([])
    }
  })
  test('who is given what how often, what dies, and nothing before its time', isAsReal, 60_000)

  test.each<[string, Partial<Hosting>]>([
    ['gives a message out once more', { receivesMax: 3 }],
    ['hides a second longer', { hiddenMs: 3 * secondMs }],
    ['puts back what failed later', { host: { againMs: 2 * secondMs, renewMs: hourMs } }],
  ])('a queue that %s is told apart', async (_, differently) => {
    const isTold = await someOf(shortPlans, async (plan) => {
      const [fates, fake] = [await fakeFates(plan, own), await fakeFates(plan, { ...own, ...differently })]
      return !isDeepStrictEqual(timeless(fake), timeless(fates)) || tooEarly(fake, fates).length > 0
    })
    expect(isTold).toBe(true)
  })
})

/** Among more plans than are played in full: both sides of these are in memory. */
async function someOf<Plan>(plans: fc.Arbitrary<Plan>, holds: (plan: Plan) => Promise<boolean>): Promise<boolean> {
  for (const plan of fc.sample(plans, { numRuns: 200, seed })) if (await holds(plan)) return true
  return false
}

const timeless = ({ given, ...rest }: Fates) => ({
  ...rest,
  given: Object.fromEntries(
    Object.entries(given).map(([name, times]) => [name, times.map(({ receives, answer }) => `${answer} ${receives}`)]),
  ),
})

/** Real time runs on while virtual time stands still, so pauses are held side by side: none may be shorter. */
function tooEarly(fake: Fates, real: Fates): string[] {
  const pauses = (times: readonly Given[]): number[] => times.map(({ atMs }, n) => atMs - (times[n - 1]?.atMs ?? 0))
  return Object.entries(real.given).flatMap(([name, times]) => {
    const expected = pauses(fake.given[name] ?? [])
    // What came after the dead were sent once more has waited for whoever did that.
    const isAgain = (n: number): boolean => n > 0 && times[n]?.receives === 1
    return pauses(times).flatMap((ms, n) =>
      isAgain(n) || ms >= (expected[n] ?? 0) - slackMs ? [] : [`${name} came after ${ms} ms for time ${n + 1}`],
    )
  })
}

/** Clocks of two processes, and what is rounded. */
const slackMs = 100
