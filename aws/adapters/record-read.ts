import { BatchGetItemCommand, type DynamoDBClient, GetItemCommand } from '@aws-sdk/client-dynamodb'
import { systemClock } from '../../shared/adapters/clock.ts'
import { CatamaranError } from '../../shared/domain/errors.ts'
import { shardOf } from '../../shared/domain/hash.ts'
import { partitionText } from '../../shared/domain/record-index.ts'
import { keyText, type RecordKey, type StoredRecord } from '../../shared/domain/record.ts'
import type { Clock } from '../../shared/ports/clock.ts'
import { calling } from './errors.ts'
import { fromItem, type Item } from './record-item.ts'

interface ReadOptions {
  readonly client: DynamoDBClient
  readonly table: string
  readonly clock?: Clock
}

const batchTriesMax = 8
const batchPauseMs = 50

const itemKey = ({ tenant, collection, id }: RecordKey): Item => ({
  pk: { S: partitionText(tenant, collection, shardOf({ tenant, collection, id })) },
  sk: { S: id },
})

/** One record by its place, strongly consistent. */
export async function readOne({ client, table }: ReadOptions, key: RecordKey): Promise<StoredRecord | undefined> {
  const input = { TableName: table, Key: itemKey(key), ConsistentRead: true }
  const { Item } = await calling('reading a record', () => client.send(new GetItemCommand(input)))
  return Item && fromItem(Item)
}

/** A batch read may leave keys unread, by size or by throttling: those are asked for again while there is progress. */
export async function readMany(
  { client, table, clock = systemClock }: ReadOptions,
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
