/** `npm run drill:empty`: a site begins from nothing and is filled from the other; figures with their bars, a JSON object a line. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { printFigure } from '../bench/figures.ts'
import { isSite, type Site } from '../shared/domain/site.ts'
import { fill, lackingAt, operate, recordsOf } from './drill/refill.ts'
import { seedKey } from './seed.ts'
import { portBaseDefault } from './supervisor/addresses.ts'
import { type Clouds, startClouds } from './supervisor/clouds.ts'
import { apiOf } from './tour/api.ts'
import { until } from './tour/until.ts'

const helpText = `npm run drill:empty -- [options]

  --site NAME      the one that begins from nothing: aws or azure (azure)
  --records N      written before that; a tenth of them is deleted again (500)
  --objects N      uploaded before that (20)
  --port-base N    first of the ports (${portBaseDefault + 100})`

const options = {
  site: { type: 'string', default: 'azure' },
  records: { type: 'string', default: '500' },
  objects: { type: 'string', default: '20' },
  'port-base': { type: 'string', default: String(portBaseDefault + 100) },
  help: { type: 'boolean', short: 'h', default: false },
} as const

const say = (line: string): void => void process.stderr.write(`${line}\n`)
const secondsSince = (startMs: number): number => (performance.now() - startMs) / 1000

interface Setting {
  readonly empty: Site
  readonly folder: string
  readonly records: number
  readonly objects: number
  /** Starts both clouds on what the data folder holds. */
  readonly start: (incarnation: number) => Promise<Clouds>
}

async function drill({ empty, folder, records, objects, start }: Setting): Promise<boolean> {
  const full = empty === 'aws' ? 'azure' : 'aws'
  let clouds = await start(0)
  try {
    const key = await seedKey(clouds)
    say(`${full} is filled …`)
    const content = await fill(apiOf(full, clouds.urls[full].api, key), join(folder, 'files'), records, objects)
    await clouds.stop()
    await rm(join(folder, 'data', empty), { recursive: true, force: true })
    say(`${empty} begins from nothing …`)
    const startMs = performance.now()
    // A site that begins empty beside one that knows it writes as another: see docs/operations.md.
    clouds = await start(1)
    const servesS = secondsSince(startMs)
    const [here, there] = [full, empty].map((site) => apiOf(site as Site, clouds.urls[site as Site].api, key))
    if (!here || !there) return false
    const backfillMs = performance.now()
    await operate(here, 'backfill')
    const filledS = secondsSince(backfillMs)
    await until('the key accepted', async () => (await there.call('GET', '/v1/assets?limit=1')).status === 200)
    const found = await recordsOf(there)
    const lost = [...content.records].filter(([id, etag]) => found.get(id) !== etag)
    const risen = [...found.keys()].filter((id) => !content.records.has(id))
    const lacking = await lackingAt(there, clouds.urls[empty].edge, content.objects)
    const differences = Object.values(await operate(here, 'verify')).reduce((sum, count) => sum + count, 0)
    const none = { atMost: 0 }
    return [
      {
        name: `records that ${empty} lacks, of ${content.records.size}`,
        value: lost.length,
        unit: 'records',
        bar: none,
      },
      { name: `deleted records that are back at ${empty}`, value: risen.length, unit: 'records', bar: none },
      { name: `objects that ${empty} lacks, of ${objects}`, value: lacking.length, unit: 'objects', bar: none },
      { name: 'differences that a verify finds', value: differences, unit: 'differences', bar: none },
      { name: `until both serve, ${empty} from nothing`, value: servesS, unit: 's' },
      { name: `backfill of ${empty}`, value: filledS, unit: 's' },
    ]
      .map(printFigure)
      .every(Boolean)
  } finally {
    await clouds.stop()
  }
}

async function run(): Promise<number> {
  const { values } = parseArgs({ args: process.argv.slice(2), options })
  if (values.help) {
    say(helpText)
    return 0
  }
  if (!isSite(values.site)) throw new Error(`--site is aws or azure, not ${values.site}`)
  const folder = await mkdtemp(join(tmpdir(), 'catamaran-empty-'))
  const portBase = Number(values['port-base'])
  const start = (incarnation: number): Promise<Clouds> =>
    startClouds({ dataFolder: join(folder, 'data'), portBase, env: { SITE_INCARNATION: String(incarnation) } })
  try {
    const setting = {
      empty: values.site,
      folder,
      records: Number(values.records),
      objects: Number(values.objects),
      start,
    }
    return (await drill(setting)) ? 0 : 1
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

try {
  process.exit(await run())
} catch (error) {
  say((error as Error).stack ?? String(error))
  process.exit(2)
}
