import { DescribeTableCommand, type DynamoDBClient } from '@aws-sdk/client-dynamodb'
import {
  DescribeStreamCommand,
  DynamoDBStreamsClient,
  GetRecordsCommand,
  GetShardIteratorCommand,
} from '@aws-sdk/client-dynamodb-streams'
import { ChangeFeedStartFrom, type Container } from '@azure/cosmos'
import { changeOf as awsChangeOf } from '../../aws/adapters/change.ts'
import { changeOf as azureChangeOf } from '../../azure/adapters/change.ts'
import type { StoredRecord } from '../../shared/domain/record.ts'
import type { RecordStore } from '../../shared/ports/record-store.ts'
import { facts, state } from '../contract/fixtures.ts'

/** Several writes of several records, one of them a delete, all before anybody reads. */
export async function writeMany(store: RecordStore, tenant: string): Promise<void> {
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
export function byRecord(changes: readonly StoredRecord[], tenant: string): Record<string, unknown[]> {
  const own = changes.filter(({ key }) => key.tenant === tenant)
  const names = [...new Set(own.map(({ key }) => key.id))].sort()
  return Object.fromEntries(
    names.map((name) => [name, own.flatMap(({ key, body }) => (key.id === name ? [body?.['n'] ?? 'deleted'] : []))]),
  )
}

/** A change, and its place in its shard. */
export interface Placed {
  readonly sequenceNumber: string
  readonly record: StoredRecord
}

/** From where a shard is read: from its start, or from a record on, itself included or not. */
export type From =
  | { readonly ShardIteratorType: 'TRIM_HORIZON' }
  | {
      readonly ShardIteratorType: 'AT_SEQUENCE_NUMBER' | 'AFTER_SEQUENCE_NUMBER'
      readonly SequenceNumber: string
    }

/** Each shard of the records' stream, as a function that reads it to its end. */
export async function streamShards(database: DynamoDBClient) {
  const { endpoint, region, credentials } = database.config
  const streams = new DynamoDBStreamsClient({ endpoint: (await endpoint?.()) as never, region, credentials })
  const { Table } = await database.send(new DescribeTableCommand({ TableName: 'records' }))
  const StreamArn = Table?.LatestStreamArn ?? ''
  const { StreamDescription } = await streams.send(new DescribeStreamCommand({ StreamArn }))
  const read = async (ShardId: string | undefined, from: From): Promise<Placed[]> => {
    const found: Placed[] = []
    const begin = new GetShardIteratorCommand({ StreamArn, ShardId, ...from })
    let iterator = (await streams.send(begin)).ShardIterator
    for (let empty = 0; iterator && empty < 2; ) {
      const page = await streams.send(new GetRecordsCommand({ ShardIterator: iterator }))
      found.push(...(page.Records ?? []).flatMap((record) => awsChangeOf(record as never) ?? []))
      empty = page.Records?.length ? 0 : empty + 1
      iterator = page.NextShardIterator
    }
    return found
  }
  const shards = (StreamDescription?.Shards ?? []).map(
    ({ ShardId }) =>
      (from: From) =>
        read(ShardId, from),
  )
  return { shards, close: () => streams.destroy() }
}

export async function readStream(database: DynamoDBClient): Promise<StoredRecord[]> {
  const { shards, close } = await streamShards(database)
  const found = await Promise.all(shards.map((read) => read({ ShardIteratorType: 'TRIM_HORIZON' })))
  close()
  return found.flat().map(({ record }) => record)
}

export async function readChangeFeed(container: Container): Promise<StoredRecord[]> {
  const reader = container.items.getChangeFeedIterator<object>({
    changeFeedStartFrom: ChangeFeedStartFrom.Beginning(),
  })
  const found: StoredRecord[] = []
  for (;;) {
    const page = await reader.readNext()
    if (page.statusCode === 304) return found
    found.push(...page.result.flatMap((document) => azureChangeOf(document) ?? []))
  }
}
