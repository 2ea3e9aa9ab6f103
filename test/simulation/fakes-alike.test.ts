import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { ChangeFeedStartFrom } from '@azure/cosmos'
import { CreateBucketCommand } from '@aws-sdk/client-s3'
import { DescribeTableCommand } from '@aws-sdk/client-dynamodb'
import {
  DescribeStreamCommand,
  DynamoDBStreamsClient,
  GetRecordsCommand,
  GetShardIteratorCommand,
} from '@aws-sdk/client-dynamodb-streams'
import fc from 'fast-check'
import { changeOf as awsChangeOf } from '../../aws/adapters/change.ts'
import { changeOf as azureChangeOf } from '../../azure/adapters/change.ts'
import type { StoredRecord } from '../../shared/domain/record.ts'
import type { RecordStore } from '../../shared/ports/record-store.ts'
import { s3ClientSettings } from '../../aws/adapters/object-bucket.ts'
import { s3ObjectStore } from '../../aws/adapters/object-store.ts'
import { startAwsStores } from '../contract/aws-stores.ts'
import { startAzureStores } from '../contract/azure-stores.ts'
import { facts, freshTenant, idsInShard, state } from '../contract/fixtures.ts'
import { s3Fixture } from '../local/aws/s3-fixture.ts'
import { memoryClock, memoryRandom } from '../memory/clock.ts'
import { memoryJobQueue } from '../memory/job-queue.ts'
import { memoryObjectStore } from '../memory/object-store.ts'
import { memoryRecordStore } from '../memory/record-store.ts'
import { memorySiteStore } from '../memory/site-store.ts'
import {
  type ObjectCommand,
  type Play,
  playObjects,
  playRecords,
  playSite,
  type RecordCommand,
  type SiteCommand,
} from './alike.ts'
import { playUploads, uploadCommands, type UploadStore } from './alike-uploads.ts'
import { fakeDeliveries, realChangeFeed, realStream, writerOf, type FeedPlan, type RealFeed } from './alike-feeds.ts'
import { makeCosmosFeed } from './cosmos-feed.ts'
import type { Feed, Handler } from './feed.ts'
import { makeWorld } from './run.ts'
import { makeStreamFeed } from './stream-feed.ts'
import type { World } from './world.ts'

/** The same commands for the stores of the simulator and for the servers behind the real adapters: nobody can tell which is which. */
const runs = { numRuns: 14, seed: 20_260_101 }
const commandsMax = 24

let aws: Awaited<ReturnType<typeof startAwsStores>>
let azure: Awaited<ReturnType<typeof startAzureStores>>

beforeAll(async () => {
  ;[aws, azure] = await Promise.all([startAwsStores(), startAzureStores()])
}, 120_000)

afterAll(async () => {
  await Promise.all([aws?.close(), azure?.close()])
}, 20_000)

const clock = memoryClock()
const id = fc.nat({ max: 4 })
const limit = fc.integer({ min: 1, max: 4 })
const recordCommands = fc.record<RecordCommand>({
  kind: fc.constantFrom('put', 'put', 'put', 'get', 'many', 'query'),
  id,
  condition: fc.constantFrom('absent', 'current', 'current', 'stale'),
  isDelete: fc.boolean(),
  limit,
})
const siteCommands = fc.record<SiteCommand>({
  kind: fc.constantFrom('put', 'put', 'get', 'remove', 'list'),
  id,
  condition: fc.constantFrom('any', 'absent', 'current', 'stale'),
  descending: fc.boolean(),
  limit,
})
const share = fc.double({ min: 0, max: 0.99, noNaN: true })
const objectCommands = fc.record<ObjectCommand>({
  kind: fc.constantFrom('put', 'put', 'head', 'get', 'copy', 'remove', 'list'),
  id,
  other: id,
  ifAbsent: fc.boolean(),
  bytes: fc.integer({ min: 1, max: 4 }),
})

async function areAlike<Store, Command>(
  real: Store,
  fake: Store,
  command: fc.Arbitrary<Command>,
  play: Play<Store, Command>,
): Promise<void> {
  await arePlayedAlike(real, fake, fc.array(command, { minLength: 8, maxLength: commandsMax }), play)
}

async function arePlayedAlike<Store, Command>(
  real: Store,
  fake: Store,
  sequences: fc.Arbitrary<Command[]>,
  play: Play<Store, Command>,
): Promise<void> {
  await fc.assert(
    fc.asyncProperty(sequences, async (commands) => {
      const tenant = freshTenant()
      expect(await play(fake, tenant, commands)).toEqual(await play(real, tenant, commands))
    }),
    runs,
  )
}

describe.each(['aws', 'azure'] as const)('%s', (site) => {
  const real = () => (site === 'aws' ? aws : azure)

  test('records', () => areAlike(real().records, memoryRecordStore(), recordCommands, playRecords), 60_000)

  test('site items', () => areAlike(real().siteStore, memorySiteStore({ clock }), siteCommands, playSite), 60_000)

  test('objects', () => {
    const fake = memoryObjectStore({
      clock,
      random: memoryRandom(),
      ...(site === 'azure' ? { uploads: 'blocks' } : {}),
    })
    return areAlike(real().objects, fake, objectCommands, playObjects)
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
    const found = site === 'aws' ? await readStream() : await readChangeFeed()
    expect(Object.keys(byRecord(found, tenant))).toHaveLength(5)
    expect(byRecord(told, tenant)).toEqual(byRecord(found, tenant))
  }, 30_000)
})

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

const feedPlans = fc.record<FeedPlan>({
  writes: fc.array(fc.nat({ max: 30 }), { minLength: 4, maxLength: 26 }),
  answers: fc.array(fc.oneof(fc.constant('done' as const), fc.constant('throws' as const), share), { maxLength: 6 }),
  between: fc.array(fc.nat({ max: 30 }), { maxLength: 4 }),
})
/** Nothing is made smaller: what a plan that failed leaves behind would be delivered under the next. */
const feedRuns = { ...runs, numRuns: 6, endOnFailure: true }

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

/** Several writes of several records, one of them a delete, all before anybody reads. */
async function writeMany(store: RecordStore, tenant: string): Promise<void> {
  const tokens = new Map<string, string>()
  for (let n = 0; n < 20; n++) {
    const name = `r${(n * 7) % 5}`
    const token = tokens.get(name)
    const condition = token ? ({ kind: 'unchanged', token } as const) : ({ kind: 'absent' } as const)
    const body = n === 13 ? null : { n }
    const outcome = await store.put(state({ tenant, collection: 'c', id: name }, body, 1_000 + n), condition, facts())
    if (outcome.kind === 'stored') tokens.set(name, outcome.token)
  }
}

/** In order within a record; between records no order is promised. */
function byRecord(changes: readonly StoredRecord[], tenant: string): Record<string, unknown[]> {
  const own = changes.filter(({ key }) => key.tenant === tenant)
  const names = [...new Set(own.map(({ key }) => key.id))].sort()
  return Object.fromEntries(
    names.map((name) => [name, own.flatMap(({ key, body }) => (key.id === name ? [body?.['n'] ?? 'deleted'] : []))]),
  )
}

async function readStream(): Promise<StoredRecord[]> {
  const { endpoint, region, credentials } = aws.database.config
  const streams = new DynamoDBStreamsClient({ endpoint: (await endpoint?.()) as never, region, credentials })
  const { Table } = await aws.database.send(new DescribeTableCommand({ TableName: 'records' }))
  const StreamArn = Table?.LatestStreamArn ?? ''
  const { StreamDescription } = await streams.send(new DescribeStreamCommand({ StreamArn }))
  const found: StoredRecord[] = []
  for (const { ShardId } of StreamDescription?.Shards ?? []) {
    const begin = new GetShardIteratorCommand({ StreamArn, ShardId, ShardIteratorType: 'TRIM_HORIZON' })
    let iterator = (await streams.send(begin)).ShardIterator
    for (let empty = 0; iterator && empty < 2; ) {
      const page = await streams.send(new GetRecordsCommand({ ShardIterator: iterator }))
      found.push(...(page.Records ?? []).flatMap((record) => awsChangeOf(record as never)?.record ?? []))
      empty = page.Records?.length ? 0 : empty + 1
      iterator = page.NextShardIterator
    }
  }
  streams.destroy()
  return found
}

async function readChangeFeed(): Promise<StoredRecord[]> {
  const reader = azure.container.items.getChangeFeedIterator<object>({
    changeFeedStartFrom: ChangeFeedStartFrom.Beginning(),
  })
  const found: StoredRecord[] = []
  for (;;) {
    const page = await reader.readNext()
    if (page.statusCode === 304) return found
    found.push(...page.result.flatMap((document) => azureChangeOf(document) ?? []))
  }
}
