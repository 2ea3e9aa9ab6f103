import { type DynamoDBClient, PutItemCommand, QueryCommand, type QueryCommandInput } from '@aws-sdk/client-dynamodb'
import { cutPage } from '../../shared/adapters/cut-page.ts'
import { bucketBounds, bucketPageText, feedText, partitionText } from '../../shared/domain/record-index.ts'
import type { Clock } from '../../shared/ports/clock.ts'
import type { PutOutcome, RecordStore } from '../../shared/ports/record-store.ts'
import { calling, isNamed, mapError } from './errors.ts'
import { putMany } from './record-batch.ts'
import { bucketEntryOf, fromItem, textOf, toItem } from './record-item.ts'
import { readMany, readOne } from './record-read.ts'
import { conditionInput } from './write-condition.ts'

export interface RecordStoreOptions {
  readonly client: DynamoDBClient
  /** pk and sk (strings); indexes `by-bucket` (bucketPage, bucketKey) and `by-arrival` (feedKey, arrivalKey). */
  readonly table: string
  readonly clock?: Clock
}

/** Records in one DynamoDB table. */
export function dynamoRecordStore(options: RecordStoreOptions): RecordStore {
  const { client, table: TableName } = options
  const query = (input: Omit<QueryCommandInput, 'TableName'>) =>
    calling('reading records', () => client.send(new QueryCommand({ TableName, ...input })))

  return {
    get: (key) => readOne(options, key),
    getMany: (keys) => readMany(options, keys),
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

const keyCondition = (hash: string, value: string, range: string, after: string | undefined) => ({
  KeyConditionExpression: after ? '#hash = :hash AND #range > :after' : '#hash = :hash',
  ExpressionAttributeNames: { '#hash': hash, ...(after ? { '#range': range } : {}) },
  ExpressionAttributeValues: { ':hash': { S: value }, ...(after ? { ':after': { S: after } } : {}) },
})
