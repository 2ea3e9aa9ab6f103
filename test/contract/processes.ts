import { spawn } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

export interface LocalProcesses {
  readonly portBase: number
  close(): Promise<void>
}

const readyMsMax = 60_000

/** Starts the local clouds' own programs on free ports with an empty data folder: the bytes then leave the test's process. */
export async function startProcesses(...scripts: readonly string[]): Promise<LocalProcesses> {
  const data = await mkdtemp(join(tmpdir(), 'catamaran-contract-'))
  // Ports of a run: a hundred above each other, away from the defaults and from what the system gives out.
  const portBase = 10_000 + ((process.pid * 7 + scripts.length) % 200) * 100
  const stops: (() => Promise<void>)[] = []
  const close = async (): Promise<void> => {
    await Promise.all(stops.map((stop) => stop()))
    await rm(data, { recursive: true, force: true })
  }
  try {
    for (const script of scripts) stops.push(await startProcess(script, data, portBase))
  } catch (error) {
    await close()
    throw error
  }
  return { portBase, close }
}

async function startProcess(script: string, data: string, portBase: number): Promise<() => Promise<void>> {
  const { NODE_OPTIONS: _, ...env } = process.env
  const args = [script, '--data', data, '--port-base', String(portBase)]
  const child = spawn(process.execPath, args, { env, stdio: ['ignore', 'pipe', 'pipe', 'ipc'] })
  const exited = new Promise<void>((resolve) => child.once('exit', () => resolve()))
  const output: string[] = []
  const ready = new Promise<void>((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`${script} was not ready: ${output.join('')}`)), readyMsMax)
    child.stderr?.on('data', (text: Buffer) => output.push(text.toString()))
    child.stdout?.on('data', (text: Buffer) => {
      output.push(text.toString())
      if (!output.join('').includes('"ready":true')) return
      clearTimeout(timer)
      resolve()
    })
    child.once('exit', () => {
      clearTimeout(timer)
      reject(new Error(`${script} ended: ${output.join('')}`))
    })
  })
  const stop = async (): Promise<void> => {
    child.kill('SIGTERM')
    const timer = setTimeout(() => child.kill('SIGKILL'), 5_000)
    await exited
    clearTimeout(timer)
  }
  ready.catch(() => undefined)
  try {
    await ready
  } catch (error) {
    await stop()
    throw error
  }
  return stop
}
