import { setFlagsFromString } from 'node:v8'
import { digestBuckets } from '../shared/core/digest-tree.ts'
import { bucketCount } from '../shared/domain/record.ts'
import { sites as siteNames } from '../shared/domain/site.ts'
import { memoryRecordStore } from '../test/memory/record-store.ts'
import { memorySiteStore } from '../test/memory/site-store.ts'
import { bench } from './bench.ts'
import { type Figure, printFigure } from './figures.ts'
import { bucketSizes, storedStates } from './reconcile/fill.ts'
import { editScattered, measureRun, type Run, settle } from './reconcile/runs.ts'
import { benchObjects } from './reconcile/objects.ts'
import { realStores } from './reconcile/real.ts'
import { type BenchSites, benchSites } from './reconcile/sites.ts'

/** Both sites' records are in this process. */
const heapMiB = 12_000
const scrubBuckets = 16

const bars: Readonly<Record<number, number>> = { 0: 350, 100: 150_000, 1_000: 500_000 }

type Print = (figure: Figure) => void

export const reconcileBench = bench(
  'What a reconcile costs: bytes on the wire, records read, seconds; in memory unless told.',
  {
    records: { type: 'string', default: '1000000', value: 'N', about: 'records a side' },
    objects: { type: 'string', default: '5000', value: 'N', about: 'assets' },
    real: { type: 'boolean', default: false, about: 'over the local DynamoDB and Cosmos DB instead' },
    'real-records': { type: 'string', default: '50000', value: 'N', about: 'records a side of those' },
  },
  measureReconcile,
)

interface Wishes {
  readonly records: string
  readonly objects: string
  readonly real: boolean
  readonly 'real-records': string
}

async function measureReconcile(values: Wishes): Promise<boolean> {
  setFlagsFromString(`--max-old-space-size=${heapMiB}`)
  let met = true
  const print: Print = (figure) => {
    met = printFigure(figure) && met
  }
  if (values.real) await benchReal(Number(values['real-records']), print)
  else {
    await benchObjects(Number(values.objects), print)
    await benchMemory(Number(values.records), print)
  }
  return met
}

async function benchMemory(count: number, print: Print): Promise<void> {
  const sites = await benchSites((site, clock) => {
    const records = memoryRecordStore()
    records.load(storedStates(site, count))
    return { records, siteStore: memorySiteStore({ clock }) }
  })
  try {
    await benchSet(sites, count, `${count} records a side`, print)
  } finally {
    await sites.close()
  }
}

async function benchReal(count: number, print: Print): Promise<void> {
  const real = await realStores(count)
  try {
    const sites = await benchSites((site) => real.stores[site])
    try {
      await benchSet(sites, count, `DynamoDB Local and Cosmos DB, ${count} records a side`, print)
    } finally {
      await sites.close()
    }
  } finally {
    await real.close()
  }
}

/** Every measurement over one set of records, the same at both sites. */
async function benchSet(sites: BenchSites, count: number, name: string, print: Print): Promise<void> {
  const began = performance.now()
  const buckets = Array.from({ length: bucketCount }, (_, bucket) => bucket)
  for (const site of siteNames) await digestBuckets(sites[site].services, buckets)
  print({ name: `${name}: both digest trees built`, value: (performance.now() - began) / 1000, unit: 's' })
  // Connections and code are warm, as they are a minute after the last run.
  for (const site of siteNames) await measureRun(sites, site)
  await benchNothing(sites, count, name, print)
  for (const differences of [100, 1_000]) {
    await editScattered(sites, differences, count)
    printRun(`${name}, ${differences} differ, pushed`, await measureRun(sites, 'aws'), differences, print)
    await settle(sites)
    await editScattered(sites, differences, count)
    printRun(`${name}, ${differences} differ, pulled`, await measureRun(sites, 'azure'), differences, print)
    await settle(sites)
  }
}

async function benchNothing(sites: BenchSites, count: number, name: string, print: Print): Promise<void> {
  const start = scrubBuckets
  const share = bucketSizes(count)
    .subarray(start, start + scrubBuckets)
    .reduce((sum, size) => sum + size, 0)
  const run = await measureRun(sites, 'aws')
  if (!run.report.clean) throw new Error('The sites differ before anything was written.')
  printRun(`${name}, nothing differs`, run, 0, print)
  const beyond = run.entries - share + run.records
  print({ name: `${name}, nothing differs: read beyond the scrub`, value: beyond, unit: 'records', bar: { atMost: 0 } })
}

function printRun(name: string, run: Run, differences: number, print: Print): void {
  const { report, traffic } = run
  const moved = report.pushed + report.pulled
  if (moved !== differences) throw new Error(`${name}: ${moved} states were moved.`)
  const bar = bars[differences]
  print({
    name: `${name}: bodies`,
    value: traffic.bodyBytes,
    unit: 'bytes',
    ...(bar === undefined ? {} : { bar: { atMost: bar } }),
  })
  print({ name: `${name}: headers`, value: traffic.headerBytes, unit: 'bytes' })
  print({ name: `${name}: calls`, value: traffic.calls, unit: 'requests' })
  print({ name: `${name}: buckets read again`, value: report.bucketsRead, unit: 'buckets' })
  print({ name: `${name}: keys and vectors read`, value: run.entries, unit: 'records' })
  print({ name: `${name}: records read`, value: run.records, unit: 'records' })
  print({ name: `${name}: time`, value: run.seconds, unit: 's' })
  print({ name: `${name}: memory grown by`, value: run.growthMiB, unit: 'MiB' })
}
