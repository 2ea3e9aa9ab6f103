/** `npm run drill`: a site is lost under load and returns; figures with their bars, one JSON object a line. */
import type { parseArgs } from 'node:util'
import { printFigure, quantile } from '../bench/figures.ts'
import { sites } from '../shared/domain/site.ts'
import { figuresOf, slowestCallMsBar, slowestMs } from './drill/report.ts'
import { faults, type Round, runRound } from './drill/round.ts'
import { playDrill, say, stageHelp, stageOptions } from './drill/stage.ts'
import { seedKey } from './seed.ts'
import type { Clouds } from './supervisor/clouds.ts'

const helpText = `npm run drill -- [options]

  --site NAME        lose this one alone: aws or azure
  --fault NAME       lose it this way alone: kill (every process dies) or hang (they stand still)
  --rounds N         every one of them N times (1)
  --away-seconds N   how long it stays away (15)
  --calm-seconds N   load before the loss, and after the return (5)
  --workers N        clients, half of which prefer aws (6)
${stageHelp}`

const options = {
  ...stageOptions,
  site: { type: 'string' },
  fault: { type: 'string' },
  rounds: { type: 'string', default: '1' },
  'away-seconds': { type: 'string', default: '15' },
  'calm-seconds': { type: 'string', default: '5' },
  workers: { type: 'string', default: '6' },
} as const

type Values = ReturnType<typeof parseArgs<{ options: typeof options }>>['values']

const failuresShownMax = 5

async function drill(clouds: Clouds, values: Values): Promise<boolean> {
  const key = await seedKey(clouds)
  const slowest: number[] = []
  let met = true
  for (let turn = 0; turn < Number(values.rounds); turn++) {
    for (const fault of faults.filter((each) => values.fault === undefined || each === values.fault)) {
      for (const site of sites.filter((each) => values.site === undefined || each === values.site)) {
        say(`${fault} ${site} …`)
        const round = await runRound(clouds, {
          site,
          fault,
          key,
          workers: Number(values.workers),
          calmMs: Number(values['calm-seconds']) * 1000,
          awayMs: Number(values['away-seconds']) * 1000,
          run: `${fault}-${site}-${turn}`,
        })
        slowest.push(slowestMs(round))
        for (const figure of figuresOf(site, fault, clouds.urls[site].api, round)) met = printFigure(figure) && met
        sayFailures(round)
      }
    }
  }
  const bar = { atMost: slowestCallMsBar }
  return (
    printFigure({ name: 'p95 of the slowest call of a round', value: quantile(slowest, 0.95), unit: 'ms', bar }) && met
  )
}

function sayFailures({ ledger, verdict }: Round): void {
  const failures = ledger.calls.flatMap(({ failure }) => failure ?? [])
  for (const failure of failures.slice(0, failuresShownMax)) say(`  failed: ${failure}`)
  for (const name of verdict.lost.slice(0, failuresShownMax)) say(`  lost: ${name}`)
  for (const name of verdict.doubled.slice(0, failuresShownMax)) say(`  doubled: ${name}`)
}

await playDrill({
  name: 'drill',
  helpText,
  options,
  play: async (stage, values) => drill(await stage.start(), values),
})
