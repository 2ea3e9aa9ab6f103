import { type ChildProcess, fork } from 'node:child_process'
import { createInterface } from 'node:readline'
import { constants, setPriority } from 'node:os'
import { fileURLToPath } from 'node:url'
import type { FunctionFailure, FunctionSpec, InstanceMessage, Invocation } from './function-spec.ts'

const initMsMax = 10_000
/** Functions that may run longer than this do work that nobody waits for at the other end of a connection. */
const longWorkMs = 5 * 60_000
const runtime = fileURLToPath(new URL('./runtime.ts', import.meta.url))

export type Log = (functionName: string, line: string) => void

/** One process of one function: one event at a time; a time-out or a crash is its end. */
export class Instance {
  readonly ended: Promise<void>
  /** Settles when it can take an event; rejects when the bundle did not load. */
  readonly ready: Promise<void>
  idleSinceMs = Date.now()
  private readonly spec: FunctionSpec
  private readonly child: ChildProcess
  private settle: ((result: Invocation) => void) | undefined
  private endReason: FunctionFailure | undefined

  constructor(spec: FunctionSpec, log: Log) {
    this.spec = spec
    this.child = fork(runtime, [spec.bundle, spec.name, spec.arn, String(spec.memoryMb)], {
      env: spec.env,
      serialization: 'advanced',
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
      execArgv: ['--disable-warning=ExperimentalWarning'],
    })
    // In the cloud each instance has a processor of its own; here long work must not starve what somebody waits for.
    if (this.child.pid !== undefined && spec.timeoutMs > longWorkMs) lowerPriority(this.child.pid)
    for (const stream of [this.child.stdout, this.child.stderr]) {
      if (stream) createInterface({ input: stream }).on('line', (line) => log(spec.name, line))
    }
    this.ended = new Promise((done) => this.child.once('exit', () => done()))
    this.ready = this.untilReady()
  }

  get pid(): number | undefined {
    return this.child.pid
  }

  private untilReady(): Promise<void> {
    return new Promise((resolve, reject) => {
      const failed = (error: FunctionFailure) => {
        clearTimeout(timer)
        this.kill()
        reject(error)
      }
      const timer = setTimeout(
        () => failed({ errorType: 'Sandbox.Timedout', errorMessage: `Initialization took more than ${initMsMax} ms` }),
        initMsMax,
      )
      this.child.once('error', (error) => failed({ errorType: 'Runtime.StartError', errorMessage: error.message }))
      this.child.once('exit', (code, signal) => {
        const errorMessage = `Error: Runtime exited with ${signal ? `signal ${signal}` : `code ${code}`}`
        failed({ errorType: 'Runtime.ExitError', errorMessage })
      })
      this.child.on('message', (message: InstanceMessage) => {
        if (message.kind === 'ready') {
          clearTimeout(timer)
          resolve()
        } else if (message.kind === 'initFailed') failed(message.error)
        else this.settle?.(resultOf(message))
      })
    })
  }

  invoke(requestId: string, event: string): Promise<Invocation> {
    const { timeoutMs } = this.spec
    return new Promise((resolve) => {
      const fail = (error: FunctionFailure) => done({ ok: false, requestId, error })
      const exited = (code: number | null, signal: string | null) => {
        const errorMessage = `RequestId: ${requestId} Error: Runtime exited with ${signal ? `signal ${signal}` : `code ${code}`}`
        fail(this.endReason ?? { errorType: 'Runtime.ExitError', errorMessage })
      }
      const timer = setTimeout(() => {
        const errorMessage = `RequestId: ${requestId} Error: Task timed out after ${(timeoutMs / 1000).toFixed(2)} seconds`
        this.endReason = { errorType: 'Sandbox.Timedout', errorMessage }
        this.kill()
      }, timeoutMs)
      const done = (result: Invocation) => {
        clearTimeout(timer)
        this.child.off('exit', exited)
        this.settle = undefined
        this.idleSinceMs = Date.now()
        resolve(result)
      }
      this.child.once('exit', exited)
      this.settle = (result) => {
        if (result.requestId === requestId) done(result)
      }
      if (this.child.exitCode !== null || this.child.signalCode !== null)
        exited(this.child.exitCode, this.child.signalCode)
      else this.child.send({ requestId, event, deadlineMs: Date.now() + timeoutMs }, () => {})
    })
  }

  kill(): void {
    this.child.kill('SIGKILL')
  }
}

function lowerPriority(pid: number): void {
  try {
    setPriority(pid, constants.priority.PRIORITY_BELOW_NORMAL)
  } catch {
    // It has ended already, or the system does not allow it.
  }
}

const resultOf = (message: Extract<InstanceMessage, { kind: 'done' | 'failed' }>): Invocation =>
  message.kind === 'done'
    ? { ok: true, requestId: message.requestId, payload: message.payload }
    : { ok: false, requestId: message.requestId, error: message.error }
