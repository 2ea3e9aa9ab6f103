import { markDirty } from '../../shared/core/dirty-buckets.ts'
import { reconcile, type ReconcileReport } from '../../shared/core/reconcile.ts'
import { writeRecord } from '../../shared/core/records.ts'
import type { Site } from '../../shared/domain/site.ts'
import { bodyAt, keyAt } from './fill.ts'
import type { BenchSite, BenchSites } from './sites.ts'
import type { Traffic } from './wire.ts'

export interface Run {
  readonly report: ReconcileReport
  readonly traffic: Traffic
  readonly seconds: number
  /** Keys and vectors read from the bucket indexes, whole records read, calls to the object stores: both sites together. */
  readonly entries: number
  readonly records: number
  readonly objectCalls: number
  /** The most by which the process outgrew what it held before. */
  readonly growthMiB: number
}

/** What the feed marked has settled after this. */
const settledMs = 10_000
const memoryEveryMs = 50
const feedBatch = 100

/** One reconcile at a site, and what it cost both. */
export async function measureRun(sites: BenchSites, at: Site): Promise<Run> {
  const both = [sites.aws, sites.azure]
  await sites.clock.advance(settledMs)
  takeTraffic(sites)
  for (const site of both) {
    site.reads.entries = 0
    site.reads.records = 0
    site.objectCalls = 0
  }
  const heldBytes = process.memoryUsage.rss()
  let mostBytes = heldBytes
  const watch = setInterval(() => (mostBytes = Math.max(mostBytes, process.memoryUsage.rss())), memoryEveryMs)
  const began = performance.now()
  const report = await reconcile(sites[at].services)
  const seconds = (performance.now() - began) / 1000
  clearInterval(watch)
  if (report.error !== undefined) throw new Error(report.error)
  const sum = (count: (site: BenchSite) => number): number => both.reduce((all, site) => all + count(site), 0)
  return {
    report,
    traffic: takeTraffic(sites),
    seconds,
    entries: sum(({ reads }) => reads.entries),
    records: sum(({ reads }) => reads.records),
    objectCalls: sum(({ objectCalls }) => objectCalls),
    growthMiB: (mostBytes - heldBytes) / 2 ** 20,
  }
}

function takeTraffic({ aws, azure }: BenchSites): Traffic {
  const [a, b] = [aws.wire.take(), azure.wire.take()]
  return {
    calls: a.calls + b.calls,
    bodyBytes: a.bodyBytes + b.bodyBytes,
    headerBytes: a.headerBytes + b.headerBytes,
  }
}

let version = 0

/** Long enough for the breaker's hour to be over. */
const hoursMs = 2 * 3_600_000

/** Edits `count` records of the first `total`, scattered. The feed marks them, and what it offers gets lost. */
export async function editScattered({ aws: site, clock }: BenchSites, count: number, total: number): Promise<void> {
  await clock.advance(hoursMs)
  version += 1
  const step = Math.floor(total / count)
  for (let n = 0; n < count; n++) {
    const index = n * step + ((version + n) % step)
    const key = keyAt(index)
    await writeRecord(site.services, key, { precondition: { kind: 'none' } }, () => bodyAt(index, version))
  }
  await deliverMarks(site)
}

/** The first half of what the feed does. */
export async function deliverMarks({ services, reads }: BenchSite): Promise<void> {
  const changed = reads.changed.splice(0)
  for (let start = 0; start < changed.length; start += feedBatch) {
    const records = await services.records.getMany(changed.slice(start, start + feedBatch))
    await markDirty(
      services,
      records.filter((record) => record !== undefined),
    )
  }
}

/** Reconciles both ways until nothing differs. */
export async function settle(sites: BenchSites): Promise<void> {
  for (let round = 0; round < 10; round++) {
    for (const site of [sites.aws, sites.azure]) await deliverMarks(site)
    await sites.clock.advance(settledMs)
    const aws = await reconcile(sites.aws.services)
    const azure = await reconcile(sites.azure.services)
    if (aws.clean && azure.clean) return
  }
  throw new Error('The sites do not come to rest.')
}
