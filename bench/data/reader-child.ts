/** Reads one data file in one way and says in JSON how long that took and how much memory. Run with a way and a path. */
import { createReadStream } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parse } from 'csv-parse'
import { inspectRows } from '../../shared/data/inspect.ts'
import { rowBatches } from '../../shared/data/rows.ts'
import { convertData } from '../../shared/media/data-convert.ts'
import { inspectData } from '../../shared/media/data.ts'

export interface Reading {
  readonly rows: number
  readonly seconds: number
  /** Of a processor. */
  readonly cpuSeconds: number
  readonly peakMiB: number
}

export type Way = 'csv-parse-arrays' | 'csv-parse-objects' | 'rows' | 'convert' | 'nothing'

const { signal } = new AbortController()
const open = (path: string) => createReadStream(path)

async function parsed(path: string, columns: boolean): Promise<number> {
  let rows = columns ? 0 : -1
  for await (const _ of open(path).pipe(parse({ columns }))) rows++
  return rows
}

async function read(path: string): Promise<number> {
  const { options, types } = inspected ?? (await inspect(path))
  let rows = 0
  for await (const batch of rowBatches(open(path), { ...options, types })) {
    for (const item of batch) if ('row' in item) rows++
  }
  return rows
}

const inspect = (path: string) => inspectRows(() => open(path), { format: 'csv', signal })
let inspected: Awaited<ReturnType<typeof inspect>> | undefined

async function convert(path: string): Promise<number> {
  const workFolder = await mkdtemp(join(tmpdir(), 'catamaran-reader-'))
  try {
    const { recipes } = await inspectData({ path }, { mediaType: 'text/csv' }, signal)
    const files = await convertData(path, recipes, { workFolder, signal })
    return Number(files[0]?.properties['rows'])
  } finally {
    await rm(workFolder, { recursive: true, force: true })
  }
}

const ways: Readonly<Record<Way, (path: string) => Promise<number>>> = {
  'csv-parse-arrays': (path) => parsed(path, false),
  'csv-parse-objects': (path) => parsed(path, true),
  rows: read,
  convert,
  nothing: async () => 0,
}

const [way = 'nothing', path = ''] = process.argv.slice(2) as [Way?, string?]
// Types are found once when a file comes in, and are no part of reading it.
if (way === 'rows') inspected = await inspect(path)
const began = performance.now()
const begunCpu = process.cpuUsage()
const rows = await ways[way](path)
const seconds = (performance.now() - began) / 1000
const { user, system } = process.cpuUsage(begunCpu)
const cpuSeconds = (user + system) / 1e6
const reading: Reading = { rows, seconds, cpuSeconds, peakMiB: process.resourceUsage().maxRSS / 1024 }
process.stdout.write(JSON.stringify(reading))
