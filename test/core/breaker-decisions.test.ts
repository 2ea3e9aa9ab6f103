import { describe, expect, test } from '@jest/globals'
import { applyStates } from '../../shared/core/apply.ts'
import { freezeBreaker, rejectBreaker, releaseBreaker } from '../../shared/core/breaker-control.ts'
import { tendBreaker } from '../../shared/core/breaker-restore.ts'
import { probeFeed } from '../../shared/core/replication-lag.ts'
import { reconcile } from '../../shared/core/reconcile.ts'
import { stateOf } from '../../shared/core/record-history.ts'
import { readRecord } from '../../shared/core/record-reads.ts'
import { writeRecord } from '../../shared/core/records.ts'
import type { Services } from '../../shared/core/services.ts'
import { CatamaranError } from '../../shared/domain/errors.ts'
import type { StoredRecord } from '../../shared/domain/record.ts'
import {
  dayMs,
  decision,
  forged,
  hourMs,
  keyOf,
  kinds,
  liveAt,
  none,
  reconcileBoth,
  scopeOf,
  settled,
  textsAt,
  write,
} from './breaker-world.ts'

describe('people decide', () => {
  test('release: reconciliation brings what was held, at no more than a few messages while it is frozen', async () => {
    const sites = await settled(120)
    await write(sites.azure.services, 120, null)
    await sites.flush()
    await reconcileBoth(sites, 2)
    const before = { offers: sites.aws.calls['offer'], reads: sites.azure.calls['read'] }
    await reconcileBoth(sites, 5)
    expect({ offers: sites.aws.calls['offer'], reads: sites.azure.calls['read'] }).toEqual(before)
    expect(await reconcile(sites.aws.services)).toMatchObject({ compared: true, clean: false })
    expect(liveAt(sites, 'aws')).toHaveLength(70)
    await releaseBreaker(sites.aws.services, decision)
    await reconcileBoth(sites)
    expect([liveAt(sites, 'aws').length, liveAt(sites, 'azure').length]).toEqual([0, 0])
    await sites.clock.advance(10_000)
    expect(await reconcile(sites.aws.services)).toMatchObject({ clean: true })
    await expect(releaseBreaker(sites.aws.services, decision)).rejects.toMatchObject({ code: 'conflict' })
  })

  test('after a release the count begins again for what is younger', async () => {
    const sites = await settled(220)
    const [first, second] = [sites.aws.records.all().slice(0, 100), sites.aws.records.all().slice(100)]
    const deleted = (records: StoredRecord[]) => records.map((record) => forged(record, sites.clock.now(), null))
    await applyStates(sites.aws.services, deleted(first))
    await releaseBreaker(sites.aws.services, decision)
    expect(kinds(await applyStates(sites.aws.services, deleted(first)))).toEqual({ known: 50, applied: 50 })
    await sites.clock.advance(120_000)
    expect(kinds(await applyStates(sites.aws.services, deleted(second)))).toEqual({ applied: 50, frozen: 70 })
  })

  test.each([
    ['deletes', null],
    ['garbage', { text: 'garbage' }],
  ])('rejection brings back at both sites all that was lost to %s', async (_, body) => {
    const sites = await settled(90)
    await write(sites.azure.services, 90, body)
    await sites.flush()
    await sites.clock.advance(3 * dayMs)
    await rejectBreaker(sites.aws.services, decision)
    // The other site counts too: what it gets back takes the place of garbage.
    if (body) await releaseBreaker(sites.azure.services, { ...decision, forMs: hourMs })
    await reconcileBoth(sites)
    for (const site of ['aws', 'azure'] as const) {
      expect(liveAt(sites, site)).toHaveLength(90)
      expect(textsAt(sites, site)).toEqual(new Set(['precious']))
    }
    expect(sites.aws.records.all().map(stateOf)).toEqual(sites.azure.records.all().map(stateOf))
    expect(await scopeOf(sites.aws.services)).toMatchObject({ frozen: null, verdict: { kind: 'reject' } })
    expect(await scopeOf(sites.aws.services, null)).toMatchObject({ verdict: { restored: 50, isRestored: true } })
  })

  test('rejection undoes what a patient attacker did below every limit: nothing needs to be frozen', async () => {
    const { aws, clock } = await settled(120)
    const sinceMs = clock.now()
    const precious = aws.records.all()
    for (const from of [0, 40, 80]) {
      const states = precious.slice(from, from + 40).map((record) => forged(record, clock.now(), null))
      expect(kinds(await applyStates(aws.services, states))).toEqual({ applied: 40 })
      await clock.advance(2 * hourMs)
    }
    await expect(rejectBreaker(aws.services, decision)).rejects.toMatchObject({ code: 'conflict' })
    expect(aws.records.all().filter(({ deleted }) => deleted)).toHaveLength(120)
    await rejectBreaker(aws.services, { ...decision, sinceMs })
    expect(aws.records.all().map(({ body }) => body)).toEqual(Array(120).fill({ text: 'precious' }))
    const again = precious.map((record) => forged(record, clock.now(), null))
    expect(kinds(await applyStates(aws.services, again))).toEqual({ frozen: 120 })
  })

  test.each([
    ['all tenants, though only one was frozen', undefined, 90],
    ['no tenant but the one it names', 'acme', 50],
  ])('rejection brings back %s', async (_, tenant, live) => {
    const sites = await settled(90, ['acme', 'other'])
    await write(sites.azure.services, 90, null, 'acme')
    await write(sites.azure.services, 40, null, 'other')
    await sites.flush()
    expect([liveAt(sites, 'aws', 'acme').length, liveAt(sites, 'aws', 'other').length]).toEqual([40, 50])
    await rejectBreaker(sites.aws.services, { ...decision, tenant })
    expect([liveAt(sites, 'aws', 'acme').length, liveAt(sites, 'aws', 'other').length]).toEqual([90, live])
  })

  test('a second rejection goes on with what the first has not brought back yet', async () => {
    const { aws, clock } = await settled(3)
    const sinceMs = clock.now()
    await applyStates(
      aws.services,
      aws.records.all().map((record) => forged(record, clock.now(), null)),
    )
    await clock.advance(3 * hourMs)
    const { records } = aws.services
    const put: typeof records.put = () => Promise.reject(new CatamaranError('unavailable', 'killed'))
    const dying = { ...aws.services, records: { ...records, put } }
    await rejectBreaker(dying, { ...decision, sinceMs })
    expect(aws.records.all().map(({ body }) => body)).not.toContainEqual({ text: 'precious' })
    await rejectBreaker(aws.services, { ...decision, sinceMs: clock.now() })
    expect(aws.records.all().map(({ body }) => body)).toEqual(Array(3).fill({ text: 'precious' }))
  })

  test('rejection leaves what the peer itself brought back, though garbage of it was lost on the way', async () => {
    const { aws, clock } = await settled(3)
    const sinceMs = clock.now()
    for (const text of ['garbage', 'precious']) {
      const states = aws.records.all().map((record) => forged(record, clock.now(), { text }))
      expect(kinds(await applyStates(aws.services, states))).toEqual({ applied: 3 })
      await clock.advance(dayMs)
    }
    await freezeBreaker(aws.services, decision)
    await rejectBreaker(aws.services, { ...decision, sinceMs })
    await clock.advance(180_000)
    await tendBreaker(aws.services)
    expect(aws.records.all().map(({ body }) => body)).toEqual(Array(3).fill({ text: 'precious' }))
  })

  test('rejection leaves what was written here since, and goes on where it was killed', async () => {
    const sites = await settled(80)
    await write(sites.azure.services, 80, null)
    await sites.flush()
    const gone = sites.aws.records.all().filter(({ deleted }) => deleted)
    const [mine] = gone
    if (!mine) throw new Error('nothing was deleted')
    await writeRecord(sites.aws.services, mine.key, none, () => ({ text: 'written anew' }))
    let writes = 0
    const { records } = sites.aws.services
    const dying: Services = {
      ...sites.aws.services,
      records: {
        ...records,
        put: async (...put) => {
          if (++writes > 10) throw new CatamaranError('unavailable', 'killed')
          return records.put(...put)
        },
      },
    }
    // It is decided all the same: asked again, it would begin anew.
    await rejectBreaker(dying, decision)
    expect(liveAt(sites, 'aws').length).toBeLessThan(80)
    await tendBreaker(sites.aws.services)
    await sites.clock.advance(180_000)
    await tendBreaker(sites.aws.services)
    expect(liveAt(sites, 'aws')).toHaveLength(80)
    expect((await readRecord(sites.aws.services, mine.key))?.body).toEqual({ text: 'written anew' })
    expect(await scopeOf(sites.aws.services, null)).toMatchObject({ verdict: { isRestored: true } })
  })

  test('the pulse of the other feed freezes nothing, though the hour is used up and nothing counts as ordinary work', async () => {
    const tenants = ['one', 'two', 'three', 'four', 'five']
    const sites = await settled(60, tenants)
    await probeFeed(sites.azure.services)
    await sites.flush()
    await sites.clock.advance(3 * hourMs)
    for (const tenant of tenants) await write(sites.azure.services, 60, null, tenant)
    await sites.flush()
    await rejectBreaker(sites.aws.services, decision)
    await sites.clock.advance(10 * 60_000)
    await probeFeed(sites.azure.services)
    await sites.flush()
    const pulses = sites.aws.records.all().filter(({ key }) => key.collection === '_pulse' && key.id === 'azure')
    expect(pulses.map(({ body }) => body?.['atMs'])).toEqual([sites.clock.now()])
    expect((await scopeOf(sites.aws.services, null))?.['frozen']).toBeFalsy()
  })

  test('one person can freeze; a tenant’s delete then waits, and comes when it is released', async () => {
    const sites = await settled(5, ['acme', 'other'])
    await freezeBreaker(sites.aws.services, { ...decision, tenant: 'acme' })
    await freezeBreaker(sites.aws.services, { ...decision, tenant: 'acme', reason: 'a second time' })
    await write(sites.azure.services, 5, null, 'acme')
    await write(sites.azure.services, 5, null, 'other')
    await sites.flush()
    expect([liveAt(sites, 'aws', 'acme').length, liveAt(sites, 'aws', 'other').length]).toEqual([5, 0])
    expect(await scopeOf(sites.aws.services)).toMatchObject({ frozen: { by: 'key1', reason: 'a test' } })
    await expect(releaseBreaker(sites.aws.services, { ...decision, tenant: 'other' })).rejects.toMatchObject({
      code: 'conflict',
    })
    await releaseBreaker(sites.aws.services, { ...decision, tenant: 'acme' })
    await reconcileBoth(sites)
    expect(liveAt(sites, 'aws', 'acme')).toEqual([])
  })

  test('a session that saw a delete which is held here is told so, not shown the past', async () => {
    const sites = await settled(1)
    await freezeBreaker(sites.aws.services, decision)
    const { record } = await writeRecord(sites.azure.services, keyOf(0), none, () => null)
    await sites.flush()
    const session = record.vector
    await expect(readRecord(sites.aws.services, keyOf(0), { session })).rejects.toMatchObject({ code: 'unavailable' })
  })

  test('durability at both sites is not confirmed for what the other site holds back', async () => {
    const sites = await settled(1)
    await freezeBreaker(sites.aws.services, decision)
    const written = await writeRecord(sites.azure.services, keyOf(0), { ...none, durability: 'both' }, () => null)
    expect(written.durability).toBe('local')
  })
})
