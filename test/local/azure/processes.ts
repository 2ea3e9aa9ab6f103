import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { createInterface } from 'node:readline'

export interface Running {
  readonly child: ChildProcess
  readonly ready: Record<string, unknown>
  readonly errors: string[]
  kill(signal: NodeJS.Signals): Promise<number | null>
}

/** Runs an entry point of local/azure and waits for its ready line. */
export async function run(entry: string, args: string[], env: Record<string, string> = {}): Promise<Running> {
  const child = spawn(process.execPath, [join(process.cwd(), 'local/azure', entry), ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, NODE_OPTIONS: '', ...env },
  })
  const errors: string[] = []
  createInterface({ input: child.stderr }).on('line', (line) => errors.push(line))
  const lines = createInterface({ input: child.stdout })
  const ready = await Promise.race([
    (async () => {
      for await (const line of lines)
        if (line.startsWith('{"ready":true')) return JSON.parse(line) as Record<string, unknown>
      return undefined
    })(),
    once(child, 'exit').then(() => undefined),
  ])
  if (ready === undefined) throw new Error(`${entry} did not start: ${errors.join('\n')}`)
  lines.on('line', () => undefined)
  child.stdout.resume()
  return {
    child,
    ready,
    errors,
    kill: async (signal) => {
      if (child.exitCode === null && child.signalCode === null) {
        const exit = once(child, 'exit')
        child.kill(signal)
        await exit
      }
      return child.exitCode
    },
  }
}

/** A port base of which the 30 ports above were free a moment ago. */
export async function freePortBase(): Promise<number> {
  for (;;) {
    const base = 20_000 + Math.floor(Math.random() * 3_000) * 10
    const taken = await Promise.all([20, 22, 23, 24, 25].map((offset) => isTaken(base + offset)))
    if (taken.every((one) => !one)) return base
  }
}

function isTaken(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer()
    server.once('error', () => resolve(true))
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(false)))
  })
}

/** Waits until `check` gives something other than undefined. */
export async function until<T>(check: () => Promise<T | undefined> | T | undefined, msMax = 30_000): Promise<T> {
  const end = Date.now() + msMax
  for (;;) {
    const found = await check()
    if (found !== undefined) return found
    if (Date.now() > end) throw new Error('It did not happen in time.')
    await new Promise((resolve) => setTimeout(resolve, 25))
  }
}
