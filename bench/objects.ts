import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { peerOf, type Site, sites } from '../shared/domain/site.ts'
import { bench } from './bench.ts'
import { bundleProgram } from './bundle.ts'
import { type Figure, printFigure } from './figures.ts'
import { copyByCore, copyByRclone } from './objects/copier.ts'
import { fillLarge, fillSmall } from './objects/fill.ts'
import { secondsToHandOut, secondsToTakeIn } from './objects/floor.ts'
import { benchMemory } from './objects/memory.ts'
import { startServers, type Servers } from './objects/servers.ts'
import { objectsBucket, storesOf } from './objects/stores.ts'

const portBase = 14_600
const smallBytes = 1_024
const smallAtOnce = 24
/** How often as fast as rclone. */
const speedBar = 2

export const objectsBench = bench(
  'Copies between the local S3 server and Azurite, beside rclone between the same two, and the memory for them.',
  {
    objects: { type: 'string', default: '5000', value: 'N', about: 'small objects' },
    mib: { type: 'string', default: '1024', value: 'N', about: 'MiB of the large one' },
    'huge-mib': { type: 'string', default: '10240', value: 'N', about: 'MiB of the largest whose memory is looked at' },
    memory: { type: 'boolean', default: false, about: 'the memory alone' },
  },
  measureObjects,
)

interface Wishes {
  readonly objects: string
  readonly mib: string
  readonly 'huge-mib': string
  readonly memory: boolean
}

async function measureObjects(values: Wishes): Promise<boolean> {
  const folder = await mkdtemp(join(tmpdir(), 'catamaran-bench-'))
  let met = true
  const print = (figure: Figure): void => {
    met = printFigure(figure) && met
  }
  try {
    const program = await bundleProgram('bench/objects/copier-child.ts', folder)
    if (!values.memory) await benchBesideRclone(program, folder, values, print)
    await benchMemory(program, [1, 1_024, Number(values['huge-mib'])], print)
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
  return met
}

async function benchBesideRclone(
  program: string,
  folder: string,
  { objects, mib }: Wishes,
  print: (figure: Figure) => void,
): Promise<void> {
  const servers = await startServers(folder, portBase)
  try {
    const sizes = { objects: Number(objects), bytes: Number(mib) * 2 ** 20 }
    for (const from of sites) await benchDirection(servers, { program, from, sizes }, print)
  } finally {
    await servers.stop()
  }
}

interface Direction {
  readonly program: string
  readonly from: Site
  readonly sizes: { readonly objects: number; readonly bytes: number }
}

async function benchDirection(
  servers: Servers,
  { program, from, sizes: { objects, bytes } }: Direction,
  print: (figure: Figure) => void,
): Promise<void> {
  const endpoints = { s3Port: servers.s3Port, blobPort: servers.blobPort }
  const to = peerOf(from)
  const source = storesOf(endpoints)[from]
  const many = await fillSmall(source, `many-${from}`, objects, smallBytes)
  const large = await fillLarge(source, `large-${from}`, bytes)
  const cases = [
    { what: `${objects} objects of 1 KiB`, folder: `many-${from}`, keys: many, bytes: smallBytes, atOnce: smallAtOnce },
    { what: `one object of ${bytes / 2 ** 20} MiB`, folder: `large-${from}`, keys: [large], bytes, atOnce: 1 },
  ]
  for (const { what, folder, ...order } of cases) {
    const ours = await copyByCore(program, { endpoints, to, ...order })
    const path = `${objectsBucket}/objects/${folder}`
    const theirs = await copyByRclone(endpoints, `${from}:${path}`, `${to}:${path}-by-rclone`)
    const name = `objects ${from} to ${to}: ${what}`
    const rclone = (value: number) => ({ name: 'rclone', value })
    const faster = { atMost: theirs.seconds / speedBar }
    print({ name: `${name}, time`, value: ours.seconds, unit: 's', bar: faster, peer: rclone(theirs.seconds) })
    print({ name: `${name}, processor time`, value: ours.cpuSeconds, unit: 's', peer: rclone(theirs.cpuSeconds) })
    const peak = { value: ours.peakMiB, unit: 'MiB', bar: { atMost: theirs.peakMiB }, peer: rclone(theirs.peakMiB) }
    print({ name: `${name}, peak memory`, ...peak })
    print({ name: `${name}, memory over idle`, value: ours.peakMiB - ours.idleMiB, unit: 'MiB', bar: { atMost: 96 } })
  }
  const floor = {
    out: await secondsToHandOut(source, large, bytes),
    in: await secondsToTakeIn(storesOf(endpoints)[to], bytes),
  }
  const name = `objects ${from} to ${to}: one object of ${bytes / 2 ** 20} MiB`
  print({ name: `${name}, handed out and thrown away`, value: floor.out, unit: 's' })
  print({ name: `${name}, taken in from nowhere`, value: floor.in, unit: 's' })
}
