import { describe, expect, test } from '@jest/globals'
import { applyStates } from '../../shared/core/apply.ts'
import { conflictsCollection, endedConflict } from '../../shared/core/conflict-record.ts'
import { dismissConflict, listConflicts } from '../../shared/core/conflicts.ts'
import { recordVersions, stateOf } from '../../shared/core/record-history.ts'
import { writeRecord } from '../../shared/core/records.ts'
import type { Services } from '../../shared/core/services.ts'
import { sweep } from '../../shared/core/sweep.ts'
import { historyMs } from '../../shared/domain/limits.ts'
import type { StoredRecord } from '../../shared/domain/record.ts'
import type { Site } from '../../shared/domain/site.ts'
import { dayMs, forged, hourMs, indexes, keyOf, none, reconcileBoth, scopeOf } from './breaker-world.ts'
import { twoSites, type TwoSites } from './two-sites.ts'

/** More than one breaker lets through in an hour. */
const many = 60

/** Both sites list `count` conflicts, all of them met by now. */
async function conflicting(count = many): Promise<TwoSites> {
  const sites = twoSites()
  sites.connected = false
  for (const index of indexes(count)) {
    await writeRecord(sites.aws.services, keyOf(index), none, () => ({ lost: index }))
    await sites.clock.advance(2)
    await writeRecord(sites.azure.services, keyOf(index), none, () => ({ won: index }))
  }
  sites.connected = true
  await reconcileBoth(sites)
  expect(await listed(sites)).toEqual({ aws: count, azure: count })
  return sites
}

async function listed({ aws, azure }: TwoSites) {
  const count = async ({ services }: { services: Services }) =>
    (await listConflicts(services, 'acme', { limit: 1000 })).items.length
  return { aws: await count(aws), azure: await count(azure) }
}

const conflictsAt = (sites: TwoSites, site: Site): StoredRecord[] =>
  sites[site].records.all().filter(({ key }) => key.collection === conflictsCollection)
const statesAt = (sites: TwoSites, site: Site) =>
  sites[site].records
    .all()
    .map(stateOf)
    .sort((a, b) => (a.stamp < b.stamp ? -1 : 1))
const offers = ({ aws, azure }: TwoSites): number => (aws.calls['offer'] ?? 0) + (azure.calls['offer'] ?? 0)
const expectAlike = (sites: TwoSites): void => expect(statesAt(sites, 'aws')).toEqual(statesAt(sites, 'azure'))
/** The same site with a clock that is wrong by so much. */
const withClock = (services: Services, aheadMs: number): Services => ({
  ...services,
  clock: { ...services.clock, now: () => services.clock.now() + aheadMs },
})

describe('a conflict that nobody settles', () => {
  test('is listed for ninety days and then ended at both sites alike, and nothing travels for it', async () => {
    const sites = await conflicting()
    await sites.clock.advance(historyMs - hourMs)
    for (const site of [sites.aws, sites.azure]) await sweep(site.services)
    expect(await listed(sites)).toEqual({ aws: many, azure: many })
    await sites.clock.advance(2 * hourMs)
    const before = offers(sites)
    for (const site of [sites.aws, sites.azure]) await sweep(site.services)
    await reconcileBoth(sites)
    expect(await listed(sites)).toEqual({ aws: 0, azure: 0 })
    expect(offers(sites)).toBe(before)
    expectAlike(sites)
    expect(conflictsAt(sites, 'aws')).toHaveLength(many)
    expect(conflictsAt(sites, 'aws').every(({ deleted }) => deleted)).toBe(true)
  })

  test('stays in its own history when it ends', async () => {
    const sites = await conflicting(1)
    await sites.clock.advance(historyMs + hourMs)
    await sweep(sites.aws.services)
    const [ended] = conflictsAt(sites, 'aws')
    if (!ended) throw new Error('no conflict')
    const { items } = await recordVersions(sites.aws.services, ended.key, { limit: 10 })
    expect(items.map(({ deleted, body }) => [deleted, body?.['body'] ?? null])).toEqual([
      [true, null],
      [false, { lost: 0 }],
    ])
  })

  test('ends at the site that does not sweep by reconciliation, and its breaker counts nothing', async () => {
    const sites = await conflicting()
    await sites.clock.advance(historyMs + hourMs)
    await sweep(sites.aws.services)
    await reconcileBoth(sites)
    expect(await listed(sites)).toEqual({ aws: 0, azure: 0 })
    expectAlike(sites)
    expect(await scopeOf(sites.azure.services)).toBeUndefined()
  })

  test('is not ended by what only looks like its end', async () => {
    const sites = await conflicting()
    await sites.clock.advance(dayMs)
    const conflicts = conflictsAt(sites, 'azure')
    const early = await applyStates(sites.azure.services, conflicts.map(endedConflict))
    expect(new Set(early.map(({ kind }) => kind))).toEqual(new Set(['quarantined']))
    const forgeries = conflicts.map((stored) => forged(stored, sites.clock.now(), null, 'aws'))
    const outcomes = await applyStates(sites.azure.services, forgeries)
    expect(outcomes.filter(({ kind }) => kind === 'frozen').length).toBe(many - 50)
  })

  test('lives its ninety days from when the sites met, however old the write was', async () => {
    const sites = twoSites()
    sites.connected = false
    await writeRecord(sites.aws.services, keyOf(0), none, () => ({ lost: 0 }))
    await sites.clock.advance(2)
    await writeRecord(sites.azure.services, keyOf(0), none, () => ({ won: 0 }))
    await sites.clock.advance(100 * dayMs)
    sites.connected = true
    await reconcileBoth(sites)
    await sites.clock.advance(historyMs - dayMs)
    for (const site of [sites.aws, sites.azure]) await sweep(site.services)
    expect(await listed(sites)).toEqual({ aws: 1, azure: 1 })
    await sites.clock.advance(2 * dayMs)
    for (const site of [sites.aws, sites.azure]) await sweep(site.services)
    expect(await listed(sites)).toEqual({ aws: 0, azure: 0 })
    expectAlike(sites)
  })
})

describe('the end of a conflict', () => {
  test('is brought about by a clock that is ahead at one site alone, and the other keeps it until its time', async () => {
    const sites = await conflicting(3)
    await sites.clock.advance(historyMs - hourMs)
    await sweep(withClock(sites.aws.services, 2 * hourMs))
    await reconcileBoth(sites)
    expect(await listed(sites)).toEqual({ aws: 0, azure: 3 })
    await sites.clock.advance(2 * hourMs)
    await sweep(sites.azure.services)
    await reconcileBoth(sites)
    expect(await listed(sites)).toEqual({ aws: 0, azure: 0 })
    expectAlike(sites)
  })

  test('changes nothing once a client has settled it, at either site, known there or not', async () => {
    const sites = await conflicting(2)
    const [one, other] = conflictsAt(sites, 'aws')
    if (!one || !other) throw new Error('no conflicts')
    await dismissConflict(sites.aws.services, 'acme', one.key.id)
    await sites.flush()
    const settled = conflictsAt(sites, 'azure').find(({ key }) => key.id === one.key.id)
    await sites.clock.advance(historyMs + hourMs)
    sites.connected = false
    await dismissConflict(sites.aws.services, 'acme', other.key.id)
    for (const site of [sites.aws, sites.azure]) await sweep(site.services)
    expect(conflictsAt(sites, 'azure').find(({ key }) => key.id === one.key.id)?.stamp).toBe(settled?.stamp)
    sites.connected = true
    await reconcileBoth(sites)
    expect(await listed(sites)).toEqual({ aws: 0, azure: 0 })
    expectAlike(sites)
    // Two deletes of one thing say the same: they are no conflict of their own.
    expect(conflictsAt(sites, 'aws')).toHaveLength(2)
  })

  test('is final for what an old backup still lists, or a dead letter brings back', async () => {
    const sites = await conflicting(2)
    const old = conflictsAt(sites, 'azure').map(stateOf)
    await sites.clock.advance(historyMs + hourMs)
    for (const site of [sites.aws, sites.azure]) await sweep(site.services)
    expect(await applyStates(sites.aws.services, old)).toEqual(old.map(() => ({ kind: 'known' })))
    const rebuilt = twoSites(2)
    await rebuilt.clock.advance(sites.clock.now() - rebuilt.clock.now())
    await applyStates(rebuilt.azure.services, old)
    await applyStates(rebuilt.azure.services, conflictsAt(sites, 'aws').map(stateOf))
    expect((await listed(rebuilt)).azure).toBe(0)
  })

  test('comes twice, and late, and does no more than once', async () => {
    const sites = await conflicting(1)
    await sites.clock.advance(historyMs + hourMs)
    for (let time = 0; time < 3; time++) await sweep(sites.aws.services)
    const [first] = conflictsAt(sites, 'aws')
    await sites.flush()
    await sites.clock.advance(dayMs)
    await sweep(sites.aws.services)
    expect(conflictsAt(sites, 'aws')).toEqual([first])
  })
})
