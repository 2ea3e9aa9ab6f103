import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { build } from '../scripts/build.ts'
import { type Site, sites } from '../shared/domain/site.ts'
import { throughBoth, writeSparse } from '../test/e2e/large-file.ts'
import { watchMemory } from '../test/e2e/memory-watch.ts'
import { type Pair, startPair } from '../test/e2e/pair.ts'
import { printFigure } from './figures.ts'

/** What any one process may grow by, whatever the size of the file. */
const grownMiBMax = 220
/** No local server is as slow as this. */
const leastBytesPerMs = 5_000

/**
 * One large file (`--gib N`, 5 by default) through each site: by signed parts straight into its store, pulled over by the
 * other, and read back there through its edge. True when every byte came back and no process grew with the file.
 */
export async function benchUpload(args: readonly string[]): Promise<boolean> {
  const { values } = parseArgs({ args: [...args], options: { gib: { type: 'string', default: '5' } } })
  await build()
  const pair = await startPair()
  try {
    let met = true
    for (const site of sites) met = (await benchFrom(pair, site, Number(values.gib))) && met
    return met
  } finally {
    await pair.stop()
  }
}

async function benchFrom(pair: Pair, from: Site, gib: number): Promise<boolean> {
  const file = { path: join(pair.folder, `from-${from}`), bytes: Math.round(gib * 2 ** 30) }
  await writeSparse(file.path, file.bytes)
  const watch = watchMemory(pair.clouds)
  const name = `${gib} GiB in at ${from}`
  try {
    const times = await throughBoth(pair, from, file, Math.ceil(file.bytes / leastBytesPerMs))
    printFigure({ name: `${name}, sent`, value: times.sentS, unit: 's' })
    printFigure({ name: `${name}, ready at both`, value: times.readyAtBothS, unit: 's' })
    printFigure({ name: `${name}, read back from the other`, value: times.readBackS, unit: 's' })
  } finally {
    watch.stop()
    await rm(file.path)
  }
  const grown = Object.entries(watch.growth().grownMiB)
  return grown
    .map(([process, value]) =>
      printFigure({ name: `${name}, ${process} grew by`, value, unit: 'MiB', bar: { atMost: grownMiBMax } }),
    )
    .every(Boolean)
}
