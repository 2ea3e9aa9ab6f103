/** Takes states in over the peer API, in a process of its own: prints an ApplyResult. */
import { readFileSync } from 'node:fs'
import { systemClock } from '../../shared/adapters/clock.ts'
import { memorySiteStore } from '../../test/memory/site-store.ts'
import { peerOver, servicesOver } from './applying-site.ts'
import { diskRecordStore } from './disk-records.ts'
import { offersOf } from './states.ts'

export interface ApplyOrder {
  readonly records: number
  readonly store: 'disk' | 'dynamodb' | 'cosmos'
  /** The store's file, or its URL. */
  readonly at: string
}

export interface ApplyResult {
  readonly records: number
  readonly seconds: number
  /** Of this process alone. */
  readonly cpuSeconds: number
  /** Resident before the first record. */
  readonly idleMiB: number
  readonly peakMiB: number
}

/** As many offers as a feed has on their way at once. */
const offersAtOnce = 4
const warmUpRecords = 2_000

const { records: count, store, at } = JSON.parse(process.argv[2] ?? '{}') as ApplyOrder
const stores =
  store === 'disk'
    ? { records: diskRecordStore(at), siteStore: memorySiteStore({ clock: systemClock }) }
    : // The clouds' libraries are loaded only where they are measured.
      (await import('./real-stores.ts')).realStores(store, at)
const idleMiB = memoryMiB('VmRSS')
const peer = await peerOver(servicesOver(store === 'dynamodb' ? 'aws' : 'azure', stores))
await applyAll(warmUpRecords, 'warm-up')
const [began, cpu] = [performance.now(), process.cpuUsage()]
await applyAll(count)
const seconds = (performance.now() - began) / 1000
const { user, system } = process.cpuUsage(cpu)
const cpuSeconds = (user + system) / 1e6
const result: ApplyResult = { records: count, seconds, cpuSeconds, idleMiB, peakMiB: memoryMiB('VmHWM') }
process.stdout.write(JSON.stringify(result))
process.exit(0)

/** A field of Linux's `/proc/self/status`. */
function memoryMiB(field: 'VmRSS' | 'VmHWM'): number {
  const [, kib = '0'] = new RegExp(`${field}:\\s+(\\d+) kB`).exec(readFileSync('/proc/self/status', 'utf8')) ?? []
  return Number(kib) / 1024
}

async function applyAll(records: number, collection?: string): Promise<void> {
  const offers = offersOf(records, collection)
  const sender = async (): Promise<void> => {
    for (const states of offers) {
      const outcomes = await peer.offer(states)
      const refused = outcomes.find(({ kind }) => kind !== 'applied')
      if (refused) throw new Error(`A state was not taken in: ${JSON.stringify(refused)}`)
    }
  }
  await Promise.all(Array.from({ length: offersAtOnce }, sender))
}
