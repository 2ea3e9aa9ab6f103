import { afterEach, beforeEach, expect, test } from '@jest/globals'
import { deleteAsset, getAsset } from '../../shared/core/assets.ts'
import { objectDropped } from '../../shared/core/drops.ts'
import { scrub, scrubBuckets } from '../../shared/core/scrub.ts'
import { derivedId } from '../../shared/domain/hash.ts'
import { bucketCount, type StoredRecord } from '../../shared/domain/record.ts'
import { ingestWorld, tenant, type IngestWorld } from './ingest-world.ts'

const key = `drop/${tenant}/in/boat.jpg`
const id = derivedId('drop', tenant, 'in/boat.jpg')

let world: IngestWorld
beforeEach(async () => {
  world = await ingestWorld()
})
afterEach(() => world.close())

const drop = (text: string) => world.aws.objects.put(key, Buffer.from(text), { mediaType: 'image/jpeg' })

/** AWS loses its tables, its bucket and its queues, and gets its records back. */
async function burn(): Promise<void> {
  const { aws, azure } = world
  aws.records.load([])
  aws.siteStore.load([])
  aws.objects.load([])
  aws.events.length = aws.feed.length = 0
  while (aws.queue.receive());
  azure.feed.push(...azure.records.all().map((record) => ({ ...record, via: 'client' as const })))
  await world.settle()
}

async function scrubAll(): Promise<void> {
  for (let start = 0; start < bucketCount; start += scrubBuckets) await scrub(world.aws.services)
  await world.settle()
}

const assets = () => Promise.all([world.aws, world.azure].map(({ services }) => getAsset(services, tenant, id)))

test('what was dropped at a site that burnt is not trashed because its file is gone', async () => {
  await drop('one')
  await world.settle()
  await burn()
  await scrubAll()
  await objectDropped(world.aws.services, { key, change: 'created' })
  await world.settle()
  for (const asset of await assets()) expect(asset).toMatchObject({ status: 'ready', bytesHere: true })
}, 60_000)

test('nor when its tables come from a backup and its bucket is lost', async () => {
  const { aws } = world
  await drop('one')
  await world.settle()
  aws.objects.load([])
  Object.assign(aws.services, { incarnation: 1 })
  await scrubAll()
  for (const asset of await assets()) expect(asset).toMatchObject({ status: 'ready' })
}, 60_000)

test('a file whose asset the peer had never heard of gets it again, unless somebody deleted it', async () => {
  const { aws, azure } = world
  await drop('one')
  await world.settle()
  const ofAsset = ({ key: { collection } }: StoredRecord): boolean => collection === 'assets'
  azure.records.load(azure.records.all().filter((record) => !ofAsset(record)))
  await burn()
  await drop('one')
  await world.settle()
  await objectDropped(aws.services, { key, change: 'created' })
  await world.settle()
  for (const asset of await assets()) expect(asset).toMatchObject({ status: 'ready', name: 'in/boat.jpg' })
  await deleteAsset(aws.services, tenant, id, { precondition: { kind: 'none' } })
  await world.settle()
  Object.assign(aws.services, { incarnation: 1 })
  await objectDropped(aws.services, { key, change: 'created' })
  await world.settle()
  expect(await assets()).toEqual([undefined, undefined])
})

test('dropped again it is of this life: removed without an event, it is trashed', async () => {
  await drop('one')
  await world.settle()
  await burn()
  await drop('one')
  await world.settle()
  await world.aws.objects.remove(key)
  world.aws.events.length = 0
  await scrubAll()
  expect(await assets()).toEqual([undefined, undefined])
}, 60_000)

test('a removal that is told of counts, whenever its file was dropped', async () => {
  await drop('one')
  await world.settle()
  await burn()
  await objectDropped(world.aws.services, { key, change: 'removed' })
  await world.settle()
  expect(await assets()).toEqual([undefined, undefined])
})

test('a file that burnt before its bytes became an object leaves an asset that says so', async () => {
  await drop('one')
  const event = world.aws.events.shift()
  if (event) await objectDropped(world.aws.services, event)
  while (world.aws.queue.receive());
  await world.settle()
  await burn()
  await world.pass(5)
  for (const asset of await assets()) expect(asset).toMatchObject({ status: 'failed', error: { code: 'source-gone' } })
  await drop('one')
  await world.settle()
  for (const asset of await assets()) expect(asset).toMatchObject({ status: 'ready', bytesHere: true })
})

test('a file whose settled mark alone had crossed over is taken in again', async () => {
  const { aws, azure } = world
  await drop('one')
  await world.settle()
  const lost = ['_media', '_jobs']
  const backup = azure.records.all().filter(({ key: { collection } }) => !lost.includes(collection))
  azure.records.load(backup)
  aws.records.load([])
  aws.siteStore.load([])
  azure.feed.push(...backup.map((record) => ({ ...record, via: 'client' as const })))
  await world.settle()
  await world.pass(15)
  for (const asset of await assets()) expect(asset).toMatchObject({ status: 'ready', bytesHere: true })
})

test('a removal that is told of before the site knows its records again is not forgotten', async () => {
  const { aws, azure } = world
  await drop('one')
  await world.settle()
  aws.records.load([])
  aws.siteStore.load([])
  Object.assign(aws.services, { incarnation: 1 })
  await aws.objects.remove(key)
  await world.settle()
  azure.feed.push(...azure.records.all().map((record) => ({ ...record, via: 'client' as const })))
  await world.settle()
  expect(await assets()).toEqual([undefined, undefined])
})
