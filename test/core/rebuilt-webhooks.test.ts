import { afterEach, beforeEach, expect, test } from '@jest/globals'
import { createAssetFromBytes, deleteAsset, restoreAsset } from '../../shared/core/assets.ts'
import { listConflicts } from '../../shared/core/conflicts.ts'
import { handleChanges } from '../../shared/core/feed.ts'
import { createWebhook } from '../../shared/core/webhooks.ts'
import type { StoredRecord } from '../../shared/domain/record.ts'
import { webhookEvents, webhookLanesCollection } from '../../shared/domain/webhook.ts'
import { ingestWorld, tenant, type IngestWorld } from './ingest-world.ts'

const none = { precondition: { kind: 'none' } } as const

let world: IngestWorld
beforeEach(async () => {
  world = await ingestWorld()
  world.outside.answer = () => new Response('said')
})
afterEach(() => world.close())

const told = (): string[] => world.outside.requests.map(({ headers }) => headers?.['webhook-id'] ?? '')

/** AWS is the endpoint's home. It has told of an asset and of its end when it goes back to before it knew of either. */
async function goneBack(): Promise<StoredRecord[]> {
  const { aws, azure } = world
  await createWebhook(aws.services, tenant, { url: 'https://example.com/hook', events: webhookEvents, description: '' })
  await world.settle()
  const backup = { records: aws.records.all(), site: aws.siteStore.all() }
  const boat = { id: 'boat', name: 'boat.jpg', mediaType: 'image/jpeg' }
  await createAssetFromBytes(aws.services, tenant, boat, Buffer.from('picture'))
  await world.settle()
  await world.clock.advance(10)
  await deleteAsset(azure.services, tenant, 'boat', none)
  await world.settle()
  expect(told()).toHaveLength(2)
  await world.clock.advance(1_000)
  aws.records.load(backup.records)
  aws.siteStore.load(backup.site)
  Object.assign(aws.services, { incarnation: 1 })
  return azure.records.all().map((record) => ({ ...record, via: 'client' }))
}

const isNote = ({ key }: StoredRecord): boolean => key.collection === webhookLanesCollection

test('a home that went back to a backup tells nothing again, though what it had told comes back before its note of it', async () => {
  const lost = await goneBack()
  const before = told()
  world.azure.feed.push(...lost.filter((record) => !isNote(record)))
  await world.settle()
  world.azure.feed.push(...lost)
  await world.pass(5)
  expect(told()).toEqual(before)
})

test('nor does what it tells anew take the place of what it had noted', async () => {
  const lost = await goneBack()
  const { aws, azure } = world
  const before = told()
  azure.feed.push(...lost.filter((record) => !isNote(record)))
  await world.settle()
  await restoreAsset(azure.services, tenant, 'boat', none)
  await world.settle()
  azure.feed.push(...lost)
  await world.settle()
  // As the scrub does, which begins once a cycle what follows from every asset.
  await handleChanges(aws.services, aws.records.all())
  await world.pass(5)
  expect(told().slice(0, before.length)).toEqual(before)
  expect(told()).toHaveLength(before.length + 1)
  const { items } = await listConflicts(azure.services, tenant, { limit: 10 })
  expect(items).toEqual([])
})
