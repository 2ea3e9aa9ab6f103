import { randomInt } from 'node:crypto'

/** Another one in each run; ALIKE_SEED plays one again that was told of when a comparison failed. */
export const alikeSeed = Number(process.env.ALIKE_SEED ?? randomInt(2 ** 31 - 1))

/** What an act throws comes with the seed to play it again. */
export function toldSeed(act: () => Promise<void>): () => Promise<void> {
  return async () => {
    try {
      await act()
    } catch (error) {
      throw new Error(`To play it again: ALIKE_SEED=${alikeSeed}`, { cause: error })
    }
  }
}
