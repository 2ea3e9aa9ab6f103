/** `npm run drill:restore`: a site is lost and goes back to an old backup; figures with their bars, a JSON object a line. */
import { join } from 'node:path'
import { type Figure, printFigure } from '../bench/figures.ts'
import { isSite } from '../shared/domain/site.ts'
import { type Extent, extents } from './drill/backup.ts'
import { startReceiver } from './drill/receiver.ts'
import { repairFigures, restoreFigures, sayRepairFailures, sayRestoreFailures } from './drill/restore-report.ts'
import { repair, restore } from './drill/restore.ts'
import { playDrill, stageHelp, stageOptions } from './drill/stage.ts'

const helpText = `npm run drill:restore -- [options]

  --site NAME        the one that goes back: aws or azure (aws)
  --extent NAME      what of it goes back: tables, as docs/operations.md asks, or everything (tables)
  --records N        records, whose stories differ (170)
  --forget-number    leave SITE_INCARNATION as it was: then writes are lost, and the drill must say so
${stageHelp}`

const options = {
  ...stageOptions,
  site: { type: 'string', default: 'aws' },
  extent: { type: 'string', default: 'tables' },
  records: { type: 'string', default: '170' },
  'forget-number': { type: 'boolean', default: false },
} as const

const isExtent = (name: string): name is Extent => (extents as readonly string[]).includes(name)

await playDrill({
  name: 'restore',
  helpText,
  options,
  play: async (stage, { site, extent, records, ...values }) => {
    if (!isSite(site)) throw new Error(`--site is aws or azure, not ${site}`)
    if (!isExtent(extent)) throw new Error(`--extent is ${extents.join(' or ')}, not ${extent}`)
    const printAll = (figures: readonly Figure[]): boolean =>
      figures
        .map((figure) => printFigure({ ...figure, name: `${site} back to its ${extent}: ${figure.name}` }))
        .every(Boolean)
    const setting = { site, extent, records: Number(records), files: join(stage.folder, 'files') }
    await using receiver = await startReceiver()
    const restored = await restore(stage, { ...setting, incarnation: values['forget-number'] ? 0 : 1 }, receiver)
    sayRestoreFailures(restored)
    const isRestored = printAll(restoreFigures(restored))
    const repaired = await repair(restored, receiver)
    sayRepairFailures(repaired)
    return printAll(repairFigures(repaired)) && isRestored
  },
})
