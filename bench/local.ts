import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { seedKey } from '../local/seed.ts'
import { type Clouds, startClouds } from '../local/supervisor/clouds.ts'
import { build } from '../scripts/build.ts'
import { apiOf } from '../local/tour/api.ts'
import { type Site, sites } from '../shared/domain/site.ts'
import { type BareHost, startBareHost } from './bare-host.ts'
import { bench } from './bench.ts'
import { printBundles } from './cold.ts'
import { type Figure, printFigure } from './figures.ts'
import { type HttpRequest, type Load, measureLoad } from './load.ts'
import { measureVisible } from './visible.ts'

const portBase = 14_500
const durationMs = 3_000
const warmUp = 60
const concurrencies = [1, 8] as const
const startSecondsBar = 15

export const localBench = bench(
  'Both clouds on this machine, with fresh data: start, calls to the API beside a bare handler, and how soon the other site has it.',
  {},
  measureLocal,
)

async function measureLocal(): Promise<boolean> {
  const folder = await mkdtemp(join(tmpdir(), 'catamaran-bench-'))
  let met = true
  const print = (figure: Figure): void => {
    met = printFigure(figure) && met
  }
  try {
    await build()
    await printBundles(print)
    const began = performance.now()
    const clouds = await startClouds({ dataFolder: join(folder, 'data'), portBase })
    const seconds = (performance.now() - began) / 1000
    print({ name: 'start-to-ready', value: seconds, unit: 's', bar: { atMost: startSecondsBar } })
    try {
      const key = await seedKey(clouds)
      for (const site of sites) await benchSite(clouds, site, key, folder, print)
      for (const site of sites) await benchBoth(clouds, site, key, print)
      await benchVisible(clouds, key, print)
    } finally {
      await clouds.stop()
    }
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
  return met
}

const body = JSON.stringify({ customer: 'customer 7', cents: 1_250, paid: true, note: 'x'.repeat(200) })
let made = 0

async function benchSite(
  clouds: Clouds,
  site: Site,
  apiKey: string,
  folder: string,
  print: (figure: Figure) => void,
): Promise<void> {
  const bare = await startBareHost(clouds, site, folder)
  try {
    await putKnown(clouds, site, apiKey, bare)
    for (const operation of ['put', 'get'] as const) {
      for (const concurrency of concurrencies) {
        const options = { concurrency, durationMs, warmUp }
        const api = apiRequests(clouds, site, apiKey, operation)
        const beside = bareRequests(bare, site, operation)
        // The bare handler before and after, so that a machine that changes its mind shows in both.
        const before = await measureLoad({ ...options, ...beside })
        const ours = await measureLoad({ ...options, ...api })
        const after = await measureLoad({ ...options, ...beside })
        printLoad(`${site} ${operation} c${concurrency}`, ours, meanOf(before, after), print)
      }
    }
  } finally {
    await bare.stop()
  }
}

/** What the gets read. */
async function putKnown(clouds: Clouds, site: Site, apiKey: string, bare: BareHost): Promise<void> {
  const path = `/v1/collections/bench/records/${site}-known`
  const headers = { 'if-none-match': '*', 'content-type': 'application/json' }
  await apiOf(site, clouds.urls[site].api, apiKey).call('PUT', path, { content: body, headers, status: 201 })
  const answer = await fetch(`${bare.url}/bare-known-${site}`, { method: 'PUT', body })
  if (answer.status !== 201) throw new Error(`The bare handler answered ${answer.status} ${await answer.text()}`)
}

const meanOf = (a: Load, b: Load): Load => ({
  perSecond: (a.perSecond + b.perSecond) / 2,
  p50Ms: (a.p50Ms + b.p50Ms) / 2,
  p99Ms: (a.p99Ms + b.p99Ms) / 2,
})

function printLoad(name: string, ours: Load, bare: Load, print: (figure: Figure) => void): void {
  const peer = (value: number) => ({ name: 'bare handler, the same SDK call', value })
  print({ name: `${name} rate`, value: ours.perSecond, unit: 'requests/s', peer: peer(bare.perSecond) })
  print({ name: `${name} p50`, value: ours.p50Ms, unit: 'ms', peer: peer(bare.p50Ms) })
  print({ name: `${name} p99`, value: ours.p99Ms, unit: 'ms', peer: peer(bare.p99Ms) })
}

interface Requests {
  readonly next: () => HttpRequest
  readonly status: number
}

function apiRequests(clouds: Clouds, site: Site, apiKey: string, operation: 'put' | 'get'): Requests {
  const records = `${clouds.urls[site].api}/v1/collections/bench/records`
  const authorization = `Bearer ${apiKey}`
  const putHeaders = { authorization, 'content-type': 'application/json', 'if-none-match': '*' }
  const put = (): HttpRequest => {
    const id = `${site}-${made++}`
    return { method: 'PUT', url: `${records}/${id}`, headers: putHeaders, content: body }
  }
  if (operation === 'put') return { next: put, status: 201 }
  const url = `${records}/${site}-known`
  return { next: () => ({ method: 'GET', url, headers: { authorization } }), status: 200 }
}

function bareRequests(bare: BareHost, site: Site, operation: 'put' | 'get'): Requests {
  const put = (): HttpRequest => ({ method: 'PUT', url: `${bare.url}/bare-${made++}`, headers: {}, content: body })
  if (operation === 'put') return { next: put, status: 201 }
  return { next: () => ({ method: 'GET', url: `${bare.url}/bare-known-${site}`, headers: {} }), status: 200 }
}

/** What it costs to hear that both sites hold a write, beside the same put that this site alone answers for. */
async function benchBoth(clouds: Clouds, site: Site, apiKey: string, print: (figure: Figure) => void): Promise<void> {
  const put = apiRequests(clouds, site, apiKey, 'put')
  const applied = 'durability=both'
  const next = (): HttpRequest => {
    const request = put.next()
    return { ...request, headers: { ...request.headers, prefer: applied } }
  }
  const options = { concurrency: 1, durationMs, warmUp, status: put.status }
  const before = await measureLoad({ ...options, next: put.next })
  const both = await measureLoad({ ...options, next, applied })
  const alone = meanOf(before, await measureLoad({ ...options, next: put.next }))
  const peer = (value: number) => ({ name: 'default put', value })
  const name = `put at ${site}, ${applied}`
  print({ name: `${name} p50`, value: both.p50Ms, unit: 'ms', peer: peer(alone.p50Ms) })
  print({ name: `${name} p99`, value: both.p99Ms, unit: 'ms', peer: peer(alone.p99Ms) })
}

async function benchVisible(clouds: Clouds, apiKey: string, print: (figure: Figure) => void): Promise<void> {
  for (const [from, to] of [
    ['aws', 'azure'],
    ['azure', 'aws'],
  ] as const) {
    const { p50Ms, p99Ms } = await measureVisible(clouds, from, to, apiKey)
    print({ name: `put at ${from}, visible at ${to} p50`, value: p50Ms, unit: 'ms' })
    print({ name: `put at ${from}, visible at ${to} p99`, value: p99Ms, unit: 'ms' })
  }
}
