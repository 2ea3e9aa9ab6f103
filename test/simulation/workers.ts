import { fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import type { ProfileOverride } from './profile.ts'
import type { RunResult } from './run.ts'

/** One run to be done. */
export interface Order {
  readonly seed: number
  readonly override?: ProfileOverride | undefined
}

export interface Worker {
  /** One at a time. Throws when the run itself fails, rather than what it checks. */
  run(order: Order): Promise<RunResult>
  stop(): void
}

const path = fileURLToPath(new URL('worker.ts', import.meta.url))

/** Starts a process; with `planted`, one in which that bug is planted. */
export function startWorker(planted?: string): Worker {
  const child = fork(path, planted ? [planted] : [], {
    execArgv: ['--disable-warning=ExperimentalWarning'],
    serialization: 'json',
    env: { PATH: process.env['PATH'] },
  })
  return {
    run: (order) =>
      new Promise((resolve, reject) => {
        const done = (): void => {
          child.removeAllListeners()
        }
        child.once('message', (message: { result?: RunResult; error?: string }) => {
          done()
          if (message.result) resolve(message.result)
          else reject(new Error(`seed ${order.seed}: ${message.error}`))
        })
        child.once('exit', (code, signal) => {
          done()
          reject(new Error(`seed ${order.seed}: the worker ended (${signal ?? code})`))
        })
        child.send(order)
      }),
    stop: () => void child.kill('SIGKILL'),
  }
}

/** Runs orders over several processes; stops early once `onResult` answers false. */
export async function runAll(
  orders: Iterable<Order>,
  workers: number,
  onResult: (result: RunResult, worker: Worker) => Promise<boolean> | boolean,
): Promise<void> {
  const queue = orders[Symbol.iterator]()
  let isOver = false
  const work = async (): Promise<void> => {
    const worker = startWorker()
    try {
      for (let next = queue.next(); !next.done && !isOver; next = queue.next()) {
        if (!(await onResult(await worker.run(next.value), worker))) isOver = true
      }
    } finally {
      worker.stop()
    }
  }
  await Promise.all(Array.from({ length: workers }, work))
}
