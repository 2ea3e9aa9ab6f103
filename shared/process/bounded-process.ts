import { spawn, type ChildProcess } from 'node:child_process'
import type { Readable, Writable } from 'node:stream'
import { CatamaranError } from '../domain/errors.ts'
import { limited, type ProcessLimits } from './limits.ts'
import { watchProcess } from './watch.ts'

/** How a process came to its end. */
export type Ending =
  | { readonly kind: 'exit'; readonly code: number; readonly messages: string }
  /** By a fault of its own, or by the kernel. */
  | { readonly kind: 'killed'; readonly by: string; readonly messages: string }
  | Over

/** It was killed for passing a limit. */
interface Over {
  readonly kind: 'over'
  readonly limit: 'wall' | 'cpu' | 'memory' | 'output' | 'file'
}

export interface BoundedProcess {
  readonly child: ChildProcess
  readonly stdin: Writable
  /**
   * Throws the signal's reason after an abort, what `onOutput` threw, and `unavailable` when the program cannot be started.
   * Nothing of the process runs any more by then.
   */
  readonly ended: Promise<Ending>
  /** Kills it. */
  stop(reason: unknown): void
}

export interface ProcessOptions {
  readonly limits: ProcessLimits
  readonly signal: AbortSignal
  /** Takes what is written to standard output. What it throws stops the process. */
  readonly onOutput?: (chunk: Buffer) => void
  readonly folder?: string
}

const messagesCharsMax = 16 * 1024
/** What the kernel says to a process that has passed a limit which it holds itself. */
const overBySignal: Readonly<Record<string, Over['limit']>> = { SIGXCPU: 'cpu', SIGXFSZ: 'file' }
/** What a shell answers for a program that it cannot run. */
const notRunCodes = new Set([126, 127])

/**
 * The one place where a deployed function starts a program: in a process group of its own, without environment, under limits
 * that the kernel holds and others that are watched from here, killed when the signal aborts.
 */
export function startProcess(words: readonly string[], options: ProcessOptions): BoundedProcess {
  const { limits, signal, onOutput, folder } = options
  signal.throwIfAborted()
  const [command = '', ...args] = limited(words, limits)
  const child = spawn(command, args, {
    detached: true,
    env: {},
    stdio: ['pipe', 'pipe', 'pipe'],
    ...(folder !== undefined && { cwd: folder }),
  })
  const stopped: { over?: Over; reason?: unknown } = {}
  const stop = (reason: unknown): void => {
    stopped.reason ??= reason
    killGroup(child)
  }
  const pass = (limit: Over['limit']): void => {
    stopped.over ??= { kind: 'over', limit }
    killGroup(child)
  }
  const onAbort = (): void => stop(signal.reason)
  signal.addEventListener('abort', onAbort, { once: true })
  const endWatch = child.pid === undefined ? undefined : watchProcess(child.pid, limits, pass)
  readOutput(child.stdout, limits.outputBytesMax, { onOutput, stop, pass })
  // A child that ended early has closed its side: how it ended says more.
  child.stdin.on('error', () => undefined)
  const ended = endOf(child, child.stderr)
    .then((ending) => {
      if (stopped.reason !== undefined) throw stopped.reason
      return stopped.over ?? ending
    })
    .finally(() => {
      endWatch?.()
      signal.removeEventListener('abort', onAbort)
    })
  return { child, stdin: child.stdin, ended, stop }
}

function readOutput(stdout: Readable, bytesMax: number, { onOutput, stop, pass }: OutputReader): void {
  let bytes = 0
  stdout.on('data', (chunk: Buffer) => {
    bytes += chunk.length
    if (bytes > bytesMax) return pass('output')
    try {
      onOutput?.(chunk)
    } catch (error) {
      stop(error)
    }
  })
}

interface OutputReader {
  readonly onOutput: ProcessOptions['onOutput']
  readonly stop: (reason: unknown) => void
  readonly pass: (limit: 'output') => void
}

function endOf(child: ChildProcess, stderr: Readable): Promise<Ending> {
  let messages = ''
  stderr.setEncoding('utf8').on('data', (text: string) => void (messages = lastLines(messages + text)))
  return new Promise((resolve, reject) => {
    const notStarted = (cause: Error): void =>
      reject(new CatamaranError('unavailable', 'A program that is needed cannot be started here', { cause }))
    child.once('error', notStarted)
    child.once('close', (code, killedBy) => {
      const limit = overBySignal[killedBy ?? '']
      if (limit) resolve({ kind: 'over', limit })
      else if (code === null) resolve({ kind: 'killed', by: killedBy ?? 'no exit code', messages })
      else if (notRunCodes.has(code)) notStarted(new Error(messages))
      else resolve({ kind: 'exit', code, messages })
    })
  })
}

/** What is kept begins with a whole line. */
function lastLines(text: string): string {
  if (text.length <= messagesCharsMax) return text
  const end = text.slice(-messagesCharsMax)
  return end.slice(end.indexOf('\n') + 1)
}

function killGroup(child: ChildProcess): void {
  if (child.pid === undefined) return
  try {
    process.kill(-child.pid, 'SIGKILL')
  } catch {
    // It has ended already.
  }
}
