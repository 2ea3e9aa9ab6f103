import { expect, test } from '@jest/globals'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { throughBoth, type Times, writeSparse } from '../large-file.ts'
import { watchMemory } from '../memory-watch.ts'
import { type Pair, unique } from '../pair.ts'

const bytes = 2 ** 30
/**
 * What a process may take on top of what it had before: less than half of the file, so that no process can hold it. An instance
 * that has just started may still do what tests before have left, and the largest of those jobs take some 280 MiB by themselves.
 */
const growthBytesMax = 400 * 2 ** 20

export function largeSuite(pair: () => Pair): void {
  test('a file of 1 GiB goes in by parts, over to the other cloud and out again at flat memory', async () => {
    const path = join(pair().folder, unique('large'))
    await writeSparse(path, bytes)
    const watch = watchMemory(pair().clouds)
    let times: Times
    try {
      times = await throughBoth(pair(), 'aws', { path, bytes }, 150_000)
    } finally {
      watch.stop()
      await rm(path)
    }
    const { peakMiB, grownMiB } = watch.growth()
    process.stdout.write(`${JSON.stringify({ name: 'one-gib', ...times, peakMiB, grownMiB })}\n`)
    for (const [name, grown] of Object.entries(grownMiB)) {
      expect([name, grown * 2 ** 20 < growthBytesMax, grown]).toEqual([name, true, grown])
    }
  }, 300_000)
}
