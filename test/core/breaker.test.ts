import { describe, expect, test } from '@jest/globals'
import { applyStates } from '../../shared/core/apply.ts'
import { freezeBreaker } from '../../shared/core/breaker-control.ts'
import { listPassed } from '../../shared/core/breaker-log.ts'
import { breakerView } from '../../shared/core/breaker-view.ts'
import { handleChanges } from '../../shared/core/feed.ts'
import { recordVersions } from '../../shared/core/record-history.ts'
import { readRecord } from '../../shared/core/record-reads.ts'
import { writeRecord } from '../../shared/core/records.ts'
import type { Services } from '../../shared/core/services.ts'
import { CatamaranError } from '../../shared/domain/errors.ts'
import type { RecordState } from '../../shared/domain/record.ts'
import {
  dayMs,
  decision,
  forged,
  hourMs,
  indexes,
  keyOf,
  kinds,
  liveAt,
  none,
  scopeOf,
  scopesOf,
  settled,
  textsAt,
  write,
} from './breaker-world.ts'
import { twoSites } from './two-sites.ts'

describe('mass deletion by the peer', () => {
  test('fifty an hour pass; from the next on deletes are held, nobody loses more, and writes go on', async () => {
    const sites = await settled(120)
    await write(sites.azure.services, 120, null)
    await sites.flush()
    expect(liveAt(sites, 'aws')).toHaveLength(70)
    expect(await scopeOf(sites.aws.services)).toMatchObject({
      lastHour: { settled: 50 },
      limits: { settled: 50 },
      frozen: { by: 'limit', holds: ['settled'] },
      held: { offers: 70, examples: { length: 20 } },
    })
    const { metrics, logs } = sites.aws.services.telemetry as never as {
      metrics: { name: string }[]
      logs: { level: string; message: string }[]
    }
    expect(metrics.filter(({ name }) => name === 'breakerTripped')).toHaveLength(1)
    expect(logs.filter(({ level, message }) => level === 'error' && /froze/.test(message))).toHaveLength(1)
    await writeRecord(sites.azure.services, keyOf(500), none, () => ({ text: 'new' }))
    await writeRecord(sites.azure.services, keyOf(500), none, () => ({ text: 'edited' }))
    await sites.flush()
    expect((await readRecord(sites.aws.services, keyOf(500)))?.body).toEqual({ text: 'edited' })
    expect((await breakerView(sites.azure.services))['outgoing']).toMatchObject({ frozen: true, scopes: 1 })
  })

  test('what two messages took in one millisecond is kept of both, though the peer gave all of it the same stamp', async () => {
    const { aws, clock } = await settled(2)
    for (const stored of aws.records.all()) await applyStates(aws.services, [forged(stored, clock.now(), null)])
    const { passed } = await listPassed(aws.services, { limit: 10 }, clock.now() + 1)
    expect(passed.map(({ key }) => key)).toEqual(expect.arrayContaining([keyOf(0), keyOf(1)]))
  })

  test('a peer that repeats what is held here does not make it its own, to overwrite it as such', async () => {
    const { aws, clock } = await settled(700)
    const repeated = aws.records.all().map((record) => forged(record, clock.now(), record.body))
    expect(kinds(await applyStates(aws.services, repeated))).toEqual({ applied: 700 })
    await clock.advance(1_000)
    const garbage = aws.records.all().map((record) => forged(record, clock.now(), { text: 'garbage' }))
    expect(kinds(await applyStates(aws.services, garbage))).toEqual({ applied: 50, frozen: 650 })
    expect(await scopeOf(aws.services)).toMatchObject({ lastHour: { settled: 50 }, frozen: { by: 'limit' } })
  })

  test('another tenant’s deletes go on, until everything together is too much', async () => {
    const tenants = ['a', 'b', 'c', 'd', 'e', 'f']
    const sites = await settled(60, tenants)
    await write(sites.azure.services, 60, null, 'a')
    await write(sites.azure.services, 10, null, 'b')
    await sites.flush()
    expect([liveAt(sites, 'aws', 'a').length, liveAt(sites, 'aws', 'b').length]).toEqual([10, 50])
    for (const tenant of tenants.slice(2)) await write(sites.azure.services, 45, null, tenant)
    await sites.flush()
    const lost = tenants.map((tenant) => 60 - liveAt(sites, 'aws', tenant).length)
    expect(lost.reduce((sum, count) => sum + count, 0)).toBe(200)
    expect(await scopeOf(sites.aws.services, null)).toMatchObject({
      frozen: { by: 'limit' },
      lastHour: { settled: 200 },
    })
  })

  test('bursts below the limit pass, and never more than the limit within any hour', async () => {
    const sites = await settled(200)
    const deleteSome = async (from: number, count: number) => {
      for (const index of indexes(count, from)) await writeRecord(sites.azure.services, keyOf(index), none, () => null)
      await sites.flush()
    }
    await deleteSome(0, 40)
    await sites.clock.advance(50 * 60_000)
    await deleteSome(40, 10)
    await sites.clock.advance(20 * 60_000)
    await deleteSome(50, 40)
    expect(liveAt(sites, 'aws')).toHaveLength(110)
    await deleteSome(90, 5)
    expect(liveAt(sites, 'aws')).toHaveLength(110)
  })

  test('what many instances take in at once is counted together', async () => {
    const sites = await settled(100)
    const tombstones = sites.aws.records.all().map((record) => forged(record, sites.clock.now(), null))
    const batches = indexes(10).map((batch) => tombstones.slice(batch * 10, batch * 10 + 10))
    const outcomes = (await Promise.all(batches.map((batch) => applyStates(sites.aws.services, batch)))).flat()
    expect(kinds(outcomes)).toEqual({ applied: 50, frozen: 50 })
    expect(liveAt(sites, 'aws')).toHaveLength(50)
  })

  test('when counting fails nothing is applied', async () => {
    const sites = await settled(3)
    const { siteStore } = sites.aws.services
    const failing: Services = {
      ...sites.aws.services,
      siteStore: {
        ...siteStore,
        put: async (item, condition) => {
          if (item.partition.startsWith('breaker')) throw new CatamaranError('unavailable', 'the store is away')
          return siteStore.put(item, condition)
        },
      },
    }
    const tombstones = sites.aws.records.all().map((record) => forged(record, sites.clock.now(), null))
    expect(kinds(await applyStates(failing, tombstones))).toEqual({ failed: 3 })
    expect(liveAt(sites, 'aws')).toHaveLength(3)
    expect(kinds(await applyStates(sites.aws.services, tombstones))).toEqual({ applied: 3 })
  })

  test('no stamp gets around it: of the other site, of this one, ahead, old, or concurrent', async () => {
    const sites = await settled(120)
    const records = sites.aws.records.all()
    const nowMs = sites.clock.now()
    const ahead = records.slice(0, 30).map((record) => forged(record, nowMs + 59_000, null))
    const old = records.slice(30, 60).map((record) => forged(record, nowMs - 20 * hourMs, null))
    const ours = records.slice(60, 90).map((record) => forged(record, nowMs, null, 'aws'))
    const concurrent = records.slice(90).map((record) => {
      const { azure } = forged(record, nowMs, null).vector
      return { ...forged(record, nowMs, null), vector: { azure } } as RecordState
    })
    const outcomes = await applyStates(sites.aws.services, [...ahead, ...old, ...ours, ...concurrent])
    expect(liveAt(sites, 'aws')).toHaveLength(70)
    expect(kinds(outcomes)['frozen']).toBe(70)
    expect(sites.aws.records.all().filter(({ key }) => key.collection === '_conflicts').length).toBeLessThanOrEqual(50)
  })

  test('a larger tenant may lose more, by its size at this site', async () => {
    const sites = await settled(1)
    const tally = { buckets: 1024, everything: 1_000_000, tenants: { acme: 2500 } }
    const value = { next: 1024, under: tally, past: [] }
    await sites.aws.services.siteStore.put({ partition: 'breaker-sizes', id: 'tally', value }, { kind: 'any' })
    await applyStates(
      sites.aws.services,
      sites.aws.records.all().map((record) => forged(record, sites.clock.now(), null)),
    )
    // 2,500 found in a sixteenth, two standard deviations down, of which half a hundredth.
    expect(await scopeOf(sites.aws.services)).toMatchObject({
      recordsAbout: 38_400,
      limits: { settled: 192, recent: 1920 },
    })
  })
})

describe('what counts as destruction', () => {
  test('content in place of what has rested counts like a delete; edits of one record count once', async () => {
    const sites = await settled(120)
    for (const round of indexes(5)) {
      for (const index of indexes(20)) {
        await writeRecord(sites.azure.services, keyOf(index), none, () => ({ text: `edit ${round}` }))
      }
      await sites.flush()
    }
    expect(await scopeOf(sites.aws.services)).toMatchObject({ lastHour: { settled: 20, recent: 0 }, frozen: null })
    await write(sites.azure.services, 120, { text: 'garbage' })
    await sites.flush()
    expect(liveAt(sites, 'aws').filter(({ body }) => body?.['text'] === 'precious')).toHaveLength(70)
    expect(await scopeOf(sites.aws.services)).toMatchObject({ frozen: { holds: ['settled'] } })
  })

  test('young content of this site may be edited ten times as often, and no more', async () => {
    const sites = twoSites()
    await write(sites.aws.services, 620, { text: 'precious' })
    await sites.flush()
    await write(sites.azure.services, 620, { text: 'garbage' })
    await sites.flush()
    expect(liveAt(sites, 'aws').filter(({ body }) => body?.['text'] === 'precious')).toHaveLength(120)
    expect(await scopeOf(sites.aws.services)).toMatchObject({ frozen: { holds: ['settled', 'recent'] } })
  })

  test('what the peer itself brought within the hour may change as often as it likes', async () => {
    const sites = twoSites()
    for (const round of indexes(4)) {
      await write(sites.azure.services, 100, { text: `step ${round}` })
      await sites.flush()
    }
    expect(textsAt(sites, 'aws')).toEqual(new Set(['step 3']))
    expect((await scopesOf(sites.aws.services)).map(({ tenant }) => tenant)).toEqual([null])
  })

  test('the same content, a record that comes back, and a key that is revoked take nothing away', async () => {
    const sites = await settled(70)
    await write(sites.azure.services, 70, { text: 'precious' })
    const key = { tenant: '_system', collection: '_keys', id: 'k' }
    await writeRecord(sites.aws.services, key, none, () => ({ hash: 'h' }))
    await sites.flush()
    await sites.clock.advance(2 * dayMs)
    await freezeBreaker(sites.aws.services, decision)
    await writeRecord(sites.azure.services, key, none, (body) => ({ ...body, revokedAt: 'now' }))
    await sites.flush()
    expect((await readRecord(sites.aws.services, key))?.body).toEqual({ hash: 'h', revokedAt: 'now' })
    expect((await scopesOf(sites.aws.services)).map(({ lastHour }) => lastHour)).toEqual([{ settled: 0, recent: 0 }])
  })

  test('a tombstone keeps the history of what it replaced', async () => {
    const sites = await settled(1)
    await write(sites.azure.services, 1, null)
    await sites.flush()
    const { items } = await recordVersions(sites.aws.services, keyOf(0), { limit: 10 })
    expect(items.map(({ deleted, body }) => [deleted, body])).toEqual([
      [true, null],
      [false, { text: 'precious' }],
    ])
  })
})

test('records never outlive their freeze in the feed: what is held is no dead letter and blocks nobody', async () => {
  const sites = await settled(60)
  await write(sites.azure.services, 60, null)
  expect(await handleChanges(sites.azure.services, sites.azure.feed.splice(0))).toEqual({ failed: [] })
  expect((await sites.azure.services.siteStore.list('dead-letters', { limit: 10 })).items).toEqual([])
})
