import { type Site, sites } from '../../shared/domain/site.ts'
import { type Api, Unexpected } from './api.ts'
import { type Item, namePrefix } from './ingest.ts'
import type { Progress } from './progress.ts'
import type { Asset } from './upload.ts'
import { until } from './until.ts'

type Apis = Readonly<Record<Site, Api>>

const readyMsMax = 240_000
const everyMs = 800
/** Without news for this long, a line says what is still awaited. */
const quietMsMax = 5_000
const rowsPage = 1_000

/** Resolves when both sites have every item, converted, with its bytes and its rows. */
export async function untilReady(apis: Apis, items: readonly Item[], progress: Progress): Promise<void> {
  let saidMs = performance.now()
  const say = (text: string): void => {
    saidMs = performance.now()
    progress.say(text)
  }
  const look = async (): Promise<boolean> => {
    for (const site of sites) await lookAt(apis[site], items, say, progress)
    const waiting = sites.flatMap((site) => items.filter((item) => item.readyS[site] === undefined))
    if (waiting.length > 0 && performance.now() - saidMs > quietMsMax) say(summaryOf(items))
    return waiting.length === 0
  }
  await until('every file converted and at both clouds', look, {
    timeoutMs: readyMsMax,
    everyMs,
    signal: apis.aws.signal,
    seen: () =>
      sites.flatMap((site) => waitingAt(items, site).map((item) => `${item.name} at ${site}: ${stateAt(item, site)}`)),
  })
}

const waitingAt = (items: readonly Item[], site: Site): Item[] =>
  items.filter((item) => item.readyS[site] === undefined)

/** How many are awaited at each site, and in which states. */
const summaryOf = (items: readonly Item[]): string =>
  sites
    .map((site) => {
      const waiting = waitingAt(items, site)
      const counts = Map.groupBy(waiting, (item) => stateAt(item, site))
      const states = [...counts].map(([state, those]) => `${those.length} ${state}`).join(', ')
      return `${waiting.length} to come at ${site}${states === '' ? '' : ` (${states})`}`
    })
    .join('; ')

function stateAt({ views }: Item, site: Site): string {
  const view = views[site]
  if (view === undefined) return 'not known yet'
  return view.status === 'ready' ? 'converted, on the way' : view.status
}

async function lookAt(
  api: Api,
  items: readonly Item[],
  say: (text: string) => void,
  progress: Progress,
): Promise<void> {
  const views = new Map((await listTour(api)).map((view) => [view.id, view]))
  for (const item of items) {
    const view = views.get(item.id)
    if (item.readyS[api.site] !== undefined || view === undefined) continue
    item.views[api.site] = view
    if (view.status === 'failed') {
      throw new Unexpected(`${item.name} at ${api.site}`, 'ready', `failed: ${view.error?.code} ${view.error?.detail}`)
    }
    if (view.status !== 'ready' || !view.bytesHere || !(await rowsAreHere(api, view))) continue
    item.readyS[api.site] = progress.seconds() - item.beganS
    const made = view.renditions.length === 0 ? '' : `, ${view.renditions.length} renditions`
    const rows = view.rows === undefined ? '' : `, ${view.rows.count} rows`
    say(`${item.name} ready at ${api.site}${made}${rows}`)
  }
}

async function listTour(api: Api): Promise<Asset[]> {
  const found: Asset[] = []
  let cursor = ''
  do {
    const path = `/v1/assets?limit=100&namePrefix=${encodeURIComponent(namePrefix)}${cursor}`
    const { items, next } = await api.get<{ items: Asset[]; next: string | null }>(path)
    found.push(...items)
    cursor = next === null ? '' : `&cursor=${encodeURIComponent(next)}`
  } while (cursor !== '')
  return found
}

/** The last row first, since a look at it costs little; then all are counted. */
async function rowsAreHere(api: Api, { rows }: Asset): Promise<boolean> {
  if (rows === undefined) return true
  const path = `/v1/collections/${rows.collection}/records`
  const last = String(rows.count + rows.errors).padStart(10, '0')
  const { status } = await api.call('GET', `${path}/${last}`, { status: [200, 404] })
  return (status === 200 || rows.errors > 0) && (await countRows(api, path)) >= rows.count
}

async function countRows(api: Api, path: string): Promise<number> {
  let count = 0
  let cursor = ''
  do {
    const page = await api.get<{ items: unknown[]; next: string | null }>(`${path}?limit=${rowsPage}${cursor}`)
    count += page.items.length
    cursor = page.next === null ? '' : `&cursor=${encodeURIComponent(page.next)}`
  } while (cursor !== '')
  return count
}
