import { spawn } from 'node:child_process'
import { mkdtemp } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { rssOfTrees } from '../local/supervisor/process-table.ts'
import { workbench } from '../test/media/workbench.ts'
import { bench } from './bench.ts'
import { printFigure } from './figures.ts'
import { sampleJobs } from './media/job-samples.ts'

const child = fileURLToPath(new URL('media/job-child.ts', import.meta.url))
const pollMs = 20
const mib = 2 ** 20

export const jobsBench = bench(
  `The most memory that a job of each kind takes, with all processes that it starts, which share some of it: so no less than what
  is needed. No bar is set; the functions have 3,008 MB at AWS and 4,096 MB at Azure.`,
  {},
  measureJobs,
)

async function measureJobs(): Promise<boolean> {
  await using place = await workbench()
  const jobs = await sampleJobs(place)
  printFigure({ name: 'jobs: a worker that does nothing', value: await peakMiBOf([]), unit: 'MiB' })
  for (const { name, file, mediaType, what } of jobs) {
    const workFolder = await mkdtemp(place.at('work-'))
    const value = await peakMiBOf([file, mediaType, workFolder, ...(what ? [what] : [])])
    printFigure({ name: `jobs: peak memory, ${name}`, value, unit: 'MiB' })
  }
  return true
}

async function peakMiBOf(args: readonly string[]): Promise<number> {
  const flags = ['--disable-warning=ExperimentalWarning', '--max-semi-space-size=4']
  const worker = spawn(process.execPath, [...flags, child, ...args], { stdio: ['ignore', 'ignore', 'inherit'] })
  const pid = worker.pid ?? 0
  let peakBytes = 0
  const timer = setInterval(() => {
    const [tree] = rssOfTrees([pid])
    peakBytes = Math.max(
      peakBytes,
      [...(tree?.values() ?? [])].reduce((sum, bytes) => sum + bytes, 0),
    )
  }, pollMs)
  const code = await new Promise<number | null>((resolve) => void worker.on('close', resolve))
  clearInterval(timer)
  if (code !== 0) throw new Error(`The job of ${args[0] ?? 'nothing'} ended with ${code}`)
  return peakBytes / mib
}
