import { spawnSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { forEachOf } from '../../shared/core/each.ts'
import { handleChanges } from '../../shared/core/feed.ts'
import { runJob } from '../../shared/core/jobs.ts'
import { writeRecord } from '../../shared/core/records.ts'
import type { WorkTools } from '../../shared/core/work-tools.ts'
import { assetKey, digestOfKey, mediaKey, type MediaBody } from '../../shared/domain/asset.ts'
import { sha256Hex } from '../../shared/domain/hash.ts'
import type { ObjectStore } from '../../shared/ports/object-store.ts'
import { memoryRecordStore } from '../../test/memory/record-store.ts'
import { memorySiteStore } from '../../test/memory/site-store.ts'
import type { Figure } from '../figures.ts'
import { copyByRclone } from '../objects/copier.ts'
import { fillSmall } from '../objects/fill.ts'
import { startServers } from '../objects/servers.ts'
import { objectsBucket, storesOf } from '../objects/stores.ts'
import { measureRun, settle } from './runs.ts'
import { type BenchSites, benchSites } from './sites.ts'
import { countTcp } from './tcp-counter.ts'

const objectBytes = 1_024
const tenant = 'shop'
const bytesBar = 1_000
const feedBatch = 100
const portBase = 14_700
const putsAtOnce = 24

type Print = (figure: Figure) => void

/** Assets with one object each, replicated; then a reconcile that has nothing to do, beside rclone's. */
export async function benchObjects(count: number, print: Print): Promise<void> {
  const sites = await benchSites((_, clock) => ({
    records: memoryRecordStore(),
    siteStore: memorySiteStore({ clock }),
  }))
  try {
    await makeAssets(sites, count)
    await settle(sites)
    const copied = sites.azure.objects.all().length
    if (copied !== count) throw new Error(`${copied} of ${count} objects were copied.`)
    const run = await measureRun(sites, 'aws')
    if (!run.report.clean) throw new Error('The sites differ after all was copied.')
    const rclone = await measureRclone(count)
    const name = `nothing to do for ${count} objects`
    const beside = (value: number | undefined) => (value === undefined ? {} : { peer: { name: 'rclone copy', value } })
    const bytes = run.traffic.bodyBytes + run.traffic.headerBytes
    print({ name: `${name}: bytes`, value: bytes, unit: 'bytes', bar: { atMost: bytesBar }, ...beside(rclone?.bytes) })
    const requests = { unit: 'requests', ...beside(rclone?.requests) }
    print({ name: `${name}: calls of the peer`, value: run.traffic.calls, ...requests })
    print({ name: `${name}: calls of object stores`, value: run.objectCalls, ...requests, bar: { atMost: 0 } })
  } finally {
    await sites.close()
  }
}

/** Assets as processing leaves them at one site, copied to the other by its own jobs. */
async function makeAssets(sites: BenchSites, count: number): Promise<void> {
  const { services, objects } = sites.aws
  const keys = await fillSmall(objects, tenant, count, objectBytes)
  const any = { precondition: { kind: 'none' } } as const
  for (const [index, objectKey] of keys.entries()) {
    const id = objectKey.split('/')[2] ?? ''
    const media: MediaBody = {
      status: 'ready',
      version: `v${index}`,
      job: `j${index}`,
      site: 'aws',
      bytes: objectBytes,
      sha256: digestOfKey(objectKey),
      objectKey,
      properties: {},
      renditions: [],
    }
    await writeRecord(services, assetKey(tenant, id), any, () => ({ name: id, labels: {}, source: { kind: 'upload' } }))
    await writeRecord(services, mediaKey(tenant, id), any, () => media)
  }
  const work = {
    fetch: (url, init) => objects.fetch(url, { headers: init.headers }),
    outbound: { request: refuse },
    converter: { inspect: refuse, convert: refuse },
    workFolder: refuse,
  } satisfies WorkTools
  while ((await deliver(sites)) || (await runJobs(sites, work))) continue
}

const refuse = async (): Promise<never> => {
  throw new Error('Nothing is converted here.')
}

async function deliver(sites: BenchSites): Promise<boolean> {
  let isBusy = false
  for (const { services, reads } of [sites.aws, sites.azure]) {
    const keys = reads.changed.splice(0, feedBatch)
    const records = await services.records.getMany(keys)
    await handleChanges(
      services,
      records.filter((record) => record !== undefined),
    )
    isBusy ||= keys.length > 0
  }
  return isBusy
}

async function runJobs({ azure }: BenchSites, work: WorkTools): Promise<boolean> {
  const delivery = azure.queue.receive()
  if (!delivery) return false
  await runJob(azure.services, work, delivery.message, new AbortController().signal)
  delivery.acknowledge()
  return true
}

/** All in one folder, which spares rclone a listing of each asset's. */
async function fillFlat(store: ObjectStore, count: number): Promise<void> {
  await forEachOf(Array.from({ length: count }), putsAtOnce, async () => {
    const body = randomBytes(objectBytes)
    await store.put(`objects/${tenant}/all/${sha256Hex(body)}`, body, { mediaType: 'application/octet-stream' })
  })
}

/** The second of two copies of the same objects from S3 to Azurite; undefined where rclone is not installed. */
async function measureRclone(count: number): Promise<{ bytes: number; requests: number } | undefined> {
  if (spawnSync('rclone', ['version']).error) return undefined
  const folder = await mkdtemp(join(tmpdir(), 'catamaran-bench-'))
  const servers = await startServers(folder, portBase)
  const counters = [await countTcp(servers.s3Port), await countTcp(servers.blobPort)] as const
  try {
    await fillFlat(storesOf(servers).aws, count)
    const path = `${objectsBucket}/objects/${tenant}`
    const endpoints = { s3Port: counters[0].port, blobPort: counters[1].port }
    await copyByRclone(endpoints, `aws:${path}`, `azure:${path}`)
    for (const { count: sum } of counters) Object.assign(sum, { bytes: 0, requests: 0 })
    await copyByRclone(endpoints, `aws:${path}`, `azure:${path}`)
    const [s3, blob] = counters
    return { bytes: s3.count.bytes + blob.count.bytes, requests: s3.count.requests + blob.count.requests }
  } finally {
    for (const counter of counters) await counter.close()
    await servers.stop()
    await rm(folder, { recursive: true, force: true })
  }
}
