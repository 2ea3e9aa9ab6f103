import type { Socket } from 'node:net'
import { StringDecoder } from 'node:string_decoder'
import { fileURLToPath } from 'node:url'
import { CatamaranError, type ErrorCode } from '../domain/errors.ts'
import { startProcess, type BoundedProcess, type Ending } from '../process/bounded-process.ts'
import type { ProcessLimits } from '../process/limits.ts'
import { watchProcess, type Watched } from '../process/watch.ts'
import { convertedBytesMax, readerBytesMax, remuxCpuMsMax } from './limits.ts'
import type { ReaderAnswer, ReaderRequest } from './reader-messages.ts'
import { invalidMedia, overLimit } from './reasons.ts'

export interface Asked {
  readonly watched: Watched
  readonly signal: AbortSignal
  readonly onProgress?: ((fraction: number) => void) | undefined
}

export interface ReaderProcess {
  /** One at a time. */
  ask(request: ReaderRequest, asked: Asked): Promise<unknown>
  hasEnded(): boolean
  /** Between requests. */
  close(): void
}

/** Of all requests together: each has a watch of its own. */
const limits: ProcessLimits = {
  wallMsMax: Number.POSITIVE_INFINITY,
  cpuMsMax: 10 * remuxCpuMsMax,
  memoryBytesMax: readerBytesMax,
  fileBytesMax: convertedBytesMax,
  openFilesMax: 64,
  outputBytesMax: 16 * 1024 ** 2,
}
const flags = ['--max-old-space-size=512', '--disable-warning=ExperimentalWarning']

/** It lies beside this file, and beside the bundle that deploys. */
const program = fileURLToPath(
  new URL(import.meta.url.endsWith('.ts') ? 'reader-program.ts' : 'reader.cjs', import.meta.url),
)

interface Waiting {
  take(answer: ReaderAnswer): void
  fail(reason: unknown): void
}

/** Starts a process that reads containers: see `reader-program.ts`. While it has nothing to do it keeps nobody from ending. */
export function startReader(): ReaderProcess {
  const state: { isReady: boolean; hasEnded: boolean; waiting?: Waiting | undefined } = {
    isReady: false,
    hasEnded: false,
  }
  const reader = startProcess([process.execPath, ...flags, program], {
    limits,
    signal: new AbortController().signal,
    onOutput: eachAnswer((answer) => {
      if (answer.kind === 'ready') state.isReady = true
      else state.waiting?.take(answer)
    }),
  })
  holdOwner(reader, false)
  const end = (reason: unknown): void => {
    state.hasEnded = true
    state.waiting?.fail(reason)
  }
  reader.ended.then((ending) => end(faultOf(ending, state.isReady)), end)
  return {
    hasEnded: () => state.hasEnded,
    close: () => void reader.stdin.end(),
    async ask(request, asked) {
      holdOwner(reader, true)
      const endWatch = watchRequest(reader, asked)
      try {
        return await new Promise((resolve, reject) => {
          state.waiting = waitingFor(resolve, reject, asked.onProgress)
          reader.stdin.write(`${JSON.stringify(request)}\n`)
        })
      } finally {
        state.waiting = undefined
        endWatch()
        holdOwner(reader, false)
      }
    },
  }
}

/** Ends the process, and with it the request, on abort or past a limit. */
function watchRequest(reader: BoundedProcess, { watched, signal }: Asked): () => void {
  const onAbort = (): void => reader.stop(signal.reason)
  signal.addEventListener('abort', onAbort, { once: true })
  const { pid } = reader.child
  const endWatch = pid === undefined ? undefined : watchProcess(pid, watched, (limit) => reader.stop(tooMuch(limit)))
  return () => {
    signal.removeEventListener('abort', onAbort)
    endWatch?.()
  }
}

const tooMuch = (limit: 'wall' | 'cpu' | 'memory'): CatamaranError => overLimit('Reading the file', limit)

function waitingFor(
  resolve: (value: unknown) => void,
  reject: (reason: unknown) => void,
  onProgress: Asked['onProgress'],
): Waiting {
  return {
    fail: reject,
    take(answer) {
      if (answer.kind === 'progress') onProgress?.(answer.fraction)
      else if (answer.kind === 'result') resolve(answer.value)
      else if (answer.kind === 'failure') reject(errorOf(answer))
    },
  }
}

/** What the process threw; that which is no error of ours keeps its code, by which faults of the machine are known. */
function errorOf({ isOurs, code, message }: ReaderAnswer & { readonly kind: 'failure' }): Error {
  return isOurs ? new CatamaranError(code as ErrorCode, message) : Object.assign(new Error(message), { code })
}

function faultOf(ending: Ending, isReady: boolean): CatamaranError {
  if (ending.kind === 'over') return overLimit('Reading the file', ending.limit)
  const cause = new Error(ending.messages)
  if (!isReady) return new CatamaranError('unavailable', 'The reader of media cannot be started', { cause })
  if (/heap out of memory|Array buffer allocation failed/.test(ending.messages)) return tooMuch('memory')
  return invalidMedia('The file stopped its reader', cause)
}

function eachAnswer(take: (answer: ReaderAnswer) => void): (chunk: Buffer) => void {
  const decoder = new StringDecoder('utf8')
  let rest = ''
  return (chunk) => {
    const lines = (rest + decoder.write(chunk)).split('\n')
    rest = lines.pop() ?? ''
    for (const line of lines) take(JSON.parse(line) as ReaderAnswer)
  }
}

/** A process that is waited for keeps its owner running; one that merely waits does not. */
function holdOwner({ child }: BoundedProcess, isHeld: boolean): void {
  const pipes = [child.stdin, child.stdout, child.stderr] as (Socket | null)[]
  for (const each of [child, ...pipes]) {
    if (isHeld) each?.ref()
    else each?.unref()
  }
}
