import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Site } from '../shared/domain/site.ts'
import { makeSamples, type Sample } from './samples/make.ts'
import { developmentTenant, keyLines, seedKey } from './seed.ts'
import type { Clouds } from './supervisor/clouds.ts'
import { type Api, apiOf, Unexpected } from './tour/api.ts'
import { type Apis, showConflict, showDelete, writeRecords } from './tour/both-sides.ts'
import { ingestByApi, ingestByDrop, type Item } from './tour/ingest.ts'
import { showOutage } from './tour/outage.ts'
import { type Print, type Progress, progressOf, sizeText, tableLines } from './tour/progress.ts'
import { untilReady } from './tour/ready.ts'
import { withFewerRows } from './tour/shorten.ts'
import { verifyBytes } from './tour/verify.ts'

const root = join(dirname(fileURLToPath(import.meta.url)), '..')
/** Made once and shared by all data folders: the samples never change. */
export const sampleFolder = join(root, 'node_modules/.cache/catamaran-samples')

export interface TourOptions {
  readonly print: Print
  readonly signal?: AbortSignal
}

/**
 * The main job, shown: files and records go in at both clouds and come out converted at both; then an edit on both sides,
 * a delete, and an outage of one. True when all of it held; otherwise says what was expected, what was seen, and where
 * the logs are. It can be repeated on the same data. Once `signal` is aborted it says nothing more and rejects with the
 * signal's reason.
 */
export async function runTour(clouds: Clouds, options: TourOptions): Promise<boolean> {
  const { signal } = options
  const print: Print = (line) => {
    if (!signal?.aborted) options.print(line)
  }
  const progress = progressOf(print)
  try {
    const key = await seedKey(clouds, developmentTenant, { signal })
    const api = (site: Site): Api => apiOf(site, clouds.urls[site].api, key, signal)
    const apis = { aws: api('aws'), azure: api('azure') }
    await showFiles(clouds, apis, progress, print)
    const run = Date.now().toString(36)
    progress.part('One system, two sides')
    await writeRecords(apis, progress)
    await showConflict(apis, run, progress)
    await showDelete(apis, run, progress)
    progress.part('One cloud down')
    await showOutage(clouds, apis, run, progress)
    printEnd(clouds, key, progress, print)
    return true
  } catch (error) {
    signal?.throwIfAborted()
    printFailure(clouds, error, progress, print)
    return false
  }
}

/** Rows take longest from end to end, films next: what is begun first waits for nothing. */
const slowestFirst = (samples: readonly Sample[]): Sample[] =>
  samples.toSorted((a, b) => slowness.indexOf(b.kind) - slowness.indexOf(a.kind))

const slowness = ['audio', 'animation', 'logo', 'photo', 'video', 'events', 'table']

async function showFiles(clouds: Clouds, apis: Apis, progress: Progress, print: Print): Promise<void> {
  progress.part('Files in at both clouds')
  const samples = slowestFirst(await makeSamples(sampleFolder))
  const fewer = await withFewerRows(samples, join(sampleFolder, 'fewer-rows'))
  progress.say(`${samples.length} sample files at hand`)
  const arrived = await Promise.all([
    ingestByApi(apis.aws, samples, progress),
    ingestByDrop(clouds, apis.azure, developmentTenant, fewer, progress),
  ])
  const items = arrived.flat()
  await untilReady(apis, items, progress)
  const { files, bytes } = await verifyBytes(clouds, apis, items)
  progress.say(`${files} downloads through both edges, ${sizeText(bytes)}: every SHA-256 as it should be`)
  print('')
  for (const line of tableOf(items)) print(line)
}

function tableOf(items: readonly Item[]): string[] {
  const rows = items.map((item) => {
    const view = item.views.aws
    const all = (view?.renditions ?? []).reduce((bytes, each) => bytes + each.bytes, item.bytes)
    const made = [`${view?.renditions.length ?? 0}`, view?.rows ? `+ ${view.rows.count} rows` : ''].join(' ').trim()
    const ready = (site: 'aws' | 'azure'): string => `${(item.readyS[site] ?? 0).toFixed(1)} s`
    // A row is only printed once every byte of it was fetched at both sites and compared.
    return [item.name, item.way, sizeText(item.bytes), made, sizeText(all), ready('aws'), ready('azure'), 'equal']
  })
  const head = ['item', 'came in', 'bytes', 'renditions', 'in all', 'ready aws', 'ready azure', 'SHA-256']
  return tableLines([head, ...rows], [2, 4, 5, 6])
}

function printEnd(clouds: Clouds, key: string, progress: Progress, print: Print): void {
  const { aws, azure } = clouds.urls
  print('')
  progress.say('all of it held')
  print('')
  for (const [site, urls] of Object.entries({ aws, azure })) {
    print(`${site.padEnd(6)} API ${urls.api}   docs ${urls.api}/docs   edge ${urls.edge}`)
  }
  for (const line of keyLines(clouds, key)) print(line)
}

function printFailure(clouds: Clouds, error: unknown, progress: Progress, print: Print): void {
  const { message, stack } = error as Error
  progress.say('the tour failed')
  if (error instanceof Unexpected) {
    print(`  what      ${message.split(': expected ')[0]}`)
    print(`  expected  ${error.expected}`)
    print(`  seen      ${error.seen}`)
  } else {
    print(`  ${stack ?? message}`)
  }
  print(`  logs      ${join(clouds.dataFolder, 'logs')}`)
}
