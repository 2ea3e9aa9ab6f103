import { isDeepStrictEqual } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import fc from 'fast-check'
import { azurePorts, storageConnectionString } from '../../local/azure/endpoints.ts'
import { startProcesses, type LocalProcesses } from '../contract/processes.ts'
import { fakeQueue, type Played, playQueue, queuePlans, shortPlans } from './alike-queues.ts'
import { memoryByHand, playByHand, receiveCommands, sqsByHand } from './alike-receives.ts'
import { realQueue, startDrivenSqs, type DrivenSqs } from './alike-sqs.ts'
import { fakeFates, realFates, type Fates, type Given } from './alike-storage-queue.ts'
import type { Hosting } from './queue.ts'

/** The same plans for the simulator's queues and for the servers behind the real adapters: nobody can tell which is which. */
const seed = 20_260_101
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
  const found: Played[] = []
  let sqs: DrivenSqs

  beforeAll(async () => {
    sqs = await startDrivenSqs()
  })
  afterAll(() => sqs.close())

  test('what is delivered when and with what, what dies, and how deep the queue is', async () => {
    for (const { commands, batchMax } of plans) {
      const real = await realQueue(sqs, { ...hosting, batchMax })
      found.push(await playQueue(commands, real.make))
      await real.close()
    }
    for (const [n, { commands, batchMax }] of plans.entries()) {
      expect(await playQueue(commands, fakeQueue({ ...hosting, batchMax }))).toEqual(found[n])
    }
  }, 60_000)

  test.each<[string, (own: Hosting) => Partial<Hosting>]>([
    ['gives a message out once more', ({ receivesMax }) => ({ receivesMax: receivesMax + 1 })],
    ['hides a second longer', ({ hiddenMs }) => ({ hiddenMs: hiddenMs + secondMs })],
    ['hides from when the function failed', ({ hiddenMs }) => ({ host: { againMs: hiddenMs, renewMs: hourMs } })],
    ['makes larger batches', ({ batchMax }) => ({ batchMax: batchMax + 1 })],
    ['keeps dead letters longer', ({ deadRetentionMs }) => ({ deadRetentionMs: 2 * deadRetentionMs })],
    ['keeps dead letters from when they died', () => ({ deadSince: 'death' })],
  ])('a queue that %s is told apart', async (_, differently) => {
    const isTold = await Promise.all(
      plans.map(async ({ commands, batchMax }, n) => {
        const own = { ...hosting, batchMax }
        const played = await playQueue(commands, fakeQueue({ ...own, ...differently(own) }))
        return !isDeepStrictEqual(played, found[n])
      }),
    )
    expect(isTold).toContain(true)
  })

  test('what one receives, holds for too long, gives back and acknowledges by hand', async () => {
    for (const commands of fc.sample(receiveCommands, { numRuns: 10, seed })) {
      const real = await sqsByHand(sqs, hosting)
      expect(await playByHand(memoryByHand(hosting), commands)).toEqual(await playByHand(real, commands))
    }
  }, 60_000)
})

describe('Storage Queue and its trigger, in real time', () => {
  const plans = fc.sample(shortPlans, { numRuns: 8, seed })
  const found: Fates[] = []
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

  test('who is given what how often, what dies, and nothing before its time', async () => {
    const { blob, queue } = azurePorts(azurite.portBase)
    const connection = storageConnectionString(blob, queue)
    const real = plans.map((plan, n) => realFates(plan, { hosting: own, connection, name: `alike-${n}` }))
    found.push(...(await Promise.all(real)))
    for (const [n, fates] of found.entries()) {
      const fake = await fakeFates(plans[n] ?? [], own)
      expect(timeless(fake)).toEqual(timeless(fates))
      expect(tooEarly(fake, fates)).toEqual([])
    }
  }, 60_000)

  test.each<[string, Partial<Hosting>]>([
    ['gives a message out once more', { receivesMax: 3 }],
    ['hides a second longer', { hiddenMs: 3 * secondMs }],
    ['puts back what failed later', { host: { againMs: 2 * secondMs, renewMs: hourMs } }],
  ])('a queue that %s is told apart', async (_, differently) => {
    const isTold = await Promise.all(
      found.map(async (fates, n) => {
        const fake = await fakeFates(plans[n] ?? [], { ...own, ...differently })
        return !isDeepStrictEqual(timeless(fake), timeless(fates)) || tooEarly(fake, fates).length > 0
      }),
    )
    expect(isTold).toContain(true)
  })
})

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
