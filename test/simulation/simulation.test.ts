import { expect, test } from '@jest/globals'
import { simulate } from './run.ts'

test('fresh seeds hold every invariant', async () => {
  for (let seed = 1; seed <= 20; seed++) {
    const { broken } = await simulate(seed)
    expect({ seed, broken }).toEqual({ seed, broken: [] })
  }
}, 240_000)
