import { type DynamoDBClient, TransactWriteItemsCommand } from '@aws-sdk/client-dynamodb'
import { systemClock } from '../../shared/adapters/clock.ts'
import { eachWrite, type PreparedWrite } from '../../shared/adapters/write-batch.ts'
import { CatamaranError } from '../../shared/domain/errors.ts'
import type { Clock } from '../../shared/ports/clock.ts'
import type { PutManyOutcome, RecordWrite } from '../../shared/ports/record-store.ts'
import { isNamed, mapError } from './errors.ts'
import { type Item, textOf, toItem } from './record-item.ts'
import { conditionInput } from './write-condition.ts'

interface BatchOptions {
  readonly client: DynamoDBClient
  readonly table: string
  readonly clock?: Clock
}

const triesMax = 8
const pauseMs = 20

/**
 * Transactions of up to 100 items: many times the rate of single puts for one round trip each, at twice the write units.
 * A transaction is all or nothing, so the writes whose condition fails are taken out and the rest goes again.
 */
export const putMany = (options: BatchOptions, writes: readonly RecordWrite[]): Promise<PutManyOutcome[]> =>
  eachWrite(
    writes,
    ({ state, facts }) => toItem(state, facts),
    (items) => transact(options, items),
  )

async function transact(options: BatchOptions, items: readonly PreparedWrite<Item>[]): Promise<PutManyOutcome[]> {
  const outcomes = new Map<PreparedWrite<Item>, PutManyOutcome>()
  let open = items
  for (let attempt = 0; open.length > 0; attempt++) {
    const reasons = await tryTransaction(options, open)
    for (const [index, item] of open.entries()) {
      if (reasons[index] === 'ConditionalCheckFailed') outcomes.set(item, { kind: 'changed' })
      if (reasons.length === 0) outcomes.set(item, { kind: 'stored', token: textOf(item.item.rev) })
    }
    open = open.filter((item) => !outcomes.has(item))
    if (open.length === 0) break
    if (attempt >= triesMax)
      throw new CatamaranError('throttled', 'A batch write made no progress', { retryAfterMs: 1000 })
    if (outcomes.size === 0) await (options.clock ?? systemClock).sleep(pauseMs * 2 ** attempt)
  }
  return items.map((item) => outcomes.get(item) ?? { kind: 'changed' })
}

/** Why each item kept the transaction from happening; empty when it happened. */
async function tryTransaction(
  { client, table: TableName }: BatchOptions,
  items: readonly PreparedWrite<Item>[],
): Promise<string[]> {
  const TransactItems = items.map(({ item: Item, condition }) => ({
    Put: { TableName, Item, ...conditionInput(condition) },
  }))
  try {
    await client.send(new TransactWriteItemsCommand({ TransactItems }))
    return []
  } catch (error) {
    if (!isNamed(error, 'TransactionCanceledException')) throw mapError(error, 'storing records')
    const { CancellationReasons = [] } = error as { CancellationReasons?: { Code?: string }[] }
    const reasons = CancellationReasons.map(({ Code = 'None' }) => Code)
    if (reasons.some((reason) => !passing.has(reason))) throw mapError(error, 'storing records')
    return reasons
  }
}

/** What another try may not meet again. */
const passing = new Set([
  'None',
  'ConditionalCheckFailed',
  'TransactionConflict',
  'ThrottlingError',
  'ProvisionedThroughputExceeded',
])
