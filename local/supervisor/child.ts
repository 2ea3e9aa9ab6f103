import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { StartError } from '../aws/process.ts'
import { type LogFile, openLog } from './log-file.ts'
import { signalGroup } from './process-table.ts'
import { readyMsMax, untilReady } from './readiness.ts'

export interface ProcessSpec {
  readonly name: string
  /** A TypeScript module that prints `{"ready":true}` when it serves and ends on SIGTERM. */
  readonly module: string
  readonly args: readonly string[]
  readonly env: Readonly<Record<string, string>>
  /** Names of the processes that must serve before this one starts. */
  readonly needs: readonly string[]
}

export type ChildEvent =
  | { readonly kind: 'starting' | 'ready' | 'stopped'; readonly name: string; readonly millis: number }
  | { readonly kind: 'crashed'; readonly name: string; readonly reason: string; readonly againMs: number }

export interface Child {
  readonly name: string
  readonly logPath: string
  pid(): number | undefined
  /** Resolves when the process serves. Throws StartError with the process's own last words. */
  start(): Promise<void>
  /** Ends the process and all that it started; resolves when they are gone. It is not started again. */
  stop(): Promise<void>
  /** SIGKILL to the process and all that it started, as a crash: it is started again after the backoff. */
  kill(): Promise<void>
  /** The same as a machine that is gone: it stays away until `start`. */
  lose(): Promise<void>
  /** Stops the process and all that it started where they stand (SIGSTOP), until `wake`: they answer nothing. */
  freeze(): void
  wake(): void
  /** The same at once and for good, without waiting: for the last moment of the supervisor. */
  abandon(): void
  /** Resolves when the process serves, after a crash too. Throws when it is stopped or does not come back in time. */
  whenReady(millisMax?: number): Promise<void>
}

const stopMsMax = 8_000
const backoffMsMin = 250
const backoffMsMax = 10_000
/** A process that served this long has shown that it can: the next backoff begins small again. */
const steadyMs = 30_000

type State = 'stopped' | 'starting' | 'ready' | 'stopping' | 'waiting'

/** One process of the local clouds under supervision. */
export const createChild = (spec: ProcessSpec, logFolder: string, onEvent: (event: ChildEvent) => void): Child =>
  new SupervisedProcess(spec, openLog(join(logFolder, `${spec.name}.log`)), onEvent)

class SupervisedProcess implements Child {
  readonly name: string
  readonly logPath: string
  readonly #spec: ProcessSpec
  readonly #log: LogFile
  readonly #onEvent: (event: ChildEvent) => void
  readonly #waiters = new Set<() => void>()
  #state: State = 'stopped'
  #running: ChildProcess | undefined
  #crashes = 0
  #again: NodeJS.Timeout | undefined

  constructor(spec: ProcessSpec, log: LogFile, onEvent: (event: ChildEvent) => void) {
    this.name = spec.name
    this.logPath = log.path
    this.#spec = spec
    this.#log = log
    this.#onEvent = onEvent
  }

  pid(): number | undefined {
    return this.#running?.pid
  }

  async start(): Promise<void> {
    if (this.#state !== 'stopped') return this.whenReady()
    try {
      await this.#launch()
    } catch (error) {
      if (this.#is('starting')) this.#enter('stopped')
      throw error
    }
  }

  async stop(): Promise<void> {
    clearTimeout(this.#again)
    const child = this.#running
    const began = performance.now()
    this.#crashes = 0
    this.#enter(child === undefined ? 'stopped' : 'stopping')
    if (child === undefined) return
    child.kill('SIGTERM')
    const timer = setTimeout(() => child.pid !== undefined && signalGroup(child.pid, 'SIGKILL'), stopMsMax)
    if (!hasEnded(child)) await once(child, 'exit')
    clearTimeout(timer)
    this.#enter('stopped')
    this.#onEvent({ kind: 'stopped', name: this.name, millis: performance.now() - began })
  }

  async kill(): Promise<void> {
    const child = this.#running
    if (child?.pid === undefined || hasEnded(child)) return
    const gone = once(child, 'exit')
    signalGroup(child.pid, 'SIGKILL')
    await gone
  }

  async lose(): Promise<void> {
    clearTimeout(this.#again)
    const running = this.#running !== undefined
    this.#crashes = 0
    this.#enter(running ? 'stopping' : 'stopped')
    await this.kill()
    this.#enter('stopped')
  }

  freeze(): void {
    if (this.#running?.pid !== undefined) signalGroup(this.#running.pid, 'SIGSTOP')
  }

  wake(): void {
    if (this.#running?.pid !== undefined) signalGroup(this.#running.pid, 'SIGCONT')
  }

  abandon(): void {
    clearTimeout(this.#again)
    this.#state = 'stopping'
    if (this.#running?.pid !== undefined) signalGroup(this.#running.pid, 'SIGKILL')
  }

  whenReady(millisMax = readyMsMax): Promise<void> {
    return new Promise((resolve, reject) => {
      const finish = (outcome: () => void): void => {
        this.#waiters.delete(look)
        clearTimeout(timer)
        outcome()
      }
      const look = (): void => {
        if (this.#is('ready')) finish(resolve)
        if (this.#is('stopped')) finish(() => reject(new StartError(`${this.name} is stopped.`)))
      }
      const late = `${this.name} did not serve within ${millisMax / 1000} s: see ${this.logPath}`
      const timer = setTimeout(() => finish(() => reject(new StartError(late))), millisMax)
      this.#waiters.add(look)
      look()
    })
  }

  #is(state: State): boolean {
    return this.#state === state
  }

  #enter(next: State): void {
    this.#state = next
    for (const waiter of this.#waiters) waiter()
  }

  async #launch(): Promise<void> {
    const { name } = this
    const started = performance.now()
    let served = started
    this.#enter('starting')
    this.#onEvent({ kind: 'starting', name, millis: 0 })
    const child = fork(this.#spec.module, this.#spec.args, {
      env: this.#spec.env,
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
      // A group of its own: a Ctrl-C at the terminal reaches the supervisor alone, and one signal ends all it started.
      detached: true,
      execArgv: ['--disable-warning=ExperimentalWarning'],
    })
    this.#running = child
    this.#log.write(`--- ${new Date().toISOString()} started, process ${child.pid}\n`)
    child.once('exit', (code, signal) => {
      if (child.pid !== undefined) signalGroup(child.pid, 'SIGKILL')
      this.#log.write(`--- ${new Date().toISOString()} ended, ${signal ?? `code ${code}`}\n`)
      this.#running = undefined
      if (this.#is('ready')) this.#crashed(signal ?? `exit code ${code}`, performance.now() - served)
    })
    await untilReady(name, child, (chunk) => this.#log.write(chunk))
    if (!this.#is('starting')) return
    served = performance.now()
    this.#enter('ready')
    this.#onEvent({ kind: 'ready', name, millis: served - started })
  }

  #crashed(reason: string, servedMs: number): void {
    this.#crashes = servedMs > steadyMs ? 1 : this.#crashes + 1
    const againMs = Math.min(backoffMsMin * 2 ** (this.#crashes - 1), backoffMsMax)
    this.#enter('waiting')
    this.#onEvent({ kind: 'crashed', name: this.name, reason, againMs })
    this.#again = setTimeout(() => {
      this.#launch().catch((error: unknown) => {
        if (this.#is('starting')) this.#crashed((error as Error).message, 0)
      })
    }, againMs)
  }
}

const hasEnded = (child: ChildProcess): boolean => child.exitCode !== null || child.signalCode !== null
