import { execFile } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { peerOf, sites } from '../shared/domain/site.ts'
import { bench } from './bench.ts'
import { bundleProgram } from './bundle.ts'
import { type Figure, printFigure } from './figures.ts'
import { peersFolder } from './peers.ts'
import type { ApplyOrder, ApplyResult } from './replication/apply-child.ts'
import { measureLag } from './replication/lag.ts'
import { measureRates } from './replication/rates.ts'
import { startStores } from './replication/start-stores.ts'

export const replicationBench = bench(
  `Records taken in a second and core, and the memory for it, beside PouchDB replication; how long a put takes to be stored at
  the other site, both ways at once in memory with 100 ms round trip, and at the rates that the local servers bear.`,
  { quick: { type: 'boolean', default: false, about: 'a hundredth of the records, to see that it works' } },
  measureReplication,
)

const peakMiBMax = 128
const recordsPerSecondMin = 10_000
const lagP99MsMax = 1_000
const lagP999MsMax = 5_000
const portBase = 14_700
/** A heap as small as a function of 128 MiB would have: what is not used is given back soon. */
const flags = ['--max-semi-space-size=2', '--max-old-space-size=64', '--disable-warning=ExperimentalWarning']
const run = promisify(execFile)

async function measureReplication({ quick }: { readonly quick: boolean }): Promise<boolean> {
  const share = quick ? 0.01 : 1
  const folder = await mkdtemp(join(tmpdir(), 'catamaran-bench-'))
  let met = true
  const print = (figure: Figure): void => {
    met = printFigure(figure) && met
  }
  try {
    const program = await bundleProgram('bench/replication/apply-child.ts', folder)
    await benchApply(program, folder, share, print)
    await benchServers(program, join(folder, 'servers'), share, print)
    await benchLag(quick ? 2 : 20, print)
    await measureRates(join(folder, 'clouds'), quick ? 2 : 10, print)
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
  return met
}

type Print = (figure: Figure) => void

/** In memory but for the records themselves, which lie in a file: what is measured is the taking in, not the keeping. */
async function benchApply(program: string, folder: string, share: number, print: Print): Promise<void> {
  const peer = await runPouch(10_000 * share)
  for (const records of [10_000 * share, 1_000_000 * share]) {
    const found = await applyIn(program, { records, store: 'disk', at: join(folder, `${records}.sqlite`) })
    const name = `replication: ${records} records taken in`
    const beside = (value: number | undefined) => (value === undefined ? {} : { peer: { name: 'PouchDB 9', value } })
    const perSecond = records / found.seconds
    const bar = { atLeast: recordsPerSecondMin }
    print({ name: `${name}, rate`, value: perSecond, unit: 'records/s', bar, ...beside(peer?.perSecond) })
    print({ name: `${name}, rate of a core`, value: records / found.cpuSeconds, unit: 'records/s' })
    const memory = { value: found.peakMiB, unit: 'MiB', bar: { atMost: peakMiBMax } }
    print({ name: `${name}, peak memory`, ...memory, ...beside(peer?.peakMiB) })
    print({ name: `${name}, memory of the loaded program`, value: found.idleMiB, unit: 'MiB' })
  }
}

async function applyIn(program: string, order: ApplyOrder): Promise<ApplyResult> {
  const { stdout } = await run(process.execPath, [...flags, program, JSON.stringify(order)])
  return JSON.parse(stdout) as ApplyResult
}

async function runPouch(docs: number): Promise<{ readonly perSecond: number; readonly peakMiB: number } | undefined> {
  const cwd = await peersFolder('pouchdb-core')
  if (cwd === undefined) return undefined
  const { stdout } = await run(process.execPath, ['pouchdb.mjs', String(docs)], { cwd })
  const { seconds, peakMiB } = JSON.parse(stdout) as { seconds: number; peakMiB: number }
  return { perSecond: docs / seconds, peakMiB }
}

/** Over the deployed adapters: the local servers are what takes the time. */
async function benchServers(program: string, folder: string, share: number, print: Print): Promise<void> {
  const records = 20_000 * share
  const servers = await startStores(folder, portBase)
  try {
    for (const store of ['dynamodb', 'cosmos'] as const) {
      const found = await applyIn(program, { records, store, at: servers[store] })
      const name = `replication: ${records} records taken in by the local ${store} server`
      print({ name: `${name}, rate`, value: records / found.seconds, unit: 'records/s' })
      print({ name: `${name}, rate of a core of the function`, value: records / found.cpuSeconds, unit: 'records/s' })
    }
  } finally {
    await servers.stop()
  }
}

async function benchLag(seconds: number, print: Print): Promise<void> {
  const lags = await measureLag({ perSecond: 1_000, seconds, roundTripMs: 100 })
  for (const from of sites) {
    const { perSecond, p50Ms, p99Ms, p999Ms } = lags[from]
    const name = `replication: put at ${from} to stored at ${peerOf(from)}, both ways at once in memory, 100 ms round trip`
    print({ name: `${name}, rate`, value: perSecond, unit: 'records/s' })
    print({ name: `${name}, p50`, value: p50Ms, unit: 'ms' })
    print({ name: `${name}, p99`, value: p99Ms, unit: 'ms', bar: { atMost: lagP99MsMax } })
    print({ name: `${name}, p99.9`, value: p999Ms, unit: 'ms', bar: { atMost: lagP999MsMax } })
  }
}
