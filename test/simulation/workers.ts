import { isDeepStrictEqual } from 'node:util'
import { fork, type ChildProcess } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { watchProcess } from '../../shared/process/watch.ts'
import { calm, type ProfileOverride } from './profile.ts'
import type { RunResult } from './run.ts'

/** One run to be done. */
export interface Order {
  readonly seed: number
  readonly override?: ProfileOverride | undefined
}

export interface Worker {
  /** One at a time. A run that throws, or does not come to an end, has failed like one that breaks an invariant. */
  run(order: Order): Promise<RunResult>
  stop(): void
}

type Answer = { readonly result: RunResult } | { readonly error: string }

/** Most of what a run makes is soon forgotten: a large nursery, and no help for its collector, which would slow the other processes. */
const execArgv = [
  '--disable-warning=ExperimentalWarning',
  '--min-semi-space-size=64',
  '--max-semi-space-size=64',
  '--single-threaded-gc',
]
const path = fileURLToPath(new URL('worker.ts', import.meta.url))
/** Of processor time; the longest runs take some seconds. */
const runMsMax = 60_000
/** On a machine that is busy with other work the wall's time says little. */
const wallPerCpuMax = 10

/** Starts a process; with `planted`, one in which that bug is planted; with `older`, one whose sites run two versions. One that is stuck is killed, and another takes its place. */
export function startWorker(planted?: string, msMax = runMsMax, older?: string): Worker {
  const start = (): ChildProcess =>
    fork(path, [planted ?? '', older ?? ''], {
      execArgv,
      serialization: 'json',
      env: { PATH: process.env['PATH'] },
    })
  let child = start()
  const run = async (order: Order): Promise<RunResult> => {
    const answer = await answerOf(child, order, msMax)
    if ('result' in answer) return answer.result
    if (child.exitCode !== null || child.signalCode !== null) child = start()
    return failedRun(order.seed, answer.error)
  }
  return { run, stop: () => void child.kill('SIGKILL') }
}

function answerOf(child: ChildProcess, order: Order, msMax: number): Promise<Answer> {
  return new Promise((resolve) => {
    const limits = { cpuMsMax: msMax, wallMsMax: wallPerCpuMax * msMax, memoryBytesMax: Number.POSITIVE_INFINITY }
    const endWatch = watchProcess(child.pid ?? 0, limits, () => child.kill('SIGKILL'))
    const done = (answer: Answer): void => {
      endWatch()
      child.removeAllListeners()
      resolve(answer)
    }
    child.once('message', (answer: Answer) => done(answer))
    child.once('exit', (code, signal) => {
      const cause = signal === 'SIGKILL' ? `no end after ${msMax} ms` : `the process ended (${signal ?? code})`
      done({ error: cause })
    })
    child.send(order)
  })
}

/** What is known of a run that did not come to an end. */
const failedRun = (seed: number, error: string): RunResult => ({
  seed,
  profile: { ...calm, name: 'unknown' },
  broken: [`0: ${error}`],
  events: 0,
  virtualMs: 0,
  digest: '',
  marks: [],
})

/** Of so many runs one is done twice, and must go the same way. */
const twiceOneIn = 100

/** Who did a run, and how long it took by the wall's clock. */
export interface Done {
  readonly worker: Worker
  readonly tookMs: number
}

/** Runs orders over several processes; stops early once `onResult` answers false. */
export async function runAll(
  orders: Iterable<Order>,
  workers: number,
  onResult: (result: RunResult, done: Done) => Promise<boolean> | boolean,
  older?: string,
): Promise<void> {
  const queue = orders[Symbol.iterator]()
  let isOver = false
  const work = async (): Promise<void> => {
    const worker = startWorker(undefined, runMsMax, older)
    try {
      for (let next = queue.next(); !next.done && !isOver; next = queue.next()) {
        const { result, tookMs } = await runChecked(worker, next.value)
        if (!(await onResult(result, { worker, tookMs }))) isOver = true
      }
    } finally {
      worker.stop()
    }
  }
  await Promise.all(Array.from({ length: workers }, work))
}

async function runChecked(worker: Worker, order: Order): Promise<{ result: RunResult; tookMs: number }> {
  const beganMs = performance.now()
  const result = await worker.run(order)
  const tookMs = performance.now() - beganMs
  if (order.seed % twiceOneIn !== 0) return { result, tookMs }
  const again = await worker.run(order)
  if (isDeepStrictEqual(again, result)) return { result, tookMs }
  const broken = [...result.broken, '0: the same seed went another way the second time']
  return { result: { ...result, broken }, tookMs }
}
