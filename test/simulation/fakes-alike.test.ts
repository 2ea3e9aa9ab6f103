import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { CreateBucketCommand } from '@aws-sdk/client-s3'
import fc from 'fast-check'
import { s3ClientSettings } from '../../aws/adapters/object-bucket.ts'
import { s3ObjectStore } from '../../aws/adapters/object-store.ts'
import type { StoredRecord } from '../../shared/domain/record.ts'
import type { RecordStore } from '../../shared/ports/record-store.ts'
import { startAwsStores } from '../contract/aws-stores.ts'
import { startAzureStores } from '../contract/azure-stores.ts'
import { freshTenant, idsInShard } from '../contract/fixtures.ts'
import { s3Fixture } from '../local/aws/s3-fixture.ts'
import { memoryClock, memoryRandom } from '../memory/clock.ts'
import { memoryJobQueue } from '../memory/job-queue.ts'
import { memoryObjectStore } from '../memory/object-store.ts'
import { memoryRecordStore } from '../memory/record-store.ts'
import { memorySiteStore } from '../memory/site-store.ts'
import { arePlayedAlike, sequencesOf } from './alike.ts'
import { byRecord, readChangeFeed, readStream, streamShards, writeMany } from './alike-changes.ts'
import { blobEvents, eventCommands, fakeEvents, playEvents, s3Events } from './alike-events.ts'
import { fakeDeliveries, realChangeFeed, realStream, writerOf, type FeedPlan, type RealFeed } from './alike-feeds.ts'
import { objectCommands, playObjects, type ObjectCommand, type ReadableStore } from './alike-objects.ts'
import { playRecords, recordCommands } from './alike-records.ts'
import { alikeSeed } from './alike-seed.ts'
import { playSite, siteCommands } from './alike-site.ts'
import { playUploads, uploadCommands, type UploadStore } from './alike-uploads.ts'
import { makeCosmosFeed } from './cosmos-feed.ts'
import type { Feed, Handler } from './feed.ts'
import { makeWorld } from './run.ts'
import { makeStreamFeed } from './stream-feed.ts'
import type { World } from './world.ts'

let aws: Awaited<ReturnType<typeof startAwsStores>>
let azure: Awaited<ReturnType<typeof startAzureStores>>

beforeAll(async () => {
  ;[aws, azure] = await Promise.all([startAwsStores(), startAzureStores()])
}, 120_000)

afterAll(async () => {
  await Promise.all([aws?.close(), azure?.close()])
}, 20_000)

const clock = memoryClock()

/** Signed URLs go by real time. */
function readable(uploads: 's3' | 'blocks'): ReadableStore {
  const store = memoryObjectStore({ clock: memoryClock(Date.now()), random: memoryRandom(), uploads })
  return { store, send: (url, init) => store.fetch(url, init) }
}

describe.each(['aws', 'azure'] as const)('%s', (site) => {
  const real = () => (site === 'aws' ? aws : azure)
  const uploads = site === 'aws' ? 's3' : 'blocks'

  test('records', async () => {
    await arePlayedAlike(real().records, memoryRecordStore(), sequencesOf(recordCommands), playRecords)
  }, 60_000)

  test('site items', async () => {
    await arePlayedAlike(real().siteStore, memorySiteStore({ clock }), sequencesOf(siteCommands), playSite)
  }, 60_000)

  test('objects', async () => {
    const store = { store: real().objects, send: fetch }
    await arePlayedAlike<ReadableStore, ObjectCommand>(
      store,
      readable(uploads),
      sequencesOf(objectCommands),
      playObjects,
    )
  }, 60_000)

  test('what is told of the drop area', async () => {
    const told = site === 'aws' ? await s3Events() : blobEvents({ store: azure.objects, queue: azure.objectEvents })
    const fake = fakeEvents(site)
    const sequences = fc.array(eventCommands, { minLength: 6, maxLength: 14 })
    const property = fc.asyncProperty(sequences, async (commands) => {
      const tenant = freshTenant()
      const expected = await playEvents(fake, tenant, commands)
      expect(expected).toEqual(await playEvents(told, tenant, commands, expected))
    })
    try {
      await fc.assert(property, { numRuns: 14, seed: alikeSeed })
    } finally {
      await told.close()
    }
  }, 60_000)

  test('the queue gives back what was sent, each once', async () => {
    const fake = memoryJobQueue({ clock })
    const sent = Array.from({ length: 12 }, (_, n) => ({ kind: 'alike', payload: { n } }))
    for (const message of sent) await Promise.all([fake.send(message), real().queue.send(message)])
    const taken = async (receive: () => Promise<unknown>): Promise<string[]> => {
      const all: string[] = []
      for (let message = await receive(); message; message = await receive()) all.push(JSON.stringify(message))
      return all.sort()
    }
    const fromFake = async () => {
      const delivery = fake.receive()
      delivery?.acknowledge()
      return delivery?.message
    }
    expect(await taken(fromFake)).toEqual(await taken(real().receive))
    expect(await fake.depth()).toEqual(await real().queue.depth())
  }, 30_000)

  test('the change feed tells the same of the same writes', async () => {
    const tenant = freshTenant()
    const { world } = makeWorld(1, new Map(), { override: { isCalm: true, loseFeedEvents: 0, shardSplits: 0 } })
    const told: StoredRecord[] = []
    const make = site === 'aws' ? makeStreamFeed : makeCosmosFeed
    const feed = make(world, async (_world, _site, states) => {
      told.push(...states)
      return { kind: 'done', failed: [] }
    })
    await writeMany(real().records, tenant)
    await writeMany(memoryRecordStore({ onChange: (changed) => feed.changed(changed) }), tenant)
    await world.scheduler.runUntil(60_000)
    const found = site === 'aws' ? await readStream(aws.database) : await readChangeFeed(azure.container)
    expect(Object.keys(byRecord(found, tenant))).toHaveLength(5)
    expect(byRecord(told, tenant)).toEqual(byRecord(found, tenant))
  }, 30_000)
})

test('a stream is read again from any of its records on, and tells the same', async () => {
  await writeMany(aws.records, freshTenant())
  const { shards, close } = await streamShards(aws.database)
  for (const read of shards) {
    const all = await read({ ShardIteratorType: 'TRIM_HORIZON' })
    expect(all.map(({ sequenceNumber }) => Number(sequenceNumber))).toEqual(
      all.map(({ sequenceNumber }) => Number(sequenceNumber)).toSorted((a, b) => a - b),
    )
    for (const at of [0, Math.floor(all.length / 2), all.length - 1]) {
      const SequenceNumber = all[at]?.sequenceNumber ?? ''
      expect(await read({ ShardIteratorType: 'AT_SEQUENCE_NUMBER', SequenceNumber })).toEqual(all.slice(at))
      expect(await read({ ShardIteratorType: 'AFTER_SEQUENCE_NUMBER', SequenceNumber })).toEqual(all.slice(at + 1))
    }
  }
  expect(shards.length).toBeGreaterThan(0)
  close()
}, 30_000)

describe('uploads in parts', () => {
  const partBytesMin = 8
  const fakeOf = (uploads: 's3' | 'blocks'): Pick<UploadStore, 'store' | 'send'> => {
    const store = memoryObjectStore({ clock: memoryClock(Date.now()), random: memoryRandom(), uploads, partBytesMin })
    return { store, send: (url, init) => store.fetch(url, init) }
  }

  test('as S3 knows them', async () => {
    const server = await s3Fixture({ partBytesMin })
    const client = server.connect(s3ClientSettings)
    try {
      await client.send(new CreateBucketCommand({ Bucket: 'objects' }))
      const store = s3ObjectStore({ client, uploadsBucket: 'uploads', objectsBucket: 'objects' })
      const real = { store, send: fetch, partBytesMin }
      await arePlayedAlike(real, { ...fakeOf('s3'), partBytesMin }, uploadCommands, playUploads)
    } finally {
      client.destroy()
      await server.close()
    }
  }, 60_000)

  test('as blocks of Blob Storage', async () => {
    const common = { partBytesMin, keepsClear: true }
    const real = { store: azure.objects, send: fetch, ...common }
    await arePlayedAlike(real, { ...fakeOf('blocks'), ...common }, uploadCommands, playUploads)
  }, 60_000)
})

const share = fc.double({ min: 0, max: 0.99, noNaN: true })
const feedPlans = fc.record<FeedPlan>({
  writes: fc.array(fc.nat({ max: 30 }), { minLength: 4, maxLength: 26 }),
  answers: fc.array(fc.oneof(fc.constant('done' as const), fc.constant('throws' as const), share), { maxLength: 6 }),
  between: fc.array(fc.nat({ max: 30 }), { maxLength: 4 }),
})
/** Nothing is made smaller: what a plan that failed leaves behind would be delivered under the next. */
const feedRuns = { numRuns: 6, seed: alikeSeed, endOnFailure: true }

describe('what is delivered to a function that fails, or fails in part', () => {
  const tenant = freshTenant()
  let plans = 0

  const areDeliveredAlike = async (
    real: RealFeed,
    store: RecordStore,
    make: (world: World, handle: Handler) => Feed,
  ): Promise<void> => {
    const deliveredBy = async (plan: FeedPlan): Promise<{ fake: string[][]; found: string[][] }> => {
      const run = plans++
      const keys = { tenant, collection: 'c', ids: idsInShard(tenant, 'c', 0, 12, (n) => `p${run}-${n}`) }
      const fake = await fakeDeliveries(make, keys, plan)
      return { fake, found: await real.deliveries(plan, writerOf(store, keys), fake.length) }
    }
    const property = fc.asyncProperty(feedPlans, async (plan) => {
      const { fake, found } = await deliveredBy(plan)
      expect(fake).toEqual(found)
    })
    try {
      // What other tests wrote comes first, perhaps in one batch with this.
      await deliveredBy({ writes: [0], answers: [], between: [] })
      await fc.assert(property, feedRuns)
    } finally {
      real.close()
    }
  }

  test('a stream, batches cut in two', async () => {
    const real = await realStream(aws.database, (name) => new RegExp(`^p${plans - 1}-`).test(name))
    await areDeliveredAlike(real, aws.records, makeStreamFeed)
  }, 60_000)

  test('a change feed whose function is tried again', async () => {
    const real = realChangeFeed(azure.container, azure.cosmosUrl, true)
    await areDeliveredAlike(real, azure.records, makeCosmosFeed)
  }, 60_000)

  test('a change feed that moves on after an exception', async () => {
    const real = realChangeFeed(azure.container, azure.cosmosUrl, false)
    await areDeliveredAlike(real, azure.records, (world, handle) => makeCosmosFeed(world, handle, false))
  }, 60_000)
})
