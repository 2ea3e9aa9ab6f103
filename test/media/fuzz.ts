/**
 * Damages pictures, films, sounds, data files and documents, and looks what becomes of them; and times how soon files are known
 * that claim to be huge (`--format bombs`):
 *   npm run fuzz -- [--copies 1000] [--seed 1] [--format NAME] [--from COPY]
 * Prints a line of JSON a format, with the copy that took longest to be refused, and how far it is meanwhile; ends with 1 when
 * there was a fault: a worker that crashed or does not come to an end, half of the renditions, one of no bytes or that cannot
 * be read, a reason that says nothing, a bomb that takes longer than 50 ms to be known at the best of three looks.
 */
import { fork } from 'node:child_process'
import { stat } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { watchProcess } from '../../shared/process/watch.ts'
import { bombs } from './bombs.ts'
import { fuzzedFormats, goodOutcomes, type CopyOutcome } from './fuzz-copies.ts'
import { converter, never, workbench } from './workbench.ts'

const worker = fileURLToPath(new URL('fuzz-worker.ts', import.meta.url))
/** What this process itself may take for one copy; what it starts has limits of its own. */
const copyLimits = { cpuMsMax: 60_000, wallMsMax: 15 * 60_000, memoryBytesMax: 2 * 1024 ** 3 }
const progressMs = 10_000

interface Range {
  readonly seed: number
  readonly from: number
  readonly copies: number
}

async function fuzz(format: string, range: Range): Promise<boolean> {
  const count = { converted: 0, refused: 0, stored: 0 }
  const faults: string[] = []
  let slowestRefusal = { copy: 0, ms: 0 }
  const began = performance.now()
  let from = range.from
  const progress = setInterval(() => {
    process.stderr.write(`${format}: ${from} of ${range.copies}, ${faults.length} faults\n`)
  }, progressMs)
  while (from < range.copies) {
    // A worker that ends early did so on the copy after the last that it told of; the next one begins behind that.
    const end = await runWorker(format, { ...range, from }, ({ copy, outcome, ms }) => {
      from = copy + 1
      if (outcome === 'refused' && ms > slowestRefusal.ms) slowestRefusal = { copy, ms: Math.round(ms) }
      const good = goodOutcomes.find((each) => each === outcome)
      if (good) count[good]++
      else faults.push(`copy ${copy}: ${outcome}`)
    })
    if (from < range.copies) faults.push(`copy ${from++}: the worker ${end}`)
  }
  clearInterval(progress)
  const copies = range.copies - range.from
  const seconds = Math.round((performance.now() - began) / 1000)
  const told = { format, seed: range.seed, copies, ...count, slowestRefusal, faults, seconds }
  process.stdout.write(`${JSON.stringify(told)}\n`)
  return faults.length === 0
}

/** How the worker ended. */
function runWorker(format: string, range: Range, take: (outcome: CopyOutcome) => void): Promise<string> {
  const words = [format, range.seed, range.from, range.copies].map(String)
  const child = fork(worker, words, { execArgv: ['--disable-warning=ExperimentalWarning'] })
  let over: string | undefined
  const watch = (): (() => void) =>
    watchProcess(child.pid ?? 0, copyLimits, (limit) => {
      over = `passed its ${limit} limit`
      child.kill('SIGKILL')
    })
  let endWatch = watch()
  child.on('message', (outcome: CopyOutcome) => {
    endWatch()
    endWatch = watch()
    take(outcome)
  })
  return new Promise((resolve) => {
    child.once('exit', (code, signal) => {
      endWatch()
      resolve(over ?? `ended (${signal ?? code})`)
    })
  })
}

/** What a header shows is known before anybody notices. */
const knownMsMax = 50
const looks = 3

/** How long each bomb takes to be known, at best after the first time that it is seen; whether none took too long. */
async function timeBombs(): Promise<boolean> {
  await using bench = await workbench()
  let isClean = true
  for (const { name, declared, bytes } of bombs) {
    const path = await bench.write('bomb', bytes())
    const source = { path, mediaType: declared, bytes: (await stat(path)).size }
    const look = () => converter.inspect(source, never()).then(() => 'stored', String)
    const outcome = await look()
    const times: number[] = []
    for (let time = 0; time < looks; time++) {
      const began = performance.now()
      await look()
      times.push(performance.now() - began)
    }
    const ms = Math.round(Math.min(...times) * 10) / 10
    const faults = ms > knownMsMax ? [`known after ${ms} ms, not ${knownMsMax}`] : []
    process.stdout.write(`${JSON.stringify({ bomb: name, bytes: source.bytes, ms, outcome, faults })}\n`)
    isClean &&= faults.length === 0
  }
  return isClean
}

async function main(): Promise<void> {
  const text = { type: 'string' } as const
  const { values } = parseArgs({
    options: {
      copies: { ...text, default: '1000' },
      seed: { ...text, default: '1' },
      from: { ...text, default: '0' },
      format: text,
    },
  })
  const chosen = Object.keys(fuzzedFormats).filter((format) => [undefined, format].includes(values.format))
  const range = { seed: Number(values.seed), from: Number(values.from), copies: Number(values.copies) }
  const isAll = values.format === undefined || values.format === 'bombs'
  let isClean = isAll ? await timeBombs() : chosen.length > 0
  for (const format of chosen) isClean = (await fuzz(format, range)) && isClean
  process.exitCode = isClean ? 0 : 1
}

await main()
