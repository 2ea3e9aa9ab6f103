import { afterEach, beforeEach, expect, test } from '@jest/globals'
import { applyStates } from '../../shared/core/apply.ts'
import { completeUpload, createAssetFromBytes, getAsset } from '../../shared/core/assets.ts'
import { assetContent } from '../../shared/core/content.ts'
import { handleChanges } from '../../shared/core/feed.ts'
import { stateOf } from '../../shared/core/record-history.ts'
import { ingestWorld, tenant, type IngestWorld } from './ingest-world.ts'

let world: IngestWorld
beforeEach(async () => {
  world = await ingestWorld()
})
afterEach(() => world.close())

const assetsOf = (id: string) =>
  Promise.all([world.aws, world.azure].map(({ services }) => getAsset(services, tenant, id)))

/** AWS takes an upload, goes on until `isDone`, and goes back to the backup that was made right after the upload. */
async function goBack(isDone: boolean): Promise<string> {
  const { aws } = world
  const input = { name: 'boat.jpg', mediaType: 'image/jpeg' }
  const { asset } = await createAssetFromBytes(aws.services, tenant, input, Buffer.from('a picture'))
  const [records, site] = [aws.records.all(), aws.siteStore.all()]
  if (isDone) await world.settle()
  aws.records.load(records)
  aws.siteStore.load(site)
  aws.feed.length = 0
  Object.assign(aws.services, { incarnation: 1 })
  while (aws.queue.receive()?.acknowledge());
  const job = records.find(({ key }) => key.collection === '_jobs')
  await aws.services.jobs.send({ kind: 'process', payload: { tenant, job: job?.key.id ?? '' } })
  return asset.id
}

test('a restored site does not give up an upload whose bytes it made an object of before', async () => {
  const id = await goBack(true)
  await world.pass(3)
  for (const asset of await assetsOf(id)) expect(asset).toMatchObject({ status: 'ready', bytesHere: true })
})

test('nor while the peer that knows it is away, however long', async () => {
  const id = await goBack(true)
  world.azure.isUp = false
  await world.pass(60)
  world.azure.isUp = true
  await world.pass(40)
  for (const asset of await assetsOf(id)) expect(asset).toMatchObject({ status: 'ready', bytesHere: true })
})

test('a burnt site that has only its upload back, and not yet what became of it, does not begin again', async () => {
  const { aws, azure } = world
  const input = { name: 'boat.jpg', mediaType: 'image/jpeg' }
  const { asset } = await createAssetFromBytes(aws.services, tenant, input, Buffer.from('a picture'))
  await world.settle()
  aws.records.load([])
  aws.siteStore.load([])
  aws.feed.length = 0
  Object.assign(aws.services, { incarnation: 1 })
  const back = azure.records.all().filter(({ key }) => key.collection !== '_media')
  await applyStates(aws.services, back.map(stateOf))
  await world.clock.advance(60_000)
  await completeUpload(aws.services, tenant, asset.id)
  await world.pass(3)
  for (const seen of await assetsOf(asset.id)) expect(seen).toMatchObject({ status: 'ready' })
})

test('what nobody knows more of fails', async () => {
  const id = await goBack(false)
  world.aws.objects.load([])
  await world.pass(3)
  const [asset] = await assetsOf(id)
  expect(asset).toMatchObject({ status: 'failed', error: { code: 'source-gone' } })
})

test('a burnt site sends readers of its own assets to the peer until the bytes are back', async () => {
  const { aws, azure } = world
  const input = { name: 'boat.jpg', mediaType: 'image/jpeg' }
  const { asset } = await createAssetFromBytes(aws.services, tenant, input, Buffer.from('a picture'))
  await world.settle()
  expect(await assetContent(aws.services, tenant, asset.id)).toMatchObject({ kind: 'redirect' })
  aws.records.load([])
  aws.siteStore.load([])
  aws.objects.load([])
  const states = azure.records.all().map((record) => ({ ...record, via: 'client' as const }))
  await handleChanges(azure.services, states)
  expect(await assetContent(aws.services, tenant, asset.id)).toMatchObject({ kind: 'at-peer' })
  await world.settle()
  expect(await assetContent(aws.services, tenant, asset.id)).toMatchObject({ kind: 'redirect' })
})
