import type { Server } from 'node:http'
import type { AddressInfo } from 'node:net'

/** A fault of the surroundings that a person can cure: printed as one line, without a stack. */
export class StartError extends Error {
  constructor(message: string) {
    super(message)
    this.name = 'StartError'
  }
}

const causes: Readonly<Record<string, (port: number) => string>> = {
  EADDRINUSE: (port) => `port ${port} is in use. Stop the program that listens there, or choose another --port-base`,
  EACCES: (port) => `port ${port} needs rights this user does not have. Choose another --port-base above 1024`,
}

/** Listens on 127.0.0.1; port 0 picks a free one. Returns the port. Throws StartError when the port cannot be had. */
export function listen(server: Server, port: number, name: string): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      const cause = causes[error.code ?? '']
      reject(cause ? new StartError(`${name} cannot start: ${cause(port)}.`) : error)
    })
    server.listen(port, '127.0.0.1', () => resolve((server.address() as AddressInfo).port))
  })
}

/** Stops accepting, ends idle connections at once and busy ones after `graceMs`. */
export function closeServer(server: Server, graceMs = 1000): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => server.closeAllConnections(), graceMs)
    server.close(() => {
      clearTimeout(timer)
      resolve()
    })
    server.closeIdleConnections()
  })
}

export interface Running {
  /** Members of the line that says the process serves. */
  readonly ready: Readonly<Record<string, unknown>>
  close(): Promise<void>
}

const closeMsMax = 2500

/**
 * Runs one process of the local cloud: prints `{"ready":true,...}` when it serves, closes on SIGTERM, SIGINT or when the
 * parent that forked it goes away, and says a StartError in one line with exit code 1.
 */
export async function runProcess(start: () => Promise<Running>): Promise<void> {
  try {
    const running = await start()
    let closing = false
    const stop = () => {
      if (closing) return
      closing = true
      setTimeout(() => process.exit(1), closeMsMax).unref()
      running.close().then(
        () => process.exit(0),
        (error: unknown) => fail(error),
      )
    }
    process.on('SIGTERM', stop)
    process.on('SIGINT', stop)
    process.on('disconnect', stop)
    process.stdout.write(`${JSON.stringify({ ready: true, ...running.ready })}\n`)
  } catch (error) {
    fail(error)
  }
}

function fail(error: unknown): never {
  const known = error as { name?: string; code?: string; message?: string; path?: string; stack?: string }
  if (known.name === 'StartError') process.stderr.write(`${known.message}\n`)
  else if (known.code === 'ENOSPC')
    process.stderr.write('The disk is full. Free some space, or choose another --data folder.\n')
  else if (known.code === 'EROFS' || known.code === 'EACCES') {
    process.stderr.write(
      `Cannot write to ${known.path ?? 'the data folder'}. Choose another --data folder, or grant the right.\n`,
    )
  } else process.stderr.write(`${known.stack ?? String(error)}\n`)
  process.exit(1)
}
