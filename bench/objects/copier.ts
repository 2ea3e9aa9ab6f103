import { spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import type { CopyOrder, CopyResult } from './copier-child.ts'
import { blobClientOf, type Endpoints } from './stores.ts'
import { AccountSASPermissions } from '@azure/storage-blob'
import { localCredentials, localRegion } from '../../local/aws/ports.ts'

/** As the job function runs: see serverless.yml. */
const jobFlags = ['--max-semi-space-size=4']
const pollMs = 20
const sasMs = 24 * 3_600_000

/** Copies by the core, in a process of its own: `program` is what `bundleProgram` made. */
export async function copyByCore(program: string, order: CopyOrder): Promise<CopyResult> {
  const { text } = await run(process.execPath, [...jobFlags, program], { input: JSON.stringify(order) })
  const result = JSON.parse(text) as CopyResult
  if (result.failed > 0) throw new Error(`${result.failed} objects were not copied`)
  return result
}

/** Copies by rclone as Debian ships it, with its defaults: the whole of `from` to `to`, both `remote:path`. */
export async function copyByRclone(endpoints: Endpoints, from: string, to: string): Promise<Omit<Ran, 'text'>> {
  // Nothing of this machine's settings, which are meant for the clouds themselves.
  const env = { PATH: process.env.PATH, HOME: process.env.HOME, ...remotesOf(endpoints), RCLONE_CONFIG: '/dev/null' }
  return run('rclone', ['copy', from, to], { env })
}

function remotesOf(endpoints: Endpoints): Record<string, string> {
  const permissions = AccountSASPermissions.parse('rwdlacup')
  const sas = blobClientOf(endpoints).generateAccountSasUrl(new Date(Date.now() + sasMs), permissions, 'sco')
  return {
    RCLONE_CONFIG_AWS_TYPE: 's3',
    RCLONE_CONFIG_AWS_PROVIDER: 'Other',
    RCLONE_CONFIG_AWS_ENDPOINT: `http://127.0.0.1:${endpoints.s3Port}`,
    RCLONE_CONFIG_AWS_REGION: localRegion,
    RCLONE_CONFIG_AWS_ACCESS_KEY_ID: localCredentials.accessKeyId,
    RCLONE_CONFIG_AWS_SECRET_ACCESS_KEY: localCredentials.secretAccessKey,
    RCLONE_CONFIG_AZURE_TYPE: 'azureblob',
    RCLONE_CONFIG_AZURE_SAS_URL: sas,
  }
}

interface RunOptions {
  readonly input?: string
  readonly env?: NodeJS.ProcessEnv
}

interface Ran {
  readonly text: string
  readonly seconds: number
  readonly peakMiB: number
  /** Of a processor, by the process alone. */
  readonly cpuSeconds: number
}

/** Runs a program to its end, and looks at its memory on the way. Throws when it fails. */
async function run(program: string, args: readonly string[], { input, env }: RunOptions): Promise<Ran> {
  const began = performance.now()
  const process_ = spawn(program, args, { stdio: ['pipe', 'pipe', 'inherit'], ...(env ? { env } : {}) })
  let peakMiB = 0
  let cpuSeconds = 0
  const timer = setInterval(() => {
    peakMiB = Math.max(peakMiB, peakOf(process_.pid))
    cpuSeconds = Math.max(cpuSeconds, cpuOf(process_.pid))
  }, pollMs)
  process_.stdin.end(input ?? '')
  const pieces: Buffer[] = []
  process_.stdout.on('data', (piece: Buffer) => pieces.push(piece))
  const code = await new Promise<number | null>((resolve) => void process_.on('close', resolve))
  clearInterval(timer)
  if (code !== 0) throw new Error(`${program} ${args.join(' ')} ended with ${code}`)
  const seconds = (performance.now() - began) / 1000
  return { text: Buffer.concat(pieces).toString(), seconds, peakMiB, cpuSeconds }
}

function peakOf(pid: number | undefined): number {
  try {
    const [, kib = '0'] = /VmHWM:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? []
    return Number(kib) / 1024
  } catch {
    return 0
  }
}

const ticksPerSecond = 100

/** Time in user and in kernel mode: the 14th and 15th field of proc(5)'s stat, which begins with `pid (name) `. */
function cpuOf(pid: number | undefined): number {
  try {
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? []
    return (Number(fields[11]) + Number(fields[12])) / ticksPerSecond
  } catch {
    return 0
  }
}
