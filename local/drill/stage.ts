import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { inspect, parseArgs, type ParseArgsConfig } from 'node:util'
import { sites } from '../../shared/domain/site.ts'
import { portBaseDefault } from '../supervisor/addresses.ts'
import { type Clouds, startClouds } from '../supervisor/clouds.ts'

/** What every drill may be told; its own options are added. */
export const stageOptions = {
  'port-base': { type: 'string', default: String(portBaseDefault + 100) },
  keep: { type: 'boolean', default: false },
  help: { type: 'boolean', short: 'h', default: false },
} as const

export const stageHelp = `  --port-base N      first of the ports (${stageOptions['port-base'].default})
  --keep             keep the data folder, with the logs`

/** Where a drill plays. */
export interface Stage {
  /** Of this run alone, and removed at its end. */
  readonly folder: string
  /** Starts both clouds on what lies in the folder; `env` is set on both hosts. They are stopped when the drill ends. */
  start(env?: Readonly<Record<string, string>>): Promise<Clouds>
}

type Options = NonNullable<ParseArgsConfig['options']> & typeof stageOptions
type Values<Given extends Options> = ReturnType<typeof parseArgs<{ options: Given }>>['values']

export interface Drill<Given extends Options> {
  readonly name: string
  readonly helpText: string
  readonly options: Given
  /** Whether every bar was met. */
  play(stage: Stage, values: Values<Given>): Promise<boolean>
}

/** npm passes a Ctrl-C on that the terminal has sent already: within this time both count as one. */
const samePressMs = 1_000

/** Progress and what people read: figures have the standard output for themselves. */
export const say = (line: string): void => void process.stderr.write(`${line}\n`)

/**
 * Plays a drill as a program and ends the process: 0 when every bar was met, 1 when one was missed, 2 when it broke, 130
 * when somebody interrupted it. Whichever it is, the clouds are stopped and the folder is removed before.
 */
export async function playDrill<const Given extends Options>(drill: Drill<Given>): Promise<never> {
  try {
    const { values } = parseArgs({ args: process.argv.slice(2), options: drill.options })
    const given = values as Readonly<{ help: boolean; keep: boolean; 'port-base': string }>
    if (given.help) {
      say(drill.helpText)
      process.exit(0)
    }
    const folder = await mkdtemp(join(tmpdir(), `catamaran-${drill.name}-`))
    const stage = stageIn(folder, { isKept: given.keep, portBase: Number(given['port-base']) })
    onInterrupt(stage)
    let code = 1
    try {
      code = (await drill.play(stage, values as Values<Given>)) ? 0 : 1
    } finally {
      await stage.end()
    }
    process.exit(code)
  } catch (error) {
    // A failed fetch says why only in its cause.
    say(inspect(error))
    process.exit(2)
  }
}

interface OpenStage extends Stage {
  /** Stops what runs, and tidies up. */
  end(): Promise<void>
  /** Kills what runs, at once. */
  abandon(): void
}

function stageIn(folder: string, options: { readonly isKept: boolean; readonly portBase: number }): OpenStage {
  const ended = new AbortController()
  let starting: Promise<Clouds> | undefined
  let abandon = (): void => undefined
  let ending: Promise<void> | undefined
  const end = async (): Promise<void> => {
    ended.abort(new Error('The drill is over.'))
    const clouds = await starting?.catch(() => undefined)
    // What stands still can be stopped only with force.
    for (const site of sites) clouds?.wakeSite(site)
    await clouds?.stop()
    if (options.isKept) say(`kept: ${folder}`)
    else await rm(folder, { recursive: true, force: true })
  }
  return {
    folder,
    start: (env = {}) => {
      const onAbandon = (kill: () => void): void => void (abandon = kill)
      const place = { dataFolder: join(folder, 'data'), portBase: options.portBase }
      starting = startClouds({ ...place, env, onAbandon, signal: ended.signal })
      return starting
    },
    end: () => (ending ??= end()),
    abandon: () => abandon(),
  }
}

function onInterrupt(stage: OpenStage): void {
  let firstMs: number | undefined
  const onSignal = (): void => {
    const nowMs = performance.now()
    if (firstMs === undefined) {
      firstMs = nowMs
      void stage.end().finally(() => process.exit(130))
    } else if (nowMs - firstMs > samePressMs) {
      stage.abandon()
      process.exit(130)
    }
  }
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(name, onSignal)
}
