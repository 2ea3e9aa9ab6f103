import { afterEach, beforeEach, expect, test } from '@jest/globals'
import { applyStates } from '../../shared/core/apply.ts'
import { createAssetFromBytes, deleteAsset, getAsset } from '../../shared/core/assets.ts'
import { writeMedia } from '../../shared/core/media-store.ts'
import { stateOf } from '../../shared/core/record-history.ts'
import { ingestWorld, tenant, type IngestSite, type IngestWorld } from './ingest-world.ts'

let world: IngestWorld
beforeEach(async () => {
  world = await ingestWorld()
})
afterEach(() => world.close())

/**
 * AWS made an asset, and ended its job. Azure, cut off, had taken the job over, and has begun with the asset; what it made of it burns
 * before anybody hears of it.
 */
async function beginAgainAtAzure(): Promise<string> {
  const { aws, azure } = world
  const input = { name: 'boat.jpg', mediaType: 'image/jpeg' }
  const { asset } = await createAssetFromBytes(aws.services, tenant, input, Buffer.from('a picture'))
  await world.settle()
  await world.clock.advance(1_000)
  await writeMedia(
    azure.services,
    tenant,
    asset.id,
    (media) => media && { ...media, status: 'processing', site: 'azure' },
  )
  await world.settle()
  expect(await statusesOf(asset.id)).toEqual(['processing', 'processing'])
  return asset.id
}

const statusAt = async ({ services }: IngestSite, id: string) => (await getAsset(services, tenant, id))?.status
const statusesOf = (id: string) => Promise.all([world.aws, world.azure].map((site) => statusAt(site, id)))

test('an asset whose job ended before it was through is gone on with by the site that ended it', async () => {
  const id = await beginAgainAtAzure()
  await world.pass(12)
  expect(await statusesOf(id)).toEqual(['ready', 'ready'])
})

test('or by the other, which may hear of the job after it has heard of the asset', async () => {
  const id = await beginAgainAtAzure()
  const { aws, azure } = world
  const states = azure.records.all().map(stateOf)
  const isJob = ({ key }: { key: { collection: string } }): boolean => key.collection === '_jobs'
  aws.isUp = false
  azure.records.load([])
  azure.siteStore.load([])
  azure.feed.length = 0
  Object.assign(azure.services, { incarnation: 1 })
  await applyStates(
    azure.services,
    states.filter((state) => !isJob(state)),
  )
  await world.settle()
  await applyStates(azure.services, states.filter(isJob))
  await world.settle()
  await world.pass(12)
  expect(await statusAt(azure, id)).toBe('processing')
  await world.pass(12)
  expect(await statusAt(azure, id)).toBe('ready')
})

test.each([
  ['an asset that was deleted meanwhile', 'processing'],
  ['an asset whose new bytes are no object yet', 'uploaded'],
] as const)('%s is left alone', async (_, status) => {
  const { aws, azure } = world
  const id = await beginAgainAtAzure()
  if (status === 'processing') await deleteAsset(aws.services, tenant, id, { precondition: { kind: 'none' } })
  else await writeMedia(azure.services, tenant, id, (media) => media && { ...media, status })
  await world.settle()
  const jobs = () => aws.records.all().flatMap(({ key, stamp }) => (key.collection === '_jobs' ? [stamp] : []))
  const before = jobs()
  await world.pass(60)
  expect(jobs()).toEqual(before)
})

test('what is only ahead of its job is left alone', async () => {
  const { aws, azure } = world
  const input = { name: 'boat.jpg', mediaType: 'image/jpeg' }
  const { asset } = await createAssetFromBytes(aws.services, tenant, input, Buffer.from('a picture'))
  await world.settle()
  const jobs = azure.records.all().filter(({ key }) => key.collection === '_jobs')
  await world.pass(40)
  const later = azure.records.all().filter(({ key }) => key.collection === '_jobs')
  expect(await statusesOf(asset.id)).toEqual(['ready', 'ready'])
  expect(later.map(({ stamp }) => stamp)).toEqual(jobs.map(({ stamp }) => stamp))
})
