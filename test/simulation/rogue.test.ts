import { expect, test } from '@jest/globals'
import { underAttack } from './profile.ts'
import { runAll } from './workers.ts'

const seeds = 6

test('a site that has gone mad destroys no more than the limit an hour, and all of it comes back', async () => {
  const broken: string[] = []
  const orders = Array.from({ length: 2 * seeds }, (_, index) => ({
    seed: 1 + Math.floor(index / 2),
    override: underAttack(index % 2 === 0 ? 'deletes' : 'overwrites'),
  }))
  await runAll(orders, 2, ({ seed, profile, broken: faults }) => {
    broken.push(...faults.map((fault) => `seed ${seed} ${profile.rogue}: ${fault}`))
    return true
  })
  expect(broken).toEqual([])
}, 120_000)
