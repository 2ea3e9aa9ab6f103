import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { build } from '../scripts/build.ts'
import { type Site, sites } from '../shared/domain/site.ts'
import { throughBoth, writeSparse } from '../test/e2e/large-file.ts'
import { watchMemory } from '../test/e2e/memory-watch.ts'
import { type Pair, startPair } from '../test/e2e/pair.ts'
import { bench } from './bench.ts'
import { printFigure } from './figures.ts'

/** What any one process may grow by, whatever the size of the file. */
const grownMiBMax = 220
/** No local server is as slow as this. */
const leastBytesPerMs = 5_000

export const uploadBench = bench(
  `One large file through each site: by signed parts straight into its store, pulled over by the other, and read back there
  through its edge. Every byte has to come back, and no process may grow with the file.`,
  {
    gib: { type: 'string', default: '5', value: 'N', about: 'GiB that it has' },
    site: { type: 'string', value: 'NAME', about: 'through this one alone: aws or azure' },
  },
  measureUpload,
)

async function measureUpload({ gib, site }: { readonly gib: string; readonly site?: string }): Promise<boolean> {
  const froms = sites.filter((each) => site === undefined || each === site)
  if (froms.length === 0) throw new RangeError(`--site is aws or azure, not ${site}`)
  await build()
  const pair = await startPair()
  try {
    let met = true
    for (const from of froms) met = (await benchFrom(pair, from, Number(gib))) && met
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
