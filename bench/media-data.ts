import { execFile } from 'node:child_process'
import { createWriteStream } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { bench } from './bench.ts'
import { bundleProgram } from './bundle.ts'
import type { Reading, Way } from './data/reader-child.ts'
import { median, type Figure, printFigure } from './figures.ts'

const root = dirname(fileURLToPath(import.meta.url))
/** As the job function runs: see serverless.yml. */
const jobFlags = ['--max-semi-space-size=4']
const smallMiB = 10
const growthMiBMax = 64
/** Of csv-parse making the same objects. */
const rateBar = 0.7

const options = {
  'rate-mib': {
    type: 'string',
    default: '64',
    value: 'N',
    about: 'MiB of the file whose rows are counted by the second',
  },
  mib: { type: 'string', default: '2048', value: 'N', about: 'MiB of the largest whose memory is looked at' },
  runs: { type: 'string', default: '5', value: 'N', about: 'times that each is read' },
} as const

export const dataBench = bench('CSV files read and converted, beside csv-parse alone.', options, measureData)

async function measureData(values: Readonly<Record<keyof typeof options, string>>): Promise<boolean> {
  const folder = await mkdtemp(join(tmpdir(), 'catamaran-bench-'))
  let met = true
  const print = (figure: Figure): void => {
    met = printFigure(figure) && met
  }
  try {
    const program = await bundleProgram(join(root, 'data/reader-child.ts'), folder)
    await benchRates(program, await csvOf(folder, Number(values['rate-mib'])), Number(values.runs), print)
    await benchMemory(program, folder, Number(values.mib), print)
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
  return met
}

async function benchRates(program: string, path: string, runs: number, print: (figure: Figure) => void): Promise<void> {
  const ways: readonly Way[] = ['csv-parse-objects', 'rows', 'csv-parse-arrays', 'convert']
  const rates = new Map<Way, number[]>(ways.map((way) => [way, []]))
  for (let run = 0; run < runs; run++) {
    for (const way of ways) {
      const { rows, seconds } = await read(program, way, path)
      rates.get(way)?.push(rows / seconds)
    }
  }
  const rateOf = (way: Way): number => median(rates.get(way) ?? [])
  const objects = { name: 'csv-parse alone, objects', value: rateOf('csv-parse-objects') }
  const arrays = { name: 'csv-parse alone, arrays', value: rateOf('csv-parse-arrays') }
  const ours = { value: rateOf('rows'), unit: 'rows/s' }
  print({ name: 'data: CSV to typed rows', ...ours, bar: { atLeast: objects.value * rateBar }, peer: objects })
  print({ name: 'data: CSV to typed rows', ...ours, bar: { atLeast: arrays.value * rateBar }, peer: arrays })
  const whole = { value: rateOf('convert'), unit: 'rows/s' }
  print({ name: 'data: CSV inspected, profiled and copied to Parquet', ...whole, peer: objects })
}

async function benchMemory(
  program: string,
  folder: string,
  mib: number,
  print: (figure: Figure) => void,
): Promise<void> {
  const idle = (await read(program, 'nothing', '-')).peakMiB
  const small = (await read(program, 'convert', await csvOf(folder, smallMiB))).peakMiB
  print({ name: `data: memory over idle, ${smallMiB} MiB converted`, value: small - idle, unit: 'MiB' })
  const { peakMiB, rows, seconds } = await read(program, 'convert', await csvOf(folder, mib))
  print({ name: `data: memory over idle, ${mib} MiB converted`, value: peakMiB - idle, unit: 'MiB' })
  const growth = { value: peakMiB - small, unit: 'MiB', bar: { atMost: growthMiBMax } }
  print({ name: `data: growth of memory from ${smallMiB} to ${mib} MiB`, ...growth })
  print({ name: `data: ${mib} MiB converted`, value: rows / seconds, unit: 'rows/s' })
}

async function read(program: string, way: Way, path: string): Promise<Reading> {
  const { stdout } = await promisify(execFile)(process.execPath, [...jobFlags, program, way, path])
  return JSON.parse(stdout) as Reading
}

async function csvOf(folder: string, mib: number): Promise<string> {
  const path = join(folder, `${mib}.csv`)
  await pipeline(Readable.from(lines(mib * 2 ** 20)), createWriteStream(path))
  return path
}

/** Numbers, names with accents and quotes, times and notes: about 120 bytes a row. */
function* lines(bytes: number): Generator<string> {
  yield 'id,name,price,day,at,active,note\n'
  for (let [id, written] = [0, 0]; written < bytes; ) {
    const block: string[] = []
    for (const end = id + 1_000; id < end; id++) {
      const name = id % 10 === 0 ? `"Zoë ""${(id * 7919) % 100_003}"", née Müller"` : `name ${(id * 7919) % 100_003}`
      const day = `2024-${String(1 + (id % 12)).padStart(2, '0')}-${10 + (id % 18)}`
      const price = ((id * 31) % 99_991) / 8
      block.push(
        `${id},${name},${price},${day},${day}T10:${10 + (id % 50)}:00Z,${id % 3 === 0},note ${'x'.repeat(30 + (id % 40))}\n`,
      )
    }
    const text = block.join('')
    written += Buffer.byteLength(text)
    yield text
  }
}
