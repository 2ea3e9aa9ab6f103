/** `npm run drill`: a site is lost under load and returns; figures with their bars, one JSON object a line. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { printFigure, quantile } from '../bench/figures.ts'
import { sites } from '../shared/domain/site.ts'
import { figuresOf, slowestCallMsBar, slowestMs } from './drill/report.ts'
import { faults, type Round, runRound } from './drill/round.ts'
import { seedKey } from './seed.ts'
import { portBaseDefault } from './supervisor/addresses.ts'
import { type Clouds, startClouds } from './supervisor/clouds.ts'

const helpText = `npm run drill -- [options]

  --site NAME        lose this one alone: aws or azure
  --fault NAME       lose it this way alone: kill (every process dies) or hang (they stand still)
  --rounds N         every one of them N times (1)
  --away-seconds N   how long it stays away (15)
  --calm-seconds N   load before the loss, and after the return (5)
  --workers N        clients, half of which prefer aws (6)
  --port-base N      first of the ports (${portBaseDefault + 100})
  --keep             keep the data folder, with the logs`

const options = {
  site: { type: 'string' },
  fault: { type: 'string' },
  rounds: { type: 'string', default: '1' },
  'away-seconds': { type: 'string', default: '15' },
  'calm-seconds': { type: 'string', default: '5' },
  workers: { type: 'string', default: '6' },
  'port-base': { type: 'string', default: String(portBaseDefault + 100) },
  keep: { type: 'boolean', default: false },
  help: { type: 'boolean', short: 'h', default: false },
} as const

type Values = ReturnType<typeof parse>
const parse = (args: string[]) => parseArgs({ args, options }).values

const say = (line: string): void => void process.stderr.write(`${line}\n`)
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

async function run(): Promise<number> {
  const values = parse(process.argv.slice(2))
  if (values.help) {
    say(helpText)
    return 0
  }
  const folder = await mkdtemp(join(tmpdir(), 'catamaran-drill-'))
  let clouds: Clouds | undefined
  const stop = async (): Promise<void> => {
    for (const site of sites) clouds?.wakeSite(site)
    await clouds?.stop()
    if (values.keep) say(`kept: ${folder}`)
    else await rm(folder, { recursive: true, force: true })
  }
  const onSignal = (): void => void stop().then(() => process.exit(130))
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(name, onSignal)
  try {
    clouds = await startClouds({ dataFolder: join(folder, 'data'), portBase: Number(values['port-base']) })
    return (await drill(clouds, values)) ? 0 : 1
  } finally {
    await stop()
  }
}

try {
  process.exit(await run())
} catch (error) {
  say((error as Error).stack ?? String(error))
  process.exit(2)
}
