import { parseArgs } from 'node:util'

export interface HostOptions {
  /** The folder for this site's data. */
  readonly data: string
  readonly portBase: number
  /** The folder of the Functions app. */
  readonly app: string
  /** Timers run this many times as often. */
  readonly scheduleScale: number
}

const portBaseDefault = 4500
const stopMsMax = 3_000

export function hostOptions(): HostOptions {
  const { values } = parseArgs({
    options: {
      data: { type: 'string', default: 'data' },
      'port-base': { type: 'string', default: String(portBaseDefault) },
      app: { type: 'string', default: 'dist/azure' },
      'schedule-scale': { type: 'string', default: '1' },
    },
  })
  return {
    data: values.data,
    portBase: Number(values['port-base']),
    app: values.app,
    scheduleScale: Number(values['schedule-scale']),
  }
}

/** The error of a port that another process holds, in one line with the cure. */
export function startFailure(error: unknown): string {
  const { code, port, message } = error as { code?: string; port?: number; message?: string }
  if (code !== 'EADDRINUSE') return String(message ?? error)
  const where = port === undefined ? 'A port' : `Port ${port}`
  return `${where} on 127.0.0.1 is in use: stop the process that holds it, or start with another --port-base.`
}

/**
 * Runs one local process: starts it, says `{"ready":true,...}` in one line, and stops it on SIGTERM, SIGINT or when the
 * parent is gone. A start that fails says why in one line and exits with 1.
 */
export function runProcess(start: () => Promise<{ facts: Record<string, unknown>; stop: () => Promise<void> }>): void {
  const began = performance.now()
  let stopping = false
  let stop: () => Promise<void> = async () => undefined
  const end = (): void => {
    if (stopping) return
    stopping = true
    setTimeout(() => process.exit(0), stopMsMax).unref()
    stop().then(
      () => process.exit(0),
      () => process.exit(1),
    )
  }
  process.on('SIGTERM', end)
  process.on('SIGINT', end)
  process.on('disconnect', end)
  start().then(
    (started) => {
      stop = started.stop
      const line = { ready: true, ms: Math.round(performance.now() - began), ...started.facts }
      process.stdout.write(`${JSON.stringify(line)}\n`)
      process.send?.(line)
    },
    (error: unknown) => {
      process.stderr.write(`${startFailure(error)}\n`)
      process.exit(1)
    },
  )
}
