import { describe, expect, test } from '@jest/globals'
import { applyStates } from '../../shared/core/apply.ts'
import { listChanges } from '../../shared/core/changes.ts'
import { listConflicts, restoreConflict } from '../../shared/core/conflicts.ts'
import { handleChanges } from '../../shared/core/feed.ts'
import { releaseQuarantine } from '../../shared/core/quarantine-release.ts'
import { reconcile } from '../../shared/core/reconcile.ts'
import { stateOf } from '../../shared/core/record-history.ts'
import { listRecords, readRecord } from '../../shared/core/record-reads.ts'
import { etagOf, writeRecord } from '../../shared/core/records.ts'
import type { Services } from '../../shared/core/services.ts'
import type { JsonObject } from '../../shared/domain/json.ts'
import type { StoredRecord } from '../../shared/domain/record.ts'
import { stampSite } from '../../shared/domain/stamp.ts'
import { memoryRandom } from '../memory/clock.ts'
import { twoSites, type TwoSites } from './two-sites.ts'

const keyOf = (id: string, collection = 'notes') => ({ tenant: 'acme', collection, id })
const none = { precondition: { kind: 'none' } } as const
const put = (services: Services, id: string, body: JsonObject) => writeRecord(services, keyOf(id), none, () => body)
const remove = (services: Services, id: string) => writeRecord(services, keyOf(id), none, () => null)
const bodyAt = async (services: Services, id: string) => (await readRecord(services, keyOf(id)))?.body

const statesOf = (sites: TwoSites, site: 'aws' | 'azure') => sites[site].records.all().map(stateOf)

describe('replication', () => {
  test('a write travels to the peer and is not sent back', async () => {
    const sites = twoSites()
    await put(sites.aws.services, 'a', { text: 'hello' })
    await sites.flush()
    expect(await bodyAt(sites.azure.services, 'a')).toEqual({ text: 'hello' })
    expect(sites.azure.calls['offer']).toBe(1)
    expect(sites.aws.calls['offer']).toBeUndefined()
  })

  test('edits on both sides at once: the later wins at both, the loser is kept at both, and can be restored', async () => {
    const sites = twoSites()
    await put(sites.aws.services, 'a', { text: 'first' })
    await sites.flush()
    await put(sites.aws.services, 'a', { text: 'from aws' })
    await sites.clock.advance(1)
    await put(sites.azure.services, 'a', { text: 'from azure' })
    await sites.flush()
    for (const { services } of [sites.aws, sites.azure]) {
      expect(await bodyAt(services, 'a')).toEqual({ text: 'from azure' })
      const { items } = await listConflicts(services, 'acme', { limit: 10 })
      expect(items).toMatchObject([{ collection: 'notes', recordId: 'a', body: { text: 'from aws' } }])
    }
    const [conflict] = (await listConflicts(sites.aws.services, 'acme', { limit: 10 })).items
    await restoreConflict(sites.aws.services, 'acme', conflict?.id ?? '', none)
    await sites.flush()
    expect(await bodyAt(sites.azure.services, 'a')).toEqual({ text: 'from aws' })
    expect((await listConflicts(sites.azure.services, 'acme', { limit: 10 })).items).toEqual([])
    expect(statesOf(sites, 'aws')).toEqual(statesOf(sites, 'azure'))
  })

  test('the same edit on both sides loses nothing and makes no conflict', async () => {
    const sites = twoSites()
    await put(sites.aws.services, 'a', { text: 'same' })
    await put(sites.azure.services, 'a', { text: 'same' })
    await sites.flush()
    expect((await listConflicts(sites.aws.services, 'acme', { limit: 10 })).items).toEqual([])
    expect(statesOf(sites, 'aws')).toEqual(statesOf(sites, 'azure'))
  })

  test('a delete stays deleted when an older offer comes late', async () => {
    const sites = twoSites()
    const { record } = await put(sites.aws.services, 'a', { text: 'old' })
    await sites.flush()
    await remove(sites.azure.services, 'a')
    await sites.flush()
    expect(await applyStates(sites.azure.services, [stateOf(record)])).toEqual([{ kind: 'known' }])
    expect(await applyStates(sites.aws.services, [stateOf(record)])).toEqual([{ kind: 'known' }])
    expect(await bodyAt(sites.aws.services, 'a')).toBeUndefined()
  })

  test('an edit that raced a delete is never lost without a word', async () => {
    const sites = twoSites()
    await put(sites.aws.services, 'a', { text: 'first' })
    await sites.flush()
    await put(sites.aws.services, 'a', { text: 'edited' })
    await sites.clock.advance(5)
    await remove(sites.azure.services, 'a')
    await sites.flush()
    expect(await bodyAt(sites.aws.services, 'a')).toBeUndefined()
    expect((await listConflicts(sites.azure.services, 'acme', { limit: 10 })).items).toMatchObject([
      { deleted: false, body: { text: 'edited' } },
    ])
  })

  test('a peer that was away is brought up to date by reconciliation, at one question once nothing differs', async () => {
    const sites = twoSites()
    sites.connected = false
    for (let index = 0; index < 40; index++) await put(sites.aws.services, `r${index}`, { index })
    await remove(sites.aws.services, 'r7')
    await sites.flush()
    expect(statesOf(sites, 'azure')).toEqual([])
    sites.connected = true
    await sites.clock.advance(10_000)
    const report = await reconcile(sites.aws.services)
    expect(report).toMatchObject({ pushed: 40, pulled: 0 })
    await sites.flush()
    expect(statesOf(sites, 'azure')).toEqual(statesOf(sites, 'aws'))
    await sites.clock.advance(10_000)
    await reconcile(sites.azure.services)
    const before = { ...sites.azure.calls }
    expect(await reconcile(sites.aws.services)).toMatchObject({
      clean: true,
      bucketsDiffering: 0,
      pulled: 0,
      pushed: 0,
    })
    expect(sites.azure.calls['summaries']).toBe((before['summaries'] ?? 0) + 1)
    expect(sites.azure.calls['offer']).toBe(before['offer'])
  })

  test('a feed event that never came is found by the scrub within one cycle', async () => {
    const sites = twoSites()
    await put(sites.aws.services, 'lost', { text: 'the feed forgot me' })
    sites.aws.feed.length = 0
    let found = 0
    for (let run = 0; run < 1024; run++) {
      await sites.clock.advance(60_000)
      found += (await reconcile(sites.aws.services)).scrubFound
    }
    expect(found).toBe(1)
    expect(await bodyAt(sites.azure.services, 'lost')).toEqual({ text: 'the feed forgot me' })
  })

  test('a stamp from a clock ahead of ours waits in quarantine until its time has come', async () => {
    const sites = twoSites()
    sites.clock.skew(120_000)
    const { record } = await put(sites.aws.services, 'a', { text: 'from the future' })
    sites.clock.skew(-120_000)
    expect(await applyStates(sites.azure.services, [stateOf(record)])).toEqual([{ kind: 'quarantined' }])
    expect(await releaseQuarantine(sites.azure.services)).toBe(0)
    await sites.clock.advance(70_000)
    expect(await releaseQuarantine(sites.azure.services)).toBe(1)
    expect(await bodyAt(sites.azure.services, 'a')).toEqual({ text: 'from the future' })
  })

  test('a session that has seen a write at one site never reads behind it at the other', async () => {
    const sites = twoSites()
    const { record } = await put(sites.aws.services, 'a', { text: 'just now' })
    const options = { session: record.vector }
    expect((await readRecord(sites.azure.services, keyOf('a'), options))?.body).toEqual({ text: 'just now' })
    const second = await put(sites.aws.services, 'a', { text: 'and again' })
    sites.connected = false
    await expect(readRecord(sites.azure.services, keyOf('a'), { session: second.record.vector })).rejects.toMatchObject(
      {
        code: 'peer-unavailable',
      },
    )
  })
})

describe('records', () => {
  test('an idempotency key is honoured once, at either site', async () => {
    const sites = twoSites()
    const options = { ...none, idempotency: { key: 'k', print: 'p' } }
    const first = await writeRecord(sites.aws.services, keyOf('a'), options, () => ({ n: 1 }))
    await sites.flush()
    await put(sites.azure.services, 'a', { n: 2 })
    const again = await writeRecord(sites.azure.services, keyOf('a'), options, () => ({ n: 1 }))
    expect([first.replayed, again.replayed]).toEqual([false, true])
    expect(await bodyAt(sites.azure.services, 'a')).toEqual({ n: 2 })
    const other = { ...none, idempotency: { key: 'k', print: 'q' } }
    await expect(writeRecord(sites.aws.services, keyOf('a'), other, () => ({ n: 3 }))).rejects.toMatchObject({
      code: 'idempotency-key-reused',
    })
  })

  test('a write whose answer got lost is recognised as our own', async () => {
    const sites = twoSites()
    const { records } = sites.aws
    let failures = 1
    const flaky: Services = {
      ...sites.aws.services,
      records: {
        ...records,
        put: async (...args) => {
          const outcome = await records.put(...args)
          if (failures-- > 0) throw new Error('connection reset after the write')
          return outcome
        },
      },
    }
    const written = await put(flaky, 'a', { n: 1 })
    expect(written.record.stamp).toBe((await records.get(keyOf('a')))?.stamp)
    expect(sites.aws.feed.length).toBe(1)
  })

  test('of writers with the same ETag exactly one wins', async () => {
    const { aws } = twoSites()
    const { record } = await put(aws.services, 'a', { n: 0 })
    const options = { precondition: { kind: 'match', etags: [etagOf(record)] } } as const
    const attempts = Array.from({ length: 10 }, (_, n) => writeRecord(aws.services, keyOf('a'), options, () => ({ n })))
    const outcomes = await Promise.allSettled(attempts)
    expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
  })

  test('a list walks every record once, in order, whatever the page size, and skips the deleted', async () => {
    const { aws } = twoSites()
    for (let index = 0; index < 60; index++) await put(aws.services, `id-${String(index).padStart(3, '0')}`, { index })
    await remove(aws.services, 'id-030')
    for (const limit of [1, 7, 59, 60, 100]) {
      const seen: string[] = []
      let after: string | undefined
      do {
        const page = await listRecords(aws.services, { tenant: 'acme', collection: 'notes' }, { after, limit })
        seen.push(...page.items.map((item) => item.key.id))
        after = page.next
      } while (after)
      expect(seen).toHaveLength(59)
      expect(seen).toEqual([...seen].sort())
    }
  })

  test('changes come in order of arrival, to the end, and a cursor of the other site misses nothing', async () => {
    const sites = twoSites()
    for (let index = 0; index < 30; index++) await put(sites.aws.services, `r${index}`, { index })
    await sites.flush()
    await sites.clock.advance(10_000)
    const first = await listChanges(sites.aws.services, 'acme', { limit: 12 })
    expect(first.items.length).toBeGreaterThan(0)
    const seen = new Set(first.items.map((item) => item.key.id))
    let cursor = first.cursor
    for (let page = 0; page < 30; page++) {
      const next = await listChanges(sites.azure.services, 'acme', { cursor, limit: 12 })
      if (next.items.length === 0) break
      for (const item of next.items) seen.add(item.key.id)
      cursor = next.cursor
    }
    expect(seen.size).toBe(30)
  })
})

test('a storm of edits, deletes, lost and repeated deliveries and cuts always converges, and nothing is lost', async () => {
  for (let seed = 1; seed <= 40; seed++) {
    const sites = twoSites(seed)
    const random = memoryRandom(seed * 7919)
    const pick = (count: number): number => Math.floor(random.fraction() * count)
    const written: StoredRecord[] = []
    for (let step = 0; step < 120; step++) {
      const site = pick(2) === 0 ? sites.aws : sites.azure
      const id = `r${pick(6)}`
      const text = `${seed}-${step}`
      const deleting = pick(5) === 0 && (await bodyAt(site.services, id)) !== undefined
      if (deleting) written.push((await remove(site.services, id)).record)
      else written.push((await put(site.services, id, { text })).record)
      await sites.clock.advance(pick(3))
      if (pick(10) === 0) sites.connected = !sites.connected
      if (pick(3) === 0) await deliverBadly(site, pick)
    }
    sites.connected = true
    for (let round = 0; round < 4; round++) {
      await sites.flush()
      await sites.clock.advance(10_000)
      await reconcile(sites.aws.services)
      await reconcile(sites.azure.services)
    }
    expect(statesOf(sites, 'aws')).toEqual(statesOf(sites, 'azure'))
    expect(await reconcile(sites.aws.services)).toMatchObject({ clean: true })
    expect(await lostWrites(sites, written)).toEqual([])
  }
})

/** Acknowledged writes that are neither the head, nor seen by a later write, nor kept as a conflict. */
async function lostWrites(sites: TwoSites, written: readonly StoredRecord[]): Promise<StoredRecord[]> {
  const conflicts = await listConflicts(sites.azure.services, 'acme', { limit: 1000 })
  const kept = new Set(conflicts.items.map((conflict) => conflict.stamp))
  const heads = new Set(sites.azure.records.all().map((record) => record.stamp))
  return written.filter(({ key, stamp, deleted }) => {
    const site = stampSite(stamp)
    const seenLater = written.some(
      (other) => other.key.id === key.id && other.stamp !== stamp && (other.vector[site] ?? '') >= stamp,
    )
    return !deleted && !seenLater && !heads.has(stamp) && !kept.has(stamp)
  })
}

/** Some of the feed arrives, perhaps twice, perhaps in another order. */
async function deliverBadly({ services, feed }: TwoSites['aws'], pick: (count: number) => number): Promise<void> {
  const batch = feed.splice(0, 1 + pick(8))
  if (pick(2) === 0) batch.reverse()
  await handleChanges(services, batch)
  if (pick(3) === 0) await handleChanges(services, batch)
}
