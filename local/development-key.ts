import { developmentTenant, keyLines, seedKey, type SeedOptions } from './seed.ts'
import type { Clouds } from './supervisor/clouds.ts'
import type { Print } from './tour/progress.ts'

export interface ShowKeyOptions extends SeedOptions {
  readonly print: Print
  /** Whoever starts the clouds for one errand wants to know that it failed. */
  readonly once: boolean
}

/**
 * Prints the development key once both sites accept it. When they do not, says so and leaves the clouds up: a site that
 * was wiped learns the key from a backfill, which runs in them. With `once` that is an error; an abort never is.
 */
export async function printKey(clouds: Clouds, options: ShowKeyOptions): Promise<true> {
  const { print, once, signal } = options
  try {
    for (const line of keyLines(clouds, await seedKey(clouds, developmentTenant, options))) print(line)
  } catch (error) {
    if (signal?.aborted) return true
    if (once) throw error
    print(`The development key does not work yet: ${(error as Error).message}`)
    print('The clouds stay up. A site that was wiped learns its keys from the other one: begin a backfill there,')
    print('npm run operate -- backfill --site aws (or azure) --follow')
  }
  return true
}
