import { describe, expect, test } from '@jest/globals'
import { type ChangesCursor, listChanges, parseChangesCursor } from '../../shared/core/changes.ts'
import { reconcile } from '../../shared/core/reconcile.ts'
import { probeFeed } from '../../shared/core/replication-lag.ts'
import { readMark } from '../../shared/core/replication-marks.ts'
import { writeRecord } from '../../shared/core/records.ts'
import { scrub } from '../../shared/core/scrub.ts'
import type { JsonObject } from '../../shared/domain/json.ts'
import { sites as names, type Site } from '../../shared/domain/site.ts'
import { type TwoSites, twoSites } from './two-sites.ts'

const tenant = 'acme'
const cycleRuns = 1024
const minuteMs = 60_000
const hourMs = 60 * minuteMs

const put = (sites: TwoSites, site: Site, id: string, text = 'x') =>
  writeRecord(sites[site].services, { tenant, collection: 'notes', id }, { precondition: { kind: 'none' } }, () => ({
    text,
  }))

/** Somebody who follows the changes of a tenant and goes from site to site with one cursor. */
function follow(sites: TwoSites) {
  let cursor: ChangesCursor | undefined
  const seen = new Map<string, unknown>()
  const read = async (site: Site, limit: number): Promise<string[]> => {
    const page = await listChanges(sites[site].services, tenant, { cursor, limit })
    cursor = parseChangesCursor(JSON.parse(JSON.stringify(page.cursor)) as JsonObject)
    expect(cursor).toBeDefined()
    for (const { key, body } of page.items) seen.set(key.id, body?.['text'])
    return page.items.map(({ key }) => key.id)
  }
  const readAll = async (site: Site): Promise<string[]> => {
    const ids: string[] = []
    for (;;) {
      const page = await read(site, 40)
      if (page.length === 0) return ids
      ids.push(...page)
    }
  }
  return { seen, read, readAll }
}

/** Both sites find that they are alike, by what their digests know. */
async function reconcileBoth(sites: TwoSites): Promise<void> {
  for (const site of names) await probeFeed(sites[site].services)
  await sites.flush()
  for (const site of names) expect(await reconcile(sites[site].services)).toMatchObject({ clean: true })
  await sites.clock.advance(minuteMs)
}

async function scrubWhole({ azure, clock }: TwoSites): Promise<void> {
  for (let run = 0; run < cycleRuns; run++) await scrub(azure.services)
  await clock.advance(hourMs)
}

/** Written at azure, and its event lost. */
async function putUntold(sites: TwoSites, id: string): Promise<void> {
  await put(sites, 'azure', id)
  sites.azure.feed.length = 0
  await sites.clock.advance(hourMs)
}

describe('a reader of changes who goes to the other site', () => {
  test('comes to the end though it changes sites after every page', async () => {
    const sites = twoSites()
    for (let n = 0; n < 60; n++) await put(sites, n % 2 === 0 ? 'aws' : 'azure', `r${n}`)
    await sites.flush()
    await sites.clock.advance(hourMs)
    await reconcileBoth(sites)
    const reader = follow(sites)
    for (let page = 0; page < 60; page++) await reader.read(page % 2 === 0 ? 'aws' : 'azure', 8)
    expect(reader.seen.size).toBe(60)
  })

  test('is shown again what the other site showed it as it had been before', async () => {
    const sites = twoSites()
    await put(sites, 'azure', 'a', 'old')
    await sites.flush()
    await sites.clock.advance(hourMs)
    await reconcileBoth(sites)
    await put(sites, 'azure', 'a', 'new')
    await sites.clock.advance(minuteMs)
    const reader = follow(sites)
    await reader.readAll('azure')
    expect(reader.seen.get('a')).toBe('new')
    await reader.readAll('aws')
    expect(reader.seen.get('a')).toBe('old')
    await reader.readAll('azure')
    expect(reader.seen.get('a')).toBe('new')
  })

  test('reads on where it had stopped there, less what may have been on its way', async () => {
    const sites = twoSites()
    await put(sites, 'azure', 'early')
    await sites.flush()
    await sites.clock.advance(hourMs)
    await reconcileBoth(sites)
    const reader = follow(sites)
    for (const site of ['azure', 'aws', 'azure', 'aws'] as const) await reader.readAll(site)
    await put(sites, 'azure', 'late')
    await sites.flush()
    await sites.clock.advance(minuteMs)
    expect(await reader.readAll('azure')).toEqual(['late'])
  })

  test('misses nothing that the feed never told of, though both sites took themselves for alike', async () => {
    const sites = twoSites()
    await putUntold(sites, 'untold')
    await reconcileBoth(sites)
    const reader = follow(sites)
    expect(await reader.readAll('aws')).toEqual([])
    expect(await reader.readAll('azure')).toEqual(['untold'])
  })

  test('reads back as far as the last scrub began that is over, and no farther', async () => {
    const sites = twoSites()
    await put(sites, 'azure', 'early')
    await sites.flush()
    await sites.clock.advance(hourMs)
    await scrubWhole(sites)
    await putUntold(sites, 'untold')
    const beforeMs = sites.clock.now()
    expect(await readMark(sites.azure.services, 'scrub')).toMatchObject({ sinceMs: 0 })
    for (let runs = 0; runs < 2; runs++) await reconcileBoth(sites)
    const { sinceMs } = (await readMark(sites.azure.services, 'scrub')) ?? {}
    expect(sinceMs).toBeLessThan(beforeMs - hourMs)
    const reader = follow(sites)
    expect(await reader.readAll('aws')).toEqual(['early'])
    expect(await reader.readAll('azure')).toEqual(['untold'])
  })

  test('does not take for read what came over but lies before where it reads', async () => {
    const sites = twoSites()
    sites.connected = false
    for (let n = 0; n < 20; n++) await put(sites, 'azure', `r${n}`)
    await sites.flush()
    await sites.clock.advance(48 * hourMs)
    for (let cycle = 0; cycle < 2; cycle++) await scrubWhole(sites)
    sites.connected = true
    await reconcile(sites.aws.services)
    await sites.flush()
    await sites.clock.advance(minuteMs)
    await reconcileBoth(sites)
    const reader = follow(sites)
    expect(await reader.read('aws', 8)).toHaveLength(8)
    await reader.readAll('azure')
    expect(reader.seen.size).toBe(20)
  })
})
