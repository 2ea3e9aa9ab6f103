import { describe, expect, test } from '@jest/globals'
import { freezeBreaker } from '../../shared/core/breaker-control.ts'
import { fileDeadLetter } from '../../shared/core/dead-letters.ts'
import { handleChanges } from '../../shared/core/feed.ts'
import { pauseReplication } from '../../shared/core/pause.ts'
import { reconcile } from '../../shared/core/reconcile.ts'
import { stateOf } from '../../shared/core/record-history.ts'
import { replicationMetrics } from '../../shared/core/replication-metrics.ts'
import { replicationStatus } from '../../shared/core/replication-status.ts'
import { writeRecord } from '../../shared/core/records.ts'
import type { Services } from '../../shared/core/services.ts'
import { runTask } from '../../shared/core/tasks.ts'
import { memoryJobQueue } from '../memory/job-queue.ts'
import type { MemorySiteStore } from '../memory/site-store.ts'
import type { MemoryTelemetry } from '../memory/telemetry.ts'
import { twoSites, type TwoSites } from './two-sites.ts'

const [secondMs, minuteMs, hourMs] = [1000, 60_000, 3_600_000]
const put = (services: Services, id: string) =>
  writeRecord(services, { tenant: 'acme', collection: 'notes', id }, { precondition: { kind: 'none' } }, () => ({ id }))
const codesOf = async (services: Services) => (await replicationStatus(services)).warnings.map(({ code }) => code)

/** A pair whose timers have run, so that there is nothing to complain of. */
async function settled(): Promise<TwoSites> {
  const sites = twoSites()
  await put(sites.aws.services, 'first')
  await sites.flush()
  for (let round = 0; round < 2; round++) {
    await sites.clock.advance(10 * secondMs)
    await reconcile(sites.aws.services)
    await reconcile(sites.azure.services)
    await sites.flush()
  }
  return sites
}

test('when all is well there is nothing to warn of', async () => {
  const sites = await settled()
  for (const { services } of [sites.aws, sites.azure]) {
    await runTask(services, 'watch')
    expect((await replicationStatus(services)).warnings).toEqual([])
  }
})

describe('lag', () => {
  test('is measured from the write to the acknowledgement, over a quarter of an hour, and known at both sites', async () => {
    const sites = await settled()
    const { aws, azure, clock } = sites
    await clock.advance(hourMs)
    for (let n = 0; n < 99; n++) {
      await put(aws.services, `r${n}`)
      await clock.advance(n === 50 ? 20_000 : 100)
      await sites.flush()
    }
    await runTask(aws.services, 'watch')
    const { outgoing } = await replicationStatus(aws.services)
    expect(outgoing.lag).toMatchObject({ count: 99, windowMs: 15 * minuteMs })
    expect(outgoing.lag.p50Ms).toBeGreaterThanOrEqual(100)
    expect(outgoing.lag.p50Ms).toBeLessThan(120)
    expect(outgoing.lag.p99Ms).toBeGreaterThanOrEqual(20_000)
    expect(outgoing.lag.p99Ms).toBeLessThan(24_000)
    expect(outgoing.lastOffer).toEqual({ atMs: clock.now(), lagMs: 100 })
    expect((await replicationStatus(azure.services)).incoming).toMatchObject({ lag: outgoing.lag, feedAgeMs: 20_000 })
    await clock.advance(20 * minuteMs)
    expect((await replicationStatus(aws.services)).outgoing.lag).toMatchObject({ count: 0, p50Ms: null, p99Ms: null })
  })

  test('of several instances is one figure, at one write an offer', async () => {
    const { aws, clock } = twoSites()
    for (let instance = 0; instance < 5; instance++) {
      const services: Services = { ...aws.services }
      await put(services, `r${instance}`)
      await clock.advance(50)
      const before = aws.services.siteStore as MemorySiteStore
      const puts: string[] = []
      const siteStore = {
        ...before,
        put: async (...args: Parameters<typeof before.put>) => (puts.push(args[0].partition), before.put(...args)),
      }
      await handleChanges(Object.assign(services, { siteStore }), aws.feed.splice(0))
      expect(puts.filter((partition) => partition === 'feed-figures')).toHaveLength(1)
    }
    expect((await replicationStatus(aws.services)).outgoing.lag.count).toBe(5)
  })

  test('what a rebuilt site is given again does not count', async () => {
    const sites = await settled()
    await sites.clock.advance(30 * hourMs)
    sites.azure.records.load([])
    await sites.aws.services.peer.offer([])
    await handleChanges(
      sites.aws.services,
      sites.aws.records.all().map((record) => ({ ...record, via: 'client' as const })),
    )
    expect(sites.azure.records.all()).not.toEqual([])
    expect((await replicationStatus(sites.aws.services)).outgoing.lag.count).toBe(0)
  })
})

describe('the age of the feed', () => {
  test('is that of the oldest change it brings, and a warning at six hours', async () => {
    const { aws, clock } = await settled()
    await put(aws.services, 'late')
    await clock.advance(7 * hourMs)
    await handleChanges(aws.services, aws.feed.splice(0))
    expect((await replicationStatus(aws.services)).outgoing.feed).toMatchObject({ ageMs: 7 * hourMs, isSilent: false })
    expect(await codesOf(aws.services)).toContain('feed-age')
    await clock.advance(10 * minuteMs)
    expect((await replicationStatus(aws.services)).outgoing.feed.ageMs).toBe(0)
  })

  test('grows while the feed brings nothing, which a change made to be brought finds out', async () => {
    const sites = await settled()
    const { aws, clock } = sites
    for (let minutes = 0; minutes < 8 * 60; minutes++) {
      await clock.advance(minuteMs)
      await runTask(aws.services, 'watch')
    }
    // One change, not one every five minutes, while the first has not come through.
    expect(aws.feed).toHaveLength(1)
    const { feed } = (await replicationStatus(aws.services)).outgoing
    expect(feed.isSilent).toBe(true)
    expect(feed.ageMs).toBeGreaterThanOrEqual(8 * hourMs)
    expect(await codesOf(aws.services)).toEqual(expect.arrayContaining(['feed-age', 'feed-silent']))
    await sites.flush()
    await clock.advance(10 * minuteMs)
    expect((await replicationStatus(aws.services)).outgoing.feed).toMatchObject({ ageMs: 0, isSilent: false })
  })

  test('does not grow at a site where nothing is written', async () => {
    const sites = await settled()
    const { aws, clock } = sites
    let changes = 0
    for (let minutes = 0; minutes < 8 * 60; minutes += 10) {
      await clock.advance(10 * minuteMs)
      await runTask(aws.services, 'watch')
      changes += aws.feed.length
      await sites.flush()
      expect((await replicationStatus(aws.services)).outgoing.feed.isSilent).toBe(false)
    }
    expect(changes).toBeLessThanOrEqual(48)
  })
})

describe('warnings', () => {
  test('of a peer that is away, of what waits for it, and of a reconcile that fails', async () => {
    const sites = await settled()
    const { aws, clock } = sites
    sites.connected = false
    await put(aws.services, 'waiting')
    await sites.flush()
    await clock.advance(10 * minuteMs)
    await reconcile(aws.services)
    const status = await replicationStatus(aws.services)
    expect(status.warnings.map(({ code }) => code)).toEqual(['peer-down', 'undelivered', 'reconcile-failing'])
    expect(status.warnings[0]?.detail).toMatch(/azure does not answer since 10 min: cut off/)
    expect(status.outgoing.undelivered).toMatchObject({ count: 1, buckets: 1 })
    sites.connected = true
    // Another instance than the one that found the peer down.
    await reconcile({ ...aws.services })
    expect(await codesOf(aws.services)).toEqual([])
  })

  test('of what is paused, at both sites', async () => {
    const { aws, azure } = await settled()
    await pauseReplication(aws.services, 'outgoing', { reason: 'moving house', by: 'k' })
    const [warning] = (await replicationStatus(aws.services)).warnings
    expect(warning).toMatchObject({ code: 'paused-outgoing', detail: expect.stringMatching('moving house') })
    expect(await codesOf(azure.services)).toEqual(['peer-paused'])
  })

  test('of dead letters, quarantined states and objects that do not come', async () => {
    const { aws, azure, clock } = await settled()
    await fileDeadLetter(aws.services, { kind: 'job', cause: 'broke', payload: {} })
    clock.skew(300_000)
    const { record } = await put(azure.services, 'ahead')
    clock.skew(-300_000)
    await azure.services.peer.offer([stateOf(record)])
    const value = { sinceMs: clock.now() - 2 * hourMs, bytes: 7 }
    await aws.services.siteStore.put({ partition: 'missing/0', id: 'objects/x', value }, { kind: 'any' })
    const status = await replicationStatus(aws.services)
    expect(status.warnings.map(({ code }) => code)).toEqual(['dead-letters', 'quarantined', 'missing-objects'])
    expect(status.deadLetters).toMatchObject({ count: 1, more: false })
    expect(status.missingObjects).toMatchObject({ count: 1, bytes: 7, oldestMs: value.sinceMs })
    expect(status.quarantined.aheadMs).toBe(300_000)
    expect(status.quarantined.lastUntilMs).toBe(clock.now() + 240_000)
  })

  test('of events of the drop area that nobody could read', async () => {
    const { aws, clock } = await settled()
    expect((await replicationStatus(aws.services)).dropEvents).toBeNull()
    const dropEvents = memoryJobQueue({ clock })
    const services = { ...aws.services, dropEvents }
    for (const n of [1, 2]) await dropEvents.send({ kind: 'event', payload: { n } })
    const waiting = await replicationStatus(services)
    expect([waiting.dropEvents, waiting.warnings]).toEqual([{ waiting: 2, deadLetters: 0 }, []])
    expect(replicationMetrics(waiting)).toContainEqual(['dropEventsWaiting', 2])
    for (let tries = 0; tries <= 10; tries++) dropEvents.receive()?.fail()
    const status = await replicationStatus(services)
    expect(status.warnings.map(({ code }) => code)).toEqual(['drop-dead-letters'])
    expect(replicationMetrics(status)).toContainEqual(['dropEventsDeadLetters', 2])
  })

  test('of what the breaker holds back', async () => {
    const { aws } = await settled()
    await freezeBreaker(aws.services, { tenant: undefined, reason: 'a drill', by: 'k' })
    expect(await codesOf(aws.services)).toEqual(['breaker-frozen'])
  })

  test('of timers that do not run, and of sites that never become equal', async () => {
    const sites = await settled()
    const { aws, clock } = sites
    await clock.advance(11 * minuteMs)
    expect(await codesOf(aws.services)).toEqual(['reconcile-late'])
    Object.assign(aws.services.peer, { summaries: async () => [{ kind: 'busy' }] })
    for (let n = 0; n < 7; n++) {
      await clock.advance(10 * minuteMs)
      await reconcile(aws.services)
    }
    expect(await codesOf(aws.services)).toEqual(['reconcile-not-clean'])
  })
})

test('every figure goes to the monitor once a minute, and every warning to the log', async () => {
  const { aws } = await settled()
  await fileDeadLetter(aws.services, { kind: 'job', cause: 'broke', payload: {} })
  const { metrics, logs } = aws.services.telemetry as MemoryTelemetry
  metrics.length = 0
  await runTask(aws.services, 'watch')
  const byName = new Map(metrics.map(({ name, value }) => [name, value]))
  expect(byName.size).toBe(metrics.length)
  expect(byName.get('deadLettersWaiting')).toBe(1)
  expect(byName.get('peerReachable')).toBe(1)
  expect(byName.get('feedAgeMs')).toBe(0)
  expect([...byName.values()].every((value) => Number.isFinite(value) && value >= 0)).toBe(true)
  expect(logs.filter(({ fields }) => fields?.['warning'] === 'dead-letters')).toHaveLength(1)
})
