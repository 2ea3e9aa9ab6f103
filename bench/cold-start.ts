import { execFile } from 'node:child_process'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { median } from './figures.ts'

const run = promisify(execFile)
const child = join(dirname(fileURLToPath(import.meta.url)), 'cold-start-child.ts')
const timesDefault = 5

/** Milliseconds until a bundle is loaded and its module code has run, in a fresh process: the median of several. */
export async function coldInitMs(
  bundle: string,
  env: Readonly<Record<string, string>>,
  times = timesDefault,
): Promise<number> {
  const took: number[] = []
  for (let time = 0; time < times; time++) {
    const { stdout } = await run(process.execPath, [child, bundle], { env: { PATH: process.env.PATH, ...env } })
    took.push(Number(stdout.trim().split('\n').at(-1)))
  }
  return median(took)
}
