import { setTimeout as sleep } from 'node:timers/promises'
import { DescribeTableCommand, type DynamoDBClient } from '@aws-sdk/client-dynamodb'
import { DynamoDBStreamsClient } from '@aws-sdk/client-dynamodb-streams'
import type { DynamoDBRecord } from 'aws-lambda'
import { ChangeFeedStartFrom, type Container } from '@azure/cosmos'
import { changeOf as awsChangeOf } from '../../aws/adapters/change.ts'
import { changeOf as azureChangeOf } from '../../azure/adapters/change.ts'
import { Checkpoints } from '../../local/aws/lambda/checkpoints.ts'
import { StreamMapping } from '../../local/aws/lambda/stream-mapping.ts'
import { cosmosConnectionString } from '../../local/azure/endpoints.ts'
import { CosmosTrigger } from '../../local/azure/functions-host/cosmos-trigger.ts'
import { Invoker } from '../../local/azure/functions-host/invoke.ts'
import { Registry } from '../../local/azure/functions-host/registry.ts'
import type { StoredRecord } from '../../shared/domain/record.ts'
import type { RecordStore } from '../../shared/ports/record-store.ts'
import { facts, state } from '../contract/fixtures.ts'
import { memoryRecordStore } from '../memory/record-store.ts'
import { feedBatchMax, type Delivery, type Feed, type Handler } from './feed.ts'
import { makeWorld } from './run.ts'
import type { World } from './world.ts'

/** How the function behind a feed answers one delivery: all is done, it throws, or all before that share of it is done. */
export type Answer = 'done' | 'throws' | number

export interface FeedPlan {
  /** Which of some records is written next. */
  readonly writes: readonly number[]
  /** To one delivery after the other; all that come later are done. */
  readonly answers: readonly Answer[]
  /** Written one by one while a delivery fails, before it is tried again. */
  readonly between: readonly number[]
}

export interface FeedKeys {
  readonly tenant: string
  readonly collection: string
  /** All of one partition, so that one shard tells of them in order. */
  readonly ids: readonly string[]
}

/** What was delivered: the batches in their order, each a list of `<id> <number of the write>`. */
type Batches = string[][]

/** Writes one of the records after the other, as they are asked for. */
export type Write = (which: number) => Promise<void>

export function writerOf(store: RecordStore, { ids, ...place }: FeedKeys): Write {
  const tokens = new Map<string, string>()
  let writes = 0
  return async (write) => {
    const n = writes++
    const id = ids[write % ids.length] ?? ''
    const token = tokens.get(id)
    const condition = token ? ({ kind: 'unchanged', token } as const) : ({ kind: 'absent' } as const)
    const outcome = await store.put(state({ ...place, id }, { n }, 1_000 + n), condition, facts())
    if (outcome.kind === 'stored') tokens.set(id, outcome.token)
  }
}

async function writeAll(write: Write, { writes }: FeedPlan): Promise<void> {
  for (const which of writes) await write(which)
}

type Take = (batch: readonly StoredRecord[]) => Promise<Delivery>

/** A function that answers as planned and notes what it was given. */
function consumer({ answers, between }: FeedPlan, write: Write): { batches: Batches; take: Take } {
  const batches: Batches = []
  let failures = 0
  const take: Take = async (batch) => {
    const answer = answers[batches.length] ?? 'done'
    batches.push(batch.map(({ key, body }) => `${key.id} ${Number(body?.['n'])}`))
    const next = answer === 'done' ? undefined : between[failures++]
    if (next !== undefined) await write(next)
    if (answer === 'throws') return { kind: 'failed' }
    return { kind: 'done', failed: answer === 'done' ? [] : [Math.floor(answer * batch.length)] }
  }
  return { batches, take }
}

/** What the simulator's feed delivers. */
export async function fakeDeliveries(
  make: (world: World, handle: Handler) => Feed,
  keys: FeedKeys,
  plan: FeedPlan,
): Promise<Batches> {
  const { world } = makeWorld(1, new Map(), { override: { isCalm: true, loseFeedEvents: 0, shardSplits: 0 } })
  const write = writerOf(memoryRecordStore({ onChange: (changed) => feed.changed(changed) }), keys)
  const { batches, take } = consumer(plan, write)
  const feed = make(world, (_world, _site, states) => take(states))
  await writeAll(write, plan)
  await world.scheduler.runUntil(3_600_000)
  return batches
}

const deliveredMsMax = 20_000
const quietMs = 60

/** Waits for as many deliveries as are expected, and a moment longer for those that are not. */
async function delivered(batches: Batches, expected: number): Promise<void> {
  for (const untilMs = Date.now() + deliveredMsMax; batches.length < expected && Date.now() < untilMs; ) await sleep(5)
  await sleep(quietMs)
}

export interface RealFeed {
  /** What comes of the plan's writes, each stored by `write`; `expected` deliveries are waited for. */
  deliveries(plan: FeedPlan, write: Write, expected: number): Promise<Batches>
  close(): void
}

/** DynamoDB Local's stream, read by the local Lambda's mapping with the policy that is deployed. */
export async function realStream(database: DynamoDBClient, isOwn: (id: string) => boolean): Promise<RealFeed> {
  const { endpoint, region, credentials } = database.config
  const streams = new DynamoDBStreamsClient({ endpoint: (await endpoint?.()) as never, region, credentials })
  const { Table } = await database.send(new DescribeTableCommand({ TableName: 'records' }))
  const checkpoints = new Checkpoints(':memory:')
  const invokeWith = (take: Take) => async (event: string) => {
    const { Records } = JSON.parse(event) as { Records: DynamoDBRecord[] }
    const changes = Records.flatMap((record) => awsChangeOf(record) ?? [])
    const isForeign = changes.every(({ record }) => !isOwn(record.key.id))
    const outcome: Delivery = isForeign ? { kind: 'done', failed: [] } : await take(changes.map(({ record }) => record))
    if (outcome.kind === 'failed') {
      return { ok: false, requestId: 'r', error: { errorType: 'Error', errorMessage: 'as planned' } } as const
    }
    const batchItemFailures = outcome.failed.map((at) => ({ itemIdentifier: changes[at]?.sequenceNumber }))
    return { ok: true, requestId: 'r', payload: JSON.stringify({ batchItemFailures }) } as const
  }
  const deliveries: RealFeed['deliveries'] = async (plan, write, expected) => {
    const { batches, take } = consumer(plan, write)
    await writeAll(write, plan)
    const mapping = new StreamMapping({
      streams,
      streamArn: Table?.LatestStreamArn ?? '',
      id: 'alike',
      invoke: invokeWith(take),
      checkpoints,
      startingPosition: 'TRIM_HORIZON',
      batchSize: feedBatchMax,
      windowMs: 0,
      policy: { bisect: true, reportsItemFailures: true, retriesMax: -1, ageSecondsMax: -1 },
      giveUp: () => Promise.reject(new Error('nothing is given up')),
      log: () => {},
    })
    await delivered(batches, expected)
    await mapping.close()
    return batches
  }
  const close = (): void => {
    checkpoints.close()
    streams.destroy()
  }
  return { deliveries, close }
}

/** Answers in place of a loaded app. */
class ScriptedInvoker extends Invoker {
  readonly #answer: (documents: readonly object[]) => Promise<void>

  constructor(answer: (documents: readonly object[]) => Promise<void>) {
    super(new Registry(), deliveredMsMax)
    this.#answer = answer
  }

  override async invoke(...[, invocation]: Parameters<Invoker['invoke']>): Promise<undefined> {
    await this.#answer(JSON.parse((invocation.data as { readonly json: string }).json) as object[])
    return undefined
  }
}

/** The local Cosmos DB's change feed, read by the local Functions host's trigger from the end of what is there. */
export function realChangeFeed(container: Container, cosmosUrl: string, isRetrying: boolean): RealFeed {
  const environment = { COSMOS: cosmosConnectionString(Number(new URL(cosmosUrl).port)) }
  let runs = 0
  const deliveries: RealFeed['deliveries'] = async (plan, write, expected) => {
    const { batches, take } = consumer(plan, write)
    const leaseContainerPrefix = `alike-${isRetrying}-${runs++}-`
    await leaseFromNow(container, `${leaseContainerPrefix}${new URL(cosmosUrl).hostname}`)
    await writeAll(write, plan)
    const invoker = new ScriptedInvoker(async (documents) => {
      const outcome = await take(documents.flatMap((document) => azureChangeOf(document) ?? []))
      if (outcome.kind === 'failed' || outcome.failed.length > 0) throw new Error('as planned')
    })
    const place = { type: 'cosmosDBTrigger', connection: 'COSMOS', databaseName: 'catamaran', containerName: 'records' }
    const binding = { ...place, leaseContainerPrefix, maxItemsPerInvocation: feedBatchMax, feedPollDelay: 5 }
    const retryOptions = { retryStrategy: 'fixedDelay', maxRetryCount: -1, delayInterval: { seconds: 0 } }
    const metadata = { name: 'alike', bindings: { documents: binding }, ...(isRetrying ? { retryOptions } : {}) }
    const registered = { metadata, callback: () => undefined, trigger: 'documents' } as never
    const running = new CosmosTrigger(registered, invoker, environment, 'alike').run()
    await delivered(batches, expected)
    invoker.stop.abort()
    await running
    return batches
  }
  return { deliveries, close: () => {} }
}

/** A lease that stands at the end of the feed, as if all until now were done. */
async function leaseFromNow(container: Container, prefix: string): Promise<void> {
  const reader = container.items.getChangeFeedIterator({ changeFeedStartFrom: ChangeFeedStartFrom.Now() })
  const { continuationToken } = await reader.readNext()
  const token = JSON.parse(continuationToken) as { Continuation: { continuationToken: string }[] }
  await container.database.container('leases').items.create({
    id: `${prefix}_${container.database.id}_${container.id}..0`,
    LeaseToken: '0',
    Owner: null,
    ContinuationToken: token.Continuation[0]?.continuationToken,
    timestamp: new Date().toISOString(),
    properties: {},
  })
}
