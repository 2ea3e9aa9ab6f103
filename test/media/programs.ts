import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { setImmediate as turn } from 'node:timers/promises'

/** The command lines of the processes that `work` starts. */
export async function programsOf(work: () => Promise<unknown>): Promise<string[]> {
  const started: { readonly spawnargs?: readonly string[] }[] = []
  const onStart = (message: unknown): void => void started.push((message as { process: object }).process)
  subscribe('child_process', onStart)
  try {
    await work()
    await turn()
  } finally {
    unsubscribe('child_process', onStart)
  }
  return started.map(({ spawnargs = [] }) => spawnargs.join(' '))
}
