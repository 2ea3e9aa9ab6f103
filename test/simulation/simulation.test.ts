import { expect, test } from '@jest/globals'
import { readCorpus } from './corpus.ts'
import type { RunResult } from './run.ts'
import { runAll, startWorker, type Order } from './workers.ts'

/** The same seeds every time, so that the same code gives the same answer; `npm run simulate -- --seeds N` hunts in fresh ones. */
const from = Number(process.env['SIMULATION_FROM'] ?? 1)
const asked = process.env['SIMULATION_SEEDS']
const seeds = Number(asked ?? 300)
/** As many as go into this time, unless a number was asked for. */
const budgetMs = asked === undefined ? 40_000 : Number.POSITIVE_INFINITY
const seedsMin = 20
const hourMs = 3_600_000

test('what failed once holds', async () => {
  const broken: string[] = []
  await runAll(readCorpus(), 2, (result) => {
    broken.push(...faultsOf(result))
    return true
  })
  expect(broken).toEqual([])
}, 120_000)

test(
  `seeds from ${from} on hold every invariant`,
  async () => {
    const startMs = performance.now()
    const broken: string[] = []
    let done = 0
    await runAll(fresh(), 2, (result) => {
      done++
      broken.push(...faultsOf(result))
      return broken.length === 0 && (performance.now() - startMs < budgetMs || done < seedsMin)
    })
    expect(broken).toEqual([])
    expect(done).toBeGreaterThanOrEqual(Math.min(seeds, seedsMin))
  },
  8 * hourMs,
)

test('the same seed takes the same way, in another process too', async () => {
  const [one, other] = [startWorker(), startWorker()]
  try {
    for (let seed = from; seed < from + 3; seed++) {
      const [first, second] = await Promise.all([one.run({ seed }), other.run({ seed })])
      expect(second).toEqual(first)
    }
    const [here, there] = await Promise.all([one.run({ seed: from }), other.run({ seed: from + 1 })])
    expect(here.digest).not.toBe(there.digest)
  } finally {
    one.stop()
    other.stop()
  }
}, 120_000)

function* fresh(): Generator<Order> {
  for (let seed = from; seed < from + seeds; seed++) yield { seed }
}

const faultsOf = ({ seed, broken }: RunResult): string[] =>
  broken.map((fault) => `npm run simulate -- --seed ${seed}: ${fault}`)
