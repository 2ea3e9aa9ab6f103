import { expect, test } from '@jest/globals'
import { availableParallelism } from 'node:os'
import { readCorpus } from './corpus.ts'
import type { RunResult } from './run.ts'
import { runAll, startWorker, type Order } from './workers.ts'

/** Other seeds every time, so that every run of the suite looks where none has looked before. */
const from = Number(process.env['SIMULATION_FROM'] ?? Math.floor(Math.random() * 2 ** 31))
const seeds = Number(process.env['SIMULATION_SEEDS'] ?? 1_000)
const workers = Math.max(2, Math.min(4, availableParallelism()))
const hourMs = 3_600_000

test('what failed once holds', async () => {
  const broken: string[] = []
  await runAll(readCorpus(), workers, ({ seed, broken: found }) => {
    broken.push(...found.map((fault) => `seed ${seed} of the corpus: ${fault}`))
    return true
  })
  expect(broken).toEqual([])
}, 120_000)

test(
  `${seeds} seeds hold every invariant`,
  async () => {
    process.stdout.write(`seeds from SIMULATION_FROM=${from}\n`)
    const broken: string[] = []
    let done = 0
    await runAll(fresh(), workers, (result) => {
      done++
      broken.push(...faultsOf(result))
      return broken.length === 0
    })
    expect(broken).toEqual([])
    expect(done).toBe(seeds)
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

test('a run that does not come to an end has failed, and the next goes on', async () => {
  const worker = startWorker(undefined, 1)
  try {
    for (const seed of [from, from + 1]) {
      expect(await worker.run({ seed })).toMatchObject({ seed, broken: ['0: no end after 1 ms'] })
    }
  } finally {
    worker.stop()
  }
})

function* fresh(): Generator<Order> {
  for (let seed = from; seed < from + seeds; seed++) yield { seed }
}

/** With the command that runs it once more, makes it small and keeps it in the corpus. */
const faultsOf = ({ seed, broken }: RunResult): string[] =>
  broken.map((fault) => `npm run simulate -- --seeds 1 --from ${seed}: ${fault}`)
