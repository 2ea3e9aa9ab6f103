import { describe, expect, test } from '@jest/globals'
import { applyStates } from '../../shared/core/apply.ts'
import { listConflicts } from '../../shared/core/conflicts.ts'
import { stateOf } from '../../shared/core/record-history.ts'
import { writeRecord, type WriteOptions } from '../../shared/core/records.ts'
import type { Services } from '../../shared/core/services.ts'
import { twoSites, type TwoSites } from './two-sites.ts'

const key = { tenant: 'acme', collection: 'notes', id: 'a' }
const none = { precondition: { kind: 'none' } } as const
const put = (services: Services, text: string, options: WriteOptions = none) =>
  writeRecord(services, key, options, () => ({ text }))
const listedAt = async (services: Services) =>
  (await listConflicts(services, 'acme', { limit: 10 })).items.map(({ body }) => body?.['text'])

/** A write at AWS, then one at Azure that has not seen it and wins, brought to AWS: only AWS has seen both. */
async function metAtAws(sites: TwoSites, loses: WriteOptions = none) {
  const { record: loser } = await put(sites.aws.services, 'loses', loses)
  await sites.clock.advance(5)
  const { record: winner } = await put(sites.azure.services, 'wins', none)
  await applyStates(sites.aws.services, [stateOf(winner)])
  return { loser, winner }
}

describe('the losing side of a conflict', () => {
  test('a site that is offered the outcome alone keeps what it held itself', async () => {
    const sites = twoSites()
    const { record: held } = await put(sites.azure.services, 'loses', none)
    await sites.clock.advance(5)
    await put(sites.aws.services, 'wins')
    await applyStates(sites.aws.services, [stateOf(held)])
    const { record: later } = await put(sites.aws.services, 'and again')
    sites.aws.feed.length = sites.azure.feed.length = 0
    expect(await applyStates(sites.azure.services, [stateOf(later)])).toEqual([{ kind: 'applied' }])
    expect(await listedAt(sites.azure.services)).toEqual(['loses'])
    expect(sites.aws.records.all().map(stateOf)).toEqual(sites.azure.records.all().map(stateOf))
  })

  test('a write that comes after the one that won over it is kept, by itself and in a batch', async () => {
    for (const alone of [true, false]) {
      const sites = twoSites()
      const { loser } = await metAtAws(sites)
      const [outcome] = await sites.aws.records.getMany([key])
      await applyStates(sites.azure.services, outcome ? [stateOf(outcome)] : [])
      expect(await listedAt(sites.azure.services)).toEqual([])
      const other = { ...stateOf(loser), key: { ...key, id: 'b' } }
      const states = alone ? [stateOf(loser)] : [stateOf(loser), other]
      expect((await applyStates(sites.azure.services, states))[0]).toEqual({ kind: 'known' })
      expect(await listedAt(sites.azure.services)).toEqual(['loses'])
    }
  })

  test('a feed that shows the outcome alone hands on the loser with it, in one message', async () => {
    const sites = twoSites()
    await metAtAws(sites)
    sites.aws.feed.splice(0, sites.aws.feed.length - 1)
    sites.azure.feed.length = 0
    await sites.flush()
    expect(await listedAt(sites.azure.services)).toEqual(['loses'])
    expect(sites.azure.calls['offer']).toBe(1)
  })

  test('two that said the same lose nothing, nor does one that is overwritten after that', async () => {
    const sites = twoSites()
    const { record } = await put(sites.azure.services, 'same')
    await sites.clock.advance(5)
    await put(sites.aws.services, 'same')
    await applyStates(sites.aws.services, [stateOf(record)])
    await put(sites.aws.services, 'later')
    await sites.flush()
    for (const { services } of [sites.aws, sites.azure]) expect(await listedAt(services)).toEqual([])
  })
})

describe('durability=both of a write that lost', () => {
  const retried = { ...none, idempotency: { key: 'k', print: 'p' } }
  const both = { ...retried, durability: 'both' } as const

  test('is confirmed when the other site has the loser, not only the outcome', async () => {
    const sites = twoSites()
    await metAtAws(sites, retried)
    expect(await put(sites.aws.services, 'loses', both)).toMatchObject({ replayed: true, durability: 'both' })
    expect(await listedAt(sites.azure.services)).toEqual(['loses'])
  })

  test('is confirmed at the site that never had it only once that has it too', async () => {
    const sites = twoSites()
    await metAtAws(sites, retried)
    const [outcome] = await sites.aws.records.getMany([key])
    await applyStates(sites.azure.services, outcome ? [stateOf(outcome)] : [])
    sites.aws.feed.length = sites.azure.feed.length = 0
    expect(await put(sites.azure.services, 'loses', both)).toMatchObject({ replayed: true, durability: 'local' })
    expect(await listedAt(sites.azure.services)).toEqual([])
    const lost = sites.aws.records.all().filter((record) => record.key.collection === '_conflicts')
    await applyStates(sites.azure.services, lost.map(stateOf))
    expect(await put(sites.azure.services, 'loses', both)).toMatchObject({ replayed: true, durability: 'both' })
  })

  test('is not confirmed while the other site cannot be asked', async () => {
    const sites = twoSites()
    await metAtAws(sites, retried)
    sites.connected = false
    expect(await put(sites.aws.services, 'loses', both)).toMatchObject({ replayed: true, durability: 'local' })
  })
})
