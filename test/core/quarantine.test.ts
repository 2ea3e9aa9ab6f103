import { expect, test } from '@jest/globals'
import { applyStates } from '../../shared/core/apply.ts'
import { replayDeadLetters } from '../../shared/core/dead-letter-replay.ts'
import { listDeadLetters } from '../../shared/core/dead-letters.ts'
import { releaseQuarantine } from '../../shared/core/quarantine-release.ts'
import { stateOf } from '../../shared/core/record-history.ts'
import { writeRecord } from '../../shared/core/records.ts'
import type { Services } from '../../shared/core/services.ts'
import { CatamaranError } from '../../shared/domain/errors.ts'
import type { RecordState } from '../../shared/domain/record.ts'
import { hourMs, indexes, keyOf, kinds, liveAt, none, reconcileBoth } from './breaker-world.ts'
import { type TwoSites, twoSites } from './two-sites.ts'

/** `count` states that Azure made, one a millisecond, while its clock was ahead by so much. */
async function statesAhead({ azure, clock }: TwoSites, aheadMs: number, count: number): Promise<RecordState[]> {
  const states: RecordState[] = []
  for (const n of indexes(count)) {
    const services = { ...azure.services, clock: { ...clock, now: () => clock.now() + aheadMs + n } }
    states.push(stateOf((await writeRecord(services, keyOf(n), none, () => ({ n }))).record))
  }
  return states
}

/** A site whose store takes none of the first `count` records, for as long as it is asked. */
function refusing({ aws }: TwoSites, count: number): Services {
  const refused = new Set(indexes(count).map((n) => keyOf(n).id))
  const put: Services['records']['put'] = async (state, ...rest) => {
    if (refused.has(state.key.id)) throw new CatamaranError('unavailable', 'the store is away')
    return aws.records.put(state, ...rest)
  }
  return { ...aws.services, records: { ...aws.records, put } }
}

test('an hour places no more states than it has room for, however often and from however many sides they come', async () => {
  const sites = twoSites()
  const { services } = sites.aws
  const states = await statesAhead(sites, 3 * hourMs, 1010)
  const parts = [states.slice(0, 400), states.slice(400, 800), states.slice(800)]
  const first = await Promise.all(parts.map((part) => applyStates(services, part)))
  expect(kinds(first.flat())).toEqual({ quarantined: 1000, failed: 10 })
  const second = await applyStates(services, states)
  expect(kinds(second)).toEqual({ quarantined: 1000, failed: 10 })
  // The peer takes this for a site that cannot just now, and comes again; nothing of it becomes a dead letter there.
  expect(second.find(({ kind }) => kind === 'failed')).toMatchObject({ code: 'unavailable' })
  await sites.clock.advance(hourMs)
  expect(kinds(await applyStates(services, states))).toEqual({ quarantined: 1010 })
})

test('what had no room comes by itself when its time has come', async () => {
  const sites = twoSites()
  await statesAhead(sites, 120_000, 1003)
  await sites.flush()
  expect(liveAt(sites, 'aws')).toEqual([])
  await sites.clock.advance(121_100)
  await releaseQuarantine(sites.aws.services)
  expect(liveAt(sites, 'aws')).toHaveLength(1000)
  await reconcileBoth(sites)
  expect(liveAt(sites, 'aws')).toHaveLength(1003)
  expect((await listDeadLetters(sites.azure.services, { limit: 1 })).items).toEqual([])
})

test('what the quarantine cannot let go holds up nothing behind it', async () => {
  const sites = twoSites()
  expect(kinds(await applyStates(sites.aws.services, await statesAhead(sites, 120_000, 101)))).toEqual({
    quarantined: 101,
  })
  await sites.clock.advance(121_100)
  expect(await releaseQuarantine(refusing(sites, 100))).toBe(1)
  expect((await sites.aws.records.get(keyOf(100)))?.body).toEqual({ n: 100 })
})

test('as many as a run looks at become dead letters when they go on failing, and can be replayed', async () => {
  const sites = twoSites()
  const { services } = sites.aws
  const states = await statesAhead(sites, 3 * hourMs, 1001)
  await applyStates(services, states)
  await sites.clock.advance(hourMs)
  expect(kinds(await applyStates(services, states))).toEqual({ quarantined: 1001 })
  await sites.clock.advance(2 * hourMs + 2000)
  const failing = refusing(sites, 1000)
  for (const _ of indexes(29)) expect(await releaseQuarantine(failing)).toBe(0)
  const letters = async () => (await listDeadLetters(services, { limit: 1001 })).items
  expect(await letters()).toEqual([])
  await releaseQuarantine(failing)
  expect(await letters()).toHaveLength(1000)
  expect((await letters())[0]).toMatchObject({ kind: 'apply', cause: 'unavailable: the store is away', times: 1 })
  expect(await releaseQuarantine(failing)).toBe(1)
  expect((await sites.aws.records.get(keyOf(1000)))?.body).toEqual({ n: 1000 })
  await replayDeadLetters(services, { kind: 'apply', limit: 1000 })
  expect([(await letters()).length, liveAt(sites, 'aws').length]).toEqual([0, 1001])
})

test('while the store is away no state is taken for one that cannot be applied', async () => {
  const sites = twoSites()
  const { services } = sites.aws
  await applyStates(services, await statesAhead(sites, 120_000, 3))
  await sites.clock.advance(121_100)
  const away = () => Promise.reject(new CatamaranError('unavailable', 'the store is away'))
  const without = { ...services, records: { ...services.records, get: away, getMany: away, put: away } }
  for (const _ of indexes(60)) expect(await releaseQuarantine(without)).toBe(0)
  expect((await listDeadLetters(services, { limit: 10 })).items).toEqual([])
  expect(await releaseQuarantine(services)).toBe(3)
})

test('a run that dies between filing and removing files nothing twice', async () => {
  const sites = twoSites()
  const { services } = sites.aws
  await applyStates(services, await statesAhead(sites, 120_000, 1))
  await sites.clock.advance(121_100)
  const failing = refusing(sites, 1)
  for (const _ of indexes(29)) await releaseQuarantine(failing)
  const remove: Services['siteStore']['remove'] = () => Promise.reject(new CatamaranError('unavailable', 'killed'))
  const dying = { ...failing, siteStore: { ...services.siteStore, remove } }
  await expect(releaseQuarantine(dying)).rejects.toMatchObject({ code: 'unavailable' })
  await releaseQuarantine(failing)
  expect((await listDeadLetters(services, { limit: 10 })).items).toMatchObject([{ kind: 'apply', times: 2 }])
  expect((await services.siteStore.list('quarantine', { limit: 1 })).items).toEqual([])
})

test('what goes back into the quarantine while it is let go, stays there', async () => {
  const sites = twoSites()
  const { services } = sites.aws
  await applyStates(services, await statesAhead(sites, 120_000, 1))
  await sites.clock.advance(121_100)
  const readings = [0]
  const setBack: Services = {
    ...services,
    clock: { ...sites.clock, now: () => sites.clock.now() - (readings.pop() === undefined ? hourMs : 0) },
  }
  expect(await releaseQuarantine(setBack)).toBe(0)
  expect(await releaseQuarantine(services)).toBe(1)
})
