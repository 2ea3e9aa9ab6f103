import { describe, expect, test } from '@jest/globals'
import { collectionKey } from '../../shared/core/collections.ts'
import { dismissConflict, listConflicts } from '../../shared/core/conflicts.ts'
import { writeRecord, type WriteOptions } from '../../shared/core/records.ts'
import type { Services } from '../../shared/core/services.ts'
import { CatamaranError } from '../../shared/domain/errors.ts'
import type { JsonObject } from '../../shared/domain/json.ts'
import type { Peer } from '../../shared/ports/peer.ts'
import { twoSites, type TwoSites } from './two-sites.ts'

const key = { tenant: 'acme', collection: 'notes', id: 'a' }
const none = { precondition: { kind: 'none' } } as const
const both: WriteOptions = { ...none, durability: 'both', idempotency: { key: 'k', print: 'p' } }
const edit = (services: Services, fields: JsonObject, options: WriteOptions = none) =>
  writeRecord(services, key, options, (body) => ({ ...body, ...fields }))
const lostAt = async (services: Services) =>
  (await listConflicts(services, 'acme', { limit: 10 })).items.map(({ fields }) => fields)

/** A record that merges by field, at both sites; then an edit of Azure that AWS has not seen and that will win. */
async function editedAtAzure(): Promise<TwoSites> {
  const sites = twoSites()
  const settings = collectionKey('acme', 'notes')
  await writeRecord(sites.aws.services, settings, none, () => ({ conflicts: 'merge-fields' }))
  await sites.flush()
  await edit(sites.aws.services, { title: 'first', colour: 'red' })
  await sites.flush()
  await sites.clock.advance(60_000)
  const early: Services = { ...sites.azure.services, clock: { ...sites.clock, now: () => sites.clock.now() + 5000 } }
  await edit(early, { title: 'of azure' })
  return sites
}

/** Somebody at Azure writes on top of the merge, and its feed shows that write alone. */
async function writtenOver({ azure, ...sites }: TwoSites): Promise<void> {
  await sites.clock.advance(10_000)
  await edit(azure.services, { colour: 'blue' })
  azure.feed.splice(0, azure.feed.length - 1)
  await sites.flush()
}

const lost = [{ path: '/title', value: 'of aws' }]

describe('durability=both of an edit that lost a field at the peer', () => {
  test('what lost is at both sites when it is confirmed, and stays there when the peer writes on', async () => {
    const sites = await editedAtAzure()
    expect(await edit(sites.aws.services, { title: 'of aws', size: 1 }, both)).toMatchObject({ durability: 'both' })
    for (const { services } of [sites.aws, sites.azure]) expect(await lostAt(services)).toEqual([lost])
    await writtenOver(sites)
    expect((await sites.aws.records.get(key))?.body).toEqual({ title: 'of azure', colour: 'blue', size: 1 })
    expect(await lostAt(sites.aws.services)).toEqual([lost])
  })

  test('is not confirmed before it is here too, and a repeated request makes up for it, whatever came since', async () => {
    const sites = await editedAtAzure()
    const { aws } = sites
    const list: Peer['list'] = () => Promise.reject(new CatamaranError('peer-unavailable', 'no answer'))
    const unlisted: Services = { ...aws.services, peer: { ...aws.services.peer, list } }
    expect(await edit(unlisted, { title: 'of aws' }, both)).toMatchObject({ durability: 'local' })
    await writtenOver(sites)
    expect(await lostAt(aws.services)).toEqual([])
    expect(await edit(aws.services, {}, both)).toMatchObject({ replayed: true, durability: 'both' })
    expect(await lostAt(aws.services)).toEqual([lost])
  })

  test('is confirmed although the conflict was settled at the peer meanwhile, and does not bring it back', async () => {
    const sites = await editedAtAzure()
    await edit(sites.aws.services, { title: 'of aws' }, both)
    const [conflict] = (await listConflicts(sites.azure.services, 'acme', { limit: 10 })).items
    await dismissConflict(sites.azure.services, 'acme', conflict?.id ?? '')
    expect(await edit(sites.aws.services, {}, both)).toMatchObject({ replayed: true, durability: 'both' })
    await sites.flush()
    for (const { services } of [sites.aws, sites.azure]) expect(await lostAt(services)).toEqual([])
  })

  test('is not confirmed while the clock here stands before what it wrote itself', async () => {
    const sites = await editedAtAzure()
    const { aws } = sites
    let backMs = 0
    const clock = { ...aws.services.clock, now: () => sites.clock.now() - backMs }
    const list: Peer['list'] = (...asked) => {
      backMs = 120_000
      return aws.services.peer.list(...asked)
    }
    const setBack: Services = { ...aws.services, clock, peer: { ...aws.services.peer, list } }
    expect(await edit(setBack, { title: 'of aws' }, both)).toMatchObject({ durability: 'local' })
    expect(await lostAt(aws.services)).toEqual([])
    backMs = 0
    expect(await edit(aws.services, {}, both)).toMatchObject({ replayed: true, durability: 'both' })
    expect(await lostAt(aws.services)).toEqual([lost])
  })

  test('costs no second call where nothing has met', async () => {
    const sites = await editedAtAzure()
    await sites.flush()
    const before = { ...sites.azure.calls }
    expect(await edit(sites.aws.services, { size: 2 }, both)).toMatchObject({ durability: 'both' })
    expect(sites.azure.calls).toEqual({ ...before, offer: (before['offer'] ?? 0) + 1 })
  })

  test.each([
    ['goes on while there is time', 7, 'both', 21],
    ['asks the peer nothing more once its client would wait too long', 9, 'local', 18],
    ['offers it nothing more either', 16, 'local', 16],
  ])('%s', async (_, secondsPerCall, durability, tookSeconds) => {
    const sites = await editedAtAzure()
    const { aws, clock } = sites
    await edit(aws.services, { title: 'of aws' }, { ...both, durability: 'local' })
    await sites.flush()
    const beganMs = clock.monotonicMs()
    const peer = slowed(aws.services.peer, () => clock.advance(secondsPerCall * 1000))
    // The record, what it lost here, and a look at what it lost there: three calls.
    expect(await edit({ ...aws.services, peer }, {}, both)).toMatchObject({ replayed: true, durability })
    expect(clock.monotonicMs() - beganMs).toBe(tookSeconds * 1000)
  })
})

/** Every call that a write makes of it takes this long. */
const slowed = (peer: Peer, wait: () => Promise<void>): Peer => ({
  ...peer,
  offer: (states) => wait().then(() => peer.offer(states)),
  read: (keys) => wait().then(() => peer.read(keys)),
  list: (collection, page) => wait().then(() => peer.list(collection, page)),
})
