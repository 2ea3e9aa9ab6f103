import { expect, test } from '@jest/globals'
import fc from 'fast-check'
import { collectionKey } from '../../shared/core/collections.ts'
import { conflictKey, conflictsCollection } from '../../shared/core/conflict-record.ts'
import { dismissConflict, listConflicts, restoreConflict } from '../../shared/core/conflicts.ts'
import { handleChanges } from '../../shared/core/feed.ts'
import { reconcile } from '../../shared/core/reconcile.ts'
import { stateOf } from '../../shared/core/record-history.ts'
import { writeRecord } from '../../shared/core/records.ts'
import { sweep } from '../../shared/core/sweep.ts'
import { jsonEqual, type JsonObject } from '../../shared/domain/json.ts'
import { historyMs } from '../../shared/domain/limits.ts'
import { keyText, type RecordKey, type RecordState, type StoredRecord } from '../../shared/domain/record.ts'
import { sites as bothSites, type Site } from '../../shared/domain/site.ts'
import type { Stamp } from '../../shared/domain/stamp.ts'
import { memoryTelemetry, type MemoryTelemetry } from '../memory/telemetry.ts'
import { dayMs, none, reconcileBoth } from './breaker-world.ts'
import { twoSites, type TwoSites } from './two-sites.ts'

type Step =
  | { kind: 'write'; at: Site; collection: string; id: string; field: string; deletes: boolean }
  /** What the feed of a site has is followed, and may come again. */
  | { kind: 'feed'; at: Site; again: boolean }
  | { kind: 'settle'; at: Site; which: number; how: 'restore' | 'dismiss' }
  | { kind: 'link'; connected: boolean }
  /** What the feeds have is followed long before; some timers run. */
  | { kind: 'wait'; days: number; sweepAt: readonly Site[] }
  | { kind: 'reconcile'; at: Site }

const tenant = 'acme'
const at = fc.constantFrom(...bothSites)
const oneIn = (count: number) => fc.nat(count - 1).map((roll) => roll === 0)
const step = <Kind extends Step['kind'], More extends object>(
  kind: Kind,
  more: { [Name in keyof More]: fc.Arbitrary<More[Name]> },
) => fc.record<More>(more).map((rest) => ({ kind, ...rest }))
const steps: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 10,
    arbitrary: step('write', {
      at,
      collection: fc.constantFrom('notes', 'forms'),
      id: fc.constantFrom('a', 'b'),
      field: fc.constantFrom('x', 'y'),
      deletes: oneIn(6),
    }),
  },
  { weight: 5, arbitrary: step('feed', { at, again: oneIn(5) }) },
  { weight: 3, arbitrary: step('settle', { at, which: fc.nat(9), how: fc.constantFrom('restore', 'dismiss') }) },
  { weight: 2, arbitrary: step('link', { connected: fc.boolean() }) },
  { weight: 3, arbitrary: step('wait', { days: fc.integer({ min: 30, max: 150 }), sweepAt: fc.uniqueArray(at) }) },
  { weight: 1, arbitrary: step('reconcile', { at }) },
)

/** A write of a client, and the state that it knowingly took the place of. */
interface Write {
  readonly state: RecordState
  readonly before: RecordState | undefined
}

/** Two sites, and what their clients were told. */
class History {
  readonly sites: TwoSites = twoSites()
  readonly writes: Write[] = []
  readonly settled = new Set<string>()
  /** When a conflict was first seen at either site. */
  readonly foundMs = new Map<string, number>()

  constructor() {
    // So that each site's figures are its own.
    for (const site of bothSites) Object.assign(this.sites[site].services, { telemetry: memoryTelemetry() })
  }

  async begin(): Promise<void> {
    const key = collectionKey(tenant, 'forms')
    await writeRecord(this.sites.aws.services, key, none, () => ({ conflicts: 'merge-fields' }))
    await this.sites.flush()
  }

  async run(each: Step): Promise<void> {
    const { sites } = this
    await sites.clock.advance(10)
    switch (each.kind) {
      case 'write':
        await this.write(each)
        break
      case 'feed': {
        const { services, feed } = sites[each.at]
        await handleChanges(services, each.again ? feed.slice(0, 5) : feed.splice(0, 5))
        break
      }
      case 'settle':
        await this.settle(each)
        break
      case 'link':
        sites.connected = each.connected
        break
      case 'reconcile':
        // Throws while the link is cut.
        await reconcile(sites[each.at].services).catch(() => undefined)
        break
      case 'wait':
        await sites.flush()
        this.note()
        await sites.clock.advance(each.days * dayMs)
        for (const site of each.sweepAt) await sweep(sites[site].services)
    }
    this.note()
  }

  private note(): void {
    for (const id of [...this.conflictsAt('aws').keys(), ...this.conflictsAt('azure').keys()]) {
      if (!this.foundMs.has(id)) this.foundMs.set(id, this.sites.clock.now())
    }
  }

  private async write({ at: site, collection, id, field, deletes }: Extract<Step, { kind: 'write' }>): Promise<void> {
    const key = { tenant, collection, id }
    const value = this.writes.length
    const head = await this.headAt(site, key)
    if (deletes && (!head || head.deleted)) return
    const change = (now: JsonObject | undefined) => (deletes ? null : { ...now, [field]: value })
    await this.noted(site, key, () => writeRecord(this.sites[site].services, key, none, change))
  }

  private async noted(site: Site, key: RecordKey, act: () => Promise<{ record: StoredRecord }>): Promise<void> {
    const before = await this.headAt(site, key)
    const { record } = await act()
    this.writes.push({ state: stateOf(record), before: before && stateOf(before) })
  }

  private async settle({ at: site, which, how }: Extract<Step, { kind: 'settle' }>): Promise<void> {
    const { services } = this.sites[site]
    const { items } = await listConflicts(services, tenant, { limit: 100 })
    const conflict = items[which % Math.max(1, items.length)]
    if (!conflict) return
    const key = { tenant, collection: conflict.collection, id: conflict.recordId }
    const head = await this.headAt(site, key)
    if (how === 'dismiss') await dismissConflict(services, tenant, conflict.id)
    // What is deleted already cannot be deleted once more.
    else if (conflict.deleted && (!head || head.deleted)) return
    else await this.noted(site, key, () => restoreConflict(services, tenant, conflict.id, none))
    this.settled.add(conflict.id)
  }

  async end(): Promise<void> {
    this.sites.connected = true
    await this.sites.flush()
    await reconcileBoth(this.sites)
  }

  headAt = (site: Site, key: RecordKey) => this.sites[site].services.records.get(key)

  conflictsAt(site: Site): Map<string, StoredRecord> {
    const kept = this.sites[site].records.all().filter(({ key }) => key.collection === conflictsCollection)
    return new Map(kept.map((record) => [record.key.id, record]))
  }

  countedAt(site: Site, name: string): number {
    const { metrics } = this.sites[site].services.telemetry as MemoryTelemetry
    return metrics.filter((metric) => metric.name === name).length
  }

  /** Writes of a collection where the last one wins that are gone, were overwritten by nobody who knew them, and listed never. */
  lost(): Stamp[] {
    const conflicts = this.conflictsAt('aws')
    const saysTheSame = (a: RecordState, b: RecordState): boolean =>
      keyText(a.key) === keyText(b.key) && a.deleted === b.deleted && jsonEqual(a.body, b.body)
    const heads = this.sites.aws.records.all()
    const isAccountedFor = ({ key, stamp }: RecordState): boolean =>
      heads.some((head) => head.stamp === stamp) ||
      this.writes.some(({ before }) => before?.stamp === stamp) ||
      conflicts.has(conflictKey(key, stamp).id)
    return this.writes
      .map(({ state }) => state)
      .filter(({ key }) => key.collection === 'notes')
      .filter((state) => !this.writes.some((other) => saysTheSame(other.state, state) && isAccountedFor(other.state)))
      .map(({ stamp }) => stamp)
  }
}

test('every conflict that was counted is listed, was settled, or had its ninety days', async () => {
  const seen = { listed: 0, settled: 0, ended: 0 }
  await fc.assert(
    fc.asyncProperty(fc.array(steps, { maxLength: 60, size: 'max' }), async (each) => {
      const history = new History()
      await history.begin()
      for (const one of each) await history.run(one)
      await history.end()
      const nowMs = history.sites.clock.now()
      for (const site of bothSites) {
        const all = [...history.conflictsAt(site)]
        const { items } = await listConflicts(history.sites[site].services, tenant, { limit: 1000 })
        const settled = all.filter(([id, { deleted }]) => deleted && history.settled.has(id))
        const ended = all.filter(([id, { deleted }]) => deleted && !history.settled.has(id))
        expect(history.countedAt(site, 'conflicts')).toBe(items.length + settled.length + ended.length)
        expect(settled.length).toBe(history.settled.size)
        for (const [id] of ended) expect(nowMs - (history.foundMs.get(id) ?? nowMs)).toBeGreaterThanOrEqual(historyMs)
        expect(history.countedAt(site, 'conflictsEnded')).toBeLessThanOrEqual(all.length)
        seen.listed += items.length
        seen.settled += settled.length
        seen.ended += ended.length
      }
      expect([...history.conflictsAt('aws').keys()].sort()).toEqual([...history.conflictsAt('azure').keys()].sort())
      // One for each write that lost as a whole, and of nothing that nobody wrote.
      const stamps = new Set(history.writes.map(({ state }) => state.stamp))
      for (const { stamp } of (await listConflicts(history.sites.aws.services, tenant, { limit: 1000 })).items) {
        expect(stamps).toContain(stamp)
      }
      expect(history.lost()).toEqual([])
    }),
    { numRuns: 150 },
  )
  // All of this has happened, or nothing was shown.
  for (const count of Object.values(seen)) expect(count).toBeGreaterThan(5)
}, 60_000)
