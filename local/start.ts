/** `npm start`: both clouds on this machine, then the tour. `npm start -- --help` lists the options. */
import type { ShowKeyOptions } from './development-key.ts'
import { signInAt, startIssuer } from './issuer/server.ts'
import { issuerPortFrom } from './supervisor/addresses.ts'
import type { ChildEvent } from './supervisor/child.ts'
import { type BuildEvent, type Clouds, startClouds } from './supervisor/clouds.ts'
import { helpText, readOptions, type StartOptions } from './supervisor/options.ts'

/** npm passes a Ctrl-C on that the terminal has sent already: within this time both count as one. */
const samePressMs = 1_000

const print = (line: string): void => void process.stdout.write(`${line}\n`)

const seconds = (millis: number): string => `${(millis / 1000).toFixed(1)} s`

function printEvent(event: ChildEvent | BuildEvent): void {
  if (event.kind === 'built') print(`bundles that deploy … built ${seconds(event.millis)}`)
  if (event.kind === 'starting') print(`${event.name} … starting`)
  if (event.kind === 'ready') print(`${event.name} … ready ${seconds(event.millis)}`)
  if (event.kind === 'stopped') print(`${event.name} … stopped ${seconds(event.millis)}`)
  if (event.kind === 'crashed') {
    print(`${event.name} … ended by itself (${event.reason}), starting it again in ${seconds(event.againMs)}`)
  }
}

/** Resolves at the first request to stop; a second one kills everything. */
function watchSignals(abandon: () => void): {
  readonly stop: Promise<void>
  readonly signal: AbortSignal
} {
  const controller = new AbortController()
  const { promise, resolve } = Promise.withResolvers<void>()
  let firstMs: number | undefined
  const onSignal = (): void => {
    const nowMs = performance.now()
    if (firstMs === undefined) {
      firstMs = nowMs
      controller.abort(new Interrupted())
      resolve()
    } else if (nowMs - firstMs > samePressMs) {
      abandon()
      process.exit(130)
    }
  }
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(name, onSignal)
  // A reader that went away, for instance `npm start | head`, is a request to stop as well.
  process.stdout.on('error', onSignal)
  return { stop: promise, signal: controller.signal }
}

class Interrupted extends Error {}

async function run(options: StartOptions): Promise<number> {
  let abandon = (): void => undefined
  const { stop, signal } = watchSignals(() => abandon())
  const began = performance.now()
  const issuerPort = issuerPortFrom(options.portBase)
  await using issuer = options.signIn ? await startIssuer(issuerPort) : undefined
  const env = issuer ? { SIGN_IN: signInAt(issuerPort) } : {}
  const onAbandon = (kill: () => void): void => void (abandon = kill)
  const clouds = await startClouds({ ...options, env, onEvent: printEvent, signal, onAbandon })
  print(`both clouds serve after ${seconds(performance.now() - began)}`)
  for (const site of ['aws', 'azure'] as const) print(`  ${site.padEnd(6)} ${clouds.urls[site].api}`)
  if (issuer) print(`  token  curl -d grant_type=client_credentials -d 'scope=records:read' ${issuer.url}/token`)
  try {
    const shown = options.tour ? showTour(clouds, signal) : showKey(clouds, { print, signal, once: options.once })
    const held = await Promise.race([shown, stop.then(() => !options.tour)])
    if (options.tour) signal.throwIfAborted()
    if (!options.once && !signal.aborted) {
      print('Ctrl-C stops everything.')
      await stop
    }
    return held ? 0 : 1
  } finally {
    print('stopping …')
    await clouds.stop()
    print('stopped')
  }
}

async function showKey(clouds: Clouds, options: ShowKeyOptions): Promise<boolean> {
  const { printKey } = await import('./development-key.ts')
  return printKey(clouds, options)
}

async function showTour(clouds: Clouds, signal: AbortSignal): Promise<boolean> {
  const { runTour } = await import('./tour.ts')
  return runTour(clouds, { print, signal })
}

function explain(error: unknown): void {
  const { name, message, stack } = error as Error
  process.stderr.write(`${name === 'StartError' ? message : (stack ?? String(error))}\n`)
}

async function main(): Promise<number> {
  try {
    const options = readOptions(process.argv.slice(2))
    if (!options.help) return await run(options)
    print(helpText)
    return 0
  } catch (error) {
    if (error instanceof Interrupted) return 130
    explain(error)
    return 1
  }
}

process.exit(await main())
