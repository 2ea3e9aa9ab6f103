/** `npm run drill:empty`: a site begins from nothing and is filled from the other; figures with their bars, a JSON object a line. */
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { printFigure } from '../bench/figures.ts'
import { isSite, peerOf, type Site } from '../shared/domain/site.ts'
import { lackingAt } from './drill/files.ts'
import { differencesIn, operate } from './drill/operate.ts'
import { fill, recordsOf } from './drill/refill.ts'
import { playDrill, say, stageHelp, type Stage, stageOptions } from './drill/stage.ts'
import { seedKey } from './seed.ts'
import { apiOf } from './tour/api.ts'
import { until } from './tour/until.ts'

const helpText = `npm run drill:empty -- [options]

  --site NAME        the one that begins from nothing: aws or azure (azure)
  --records N        written before that; a tenth of them is deleted again (500)
  --objects N        uploaded before that (20)
${stageHelp}`

const options = {
  ...stageOptions,
  site: { type: 'string', default: 'azure' },
  records: { type: 'string', default: '500' },
  objects: { type: 'string', default: '20' },
} as const

const secondsSince = (startMs: number): number => (performance.now() - startMs) / 1000

interface Setting {
  readonly empty: Site
  readonly records: number
  readonly objects: number
}

async function drill(stage: Stage, { empty, records, objects }: Setting): Promise<boolean> {
  const full = peerOf(empty)
  let clouds = await stage.start()
  const key = await seedKey(clouds)
  say(`${full} is filled …`)
  const content = await fill(apiOf(full, clouds.urls[full].api, key), join(stage.folder, 'files'), records, objects)
  await clouds.stop()
  await rm(join(stage.folder, 'data', empty), { recursive: true, force: true })
  say(`${empty} begins from nothing …`)
  const startMs = performance.now()
  // A site that begins empty beside one that knows it writes as another: see docs/operations.md.
  clouds = await stage.start({ SITE_INCARNATION: '1' })
  const servesS = secondsSince(startMs)
  const here = apiOf(full, clouds.urls[full].api, key)
  const there = apiOf(empty, clouds.urls[empty].api, key)
  const backfillMs = performance.now()
  await operate(here, 'backfill')
  const filledS = secondsSince(backfillMs)
  await until('the key accepted', async () => (await there.call('GET', '/v1/assets?limit=1')).status === 200)
  const found = await recordsOf(there)
  const lost = [...content.records].filter(([id, etag]) => found.get(id) !== etag)
  const risen = [...found.keys()].filter((id) => !content.records.has(id))
  const lacking = await lackingAt(there, clouds.urls[empty].edge, content.objects)
  const differences = differencesIn(await operate(here, 'verify'))
  const none = { atMost: 0 }
  return [
    { name: `records that ${empty} lacks, of ${content.records.size}`, value: lost.length, unit: 'records', bar: none },
    { name: `deleted records that are back at ${empty}`, value: risen.length, unit: 'records', bar: none },
    { name: `objects that ${empty} lacks, of ${objects}`, value: lacking.length, unit: 'objects', bar: none },
    { name: 'differences that a verify finds', value: differences, unit: 'differences', bar: none },
    { name: `until both serve, ${empty} from nothing`, value: servesS, unit: 's' },
    { name: `backfill of ${empty}`, value: filledS, unit: 's' },
  ]
    .map(printFigure)
    .every(Boolean)
}

await playDrill({
  name: 'empty',
  helpText,
  options,
  play: (stage, { site, records, objects }) => {
    if (!isSite(site)) throw new Error(`--site is aws or azure, not ${site}`)
    return drill(stage, { empty: site, records: Number(records), objects: Number(objects) })
  },
})
