import type { Container } from '@azure/cosmos'
import { systemClock } from '../../shared/adapters/clock.ts'
import { eachWrite, type PreparedWrite } from '../../shared/adapters/write-batch.ts'
import { CatamaranError } from '../../shared/domain/errors.ts'
import type { Clock } from '../../shared/ports/clock.ts'
import type { PutManyOutcome, RecordWrite } from '../../shared/ports/record-store.ts'
import { mapError } from './errors.ts'
import { type Item, toItem } from './record-item.ts'
import { operationOf } from './write-condition.ts'

interface BatchOptions {
  readonly container: Container
  readonly clock?: Clock
}

const triesMax = 8
const pauseMs = 20
const tooManyRequests = 429
const changed = new Set([409, 412, 404])
/** Nothing was wrong with this one; another kept the batch from happening. */
const failedDependency = 424

/**
 * Transactional batches, one a logical partition. A batch is all or nothing, so the writes whose condition fails are
 * taken out and the rest goes again.
 */
export const putMany = (options: BatchOptions, writes: readonly RecordWrite[]): Promise<PutManyOutcome[]> =>
  eachWrite(
    writes,
    ({ state, facts }) => toItem(state, facts),
    async (items) => {
      const outcomes = new Map<PreparedWrite<Item>, PutManyOutcome>()
      const partitions = Map.groupBy(items, ({ item }) => item.pk)
      await Promise.all([...partitions.values()].map((members) => putPartition(options, members, outcomes)))
      return items.map((item) => outcomes.get(item) ?? { kind: 'changed' })
    },
  )

async function putPartition(
  options: BatchOptions,
  items: readonly PreparedWrite<Item>[],
  outcomes: Map<PreparedWrite<Item>, PutManyOutcome>,
): Promise<void> {
  let open = items
  for (let attempt = 0; open.length > 0; attempt++) {
    const results = await tryBatch(options, open)
    for (const [index, item] of open.entries()) {
      const { statusCode = 0, eTag } = results[index] ?? {}
      if (changed.has(statusCode)) outcomes.set(item, { kind: 'changed' })
      else if (statusCode >= 200 && statusCode < 300) outcomes.set(item, { kind: 'stored', token: eTag ?? '' })
      else if (statusCode !== failedDependency && statusCode !== tooManyRequests) {
        throw new CatamaranError('unavailable', `Storing records failed with status ${statusCode}`)
      }
    }
    const rest = open.filter((item) => !outcomes.has(item))
    if (rest.length === 0) return
    if (attempt >= triesMax)
      throw new CatamaranError('throttled', 'A batch write made no progress', { retryAfterMs: 1000 })
    if (rest.length === open.length) await (options.clock ?? systemClock).sleep(pauseMs * 2 ** attempt)
    open = rest
  }
}

async function tryBatch({ container }: BatchOptions, items: readonly PreparedWrite<Item>[]) {
  try {
    const operations = items.map(({ item, condition }) => operationOf(item, condition))
    const { result = [] } = await container.items.batch(operations, items[0]?.item.pk ?? '')
    return result
  } catch (error) {
    // The SDK throws an error of its own here, which has lost the status: only the service's words are left.
    const isThrottled = /request rate is (too )?large|TooManyRequests/i.test((error as Error).message)
    throw mapError(
      isThrottled ? { message: (error as Error).message, code: tooManyRequests } : error,
      'storing records',
    )
  }
}
