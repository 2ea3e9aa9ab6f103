import {
  BatchGetItemCommand,
  type DynamoDBClient,
  GetItemCommand,
  PutItemCommand,
  QueryCommand,
  type QueryCommandInput,
} from '@aws-sdk/client-dynamodb'
import { systemClock } from '../../shared/adapters/clock.ts'
import { cutPage } from '../../shared/adapters/cut-page.ts'
import { CatamaranError } from '../../shared/domain/errors.ts'
import { shardOf } from '../../shared/domain/hash.ts'
import { bucketBounds, bucketPageText, feedText, partitionText } from '../../shared/domain/record-index.ts'
import { keyText, type RecordKey, type StoredRecord } from '../../shared/domain/record.ts'
import type { Clock } from '../../shared/ports/clock.ts'
import type { PutOutcome, RecordStore } from '../../shared/ports/record-store.ts'
import { calling, isNamed, mapError } from './errors.ts'
import { putMany } from './record-batch.ts'
import { bucketEntryOf, fromItem, type Item, textOf, toItem } from './record-item.ts'
import { conditionInput } from './write-condition.ts'

export interface RecordStoreOptions {
  readonly client: DynamoDBClient
  /** pk and sk (strings); indexes `by-bucket` (bucketPage, bucketKey) and `by-arrival` (feedKey, arrivalKey). */
  readonly table: string
  readonly clock?: Clock
}

const batchTriesMax = 8
const batchPauseMs = 50

/** Records in one DynamoDB table. */
export function dynamoRecordStore(options: RecordStoreOptions): RecordStore {
  const { client, table: TableName } = options
  const query = (input: Omit<QueryCommandInput, 'TableName'>) =>
    calling('reading records', () => client.send(new QueryCommand({ TableName, ...input })))

  return {
    get: async (key) => {
      const input = { TableName, Key: itemKey(key), ConsistentRead: true }
      const { Item } = await calling('reading a record', () => client.send(new GetItemCommand(input)))
      return Item && fromItem(Item)
    },
    getMany: (keys) => getMany(options, keys),
    put: async (state, condition, facts): Promise<PutOutcome> => {
      const Item = toItem(state, facts)
      try {
        await client.send(new PutItemCommand({ TableName, Item, ...conditionInput(condition) }))
        return { kind: 'stored', token: textOf(Item.rev) }
      } catch (error) {
        if (isNamed(error, 'ConditionalCheckFailedException')) return { kind: 'changed' }
        throw mapError(error, 'storing a record')
      }
    },
    putMany: (writes) => putMany(options, writes),
    query: async ({ tenant, collection, shard }, { after, limit }) => {
      const { Items = [], LastEvaluatedKey } = await query({
        ...keyCondition('pk', partitionText(tenant, collection, shard), 'sk', after),
        ConsistentRead: true,
        Limit: limit + 1,
      })
      return cutPage(Items.map(fromItem), limit, ({ key }) => key.id, LastEvaluatedKey !== undefined)
    },
    scanBuckets: async ({ first, last }, { after, limit }) => {
      const { above, below } = bucketBounds(first, last)
      const { Items = [], LastEvaluatedKey } = await query({
        IndexName: 'by-bucket',
        KeyConditionExpression: 'bucketPage = :page AND bucketKey BETWEEN :above AND :below',
        ExpressionAttributeValues: {
          ':page': { S: bucketPageText(first) },
          // Keys end in a hash, so nothing lies between a key and the same key with one more character.
          ':above': { S: after === undefined ? above : `${after}~` },
          ':below': { S: below },
        },
        Limit: limit + 1,
      })
      const page = cutPage(Items, limit, (item) => textOf(item.bucketKey), LastEvaluatedKey !== undefined)
      return { ...page, items: page.items.map(bucketEntryOf) }
    },
    arrivals: async (tenant, shard, { after, limit }) => {
      const { Items = [], LastEvaluatedKey } = await query({
        ...keyCondition('feedKey', feedText(tenant, shard), 'arrivalKey', after),
        IndexName: 'by-arrival',
        Limit: limit + 1,
      })
      const page = cutPage(Items, limit, (item) => textOf(item.arrivalKey), LastEvaluatedKey !== undefined)
      return { ...page, items: page.items.map(fromItem) }
    },
  }
}

const itemKey = ({ tenant, collection, id }: RecordKey): Item => ({
  pk: { S: partitionText(tenant, collection, shardOf({ tenant, collection, id })) },
  sk: { S: id },
})

const keyCondition = (hash: string, value: string, range: string, after: string | undefined) => ({
  KeyConditionExpression: after ? '#hash = :hash AND #range > :after' : '#hash = :hash',
  ExpressionAttributeNames: { '#hash': hash, ...(after ? { '#range': range } : {}) },
  ExpressionAttributeValues: { ':hash': { S: value }, ...(after ? { ':after': { S: after } } : {}) },
})

/** A batch read may leave keys unread, by size or by throttling: those are asked for again while there is progress. */
async function getMany(
  { client, table, clock = systemClock }: RecordStoreOptions,
  keys: readonly RecordKey[],
): Promise<(StoredRecord | undefined)[]> {
  const found = new Map<string, StoredRecord>()
  let open: Item[] = [...new Map(keys.map((key) => [keyText(key), itemKey(key)])).values()]
  for (let tries = 0; open.length > 0; ) {
    const input = { RequestItems: { [table]: { Keys: open, ConsistentRead: true } } }
    const answer = await calling('reading records', () => client.send(new BatchGetItemCommand(input)))
    for (const item of answer.Responses?.[table] ?? []) {
      const record = fromItem(item)
      found.set(keyText(record.key), record)
    }
    const rest = answer.UnprocessedKeys?.[table]?.Keys ?? []
    tries = rest.length < open.length ? 0 : tries + 1
    if (tries >= batchTriesMax) throw new CatamaranError('throttled', 'A batch read made no progress')
    if (tries > 0) await clock.sleep(batchPauseMs * 2 ** tries)
    open = rest
  }
  return keys.map((key) => found.get(keyText(key)))
}
