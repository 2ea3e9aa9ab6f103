import type { Container, FeedOptions, FeedResponse, JSONValue, QueryIterator } from '@azure/cosmos'
import { cutPage } from '../../shared/adapters/cut-page.ts'
import { bucketBounds, bucketPageText, feedText, partitionText } from '../../shared/domain/record-index.ts'
import { sortableId } from '../../shared/domain/sortable-id.ts'
import type { PutOutcome, RecordStore } from '../../shared/ports/record-store.ts'
import { calling, isStatus, mapError } from './errors.ts'
import { putMany } from './record-batch.ts'
import { bucketEntryOf, fromItem, type Item, toItem } from './record-item.ts'
import { readMany, readOne } from './record-read.ts'

export interface RecordStoreOptions {
  /** Partition key /pk; composite indexes (bucketPage, bucketKey) and (feedKey, arrivalKey). The account's consistency is strong. */
  readonly container: Container
}

type BucketItem = Pick<Item, 'pk' | 'id' | 'vector' | 'deleted' | 'bucketKey'>

/** A page stops early past this much text, so that a page of large records does not fill memory. */
const pageTextMax = 4 * 2 ** 20

/** Records in one Cosmos DB container. */
export function cosmosRecordStore({ container }: RecordStoreOptions): RecordStore {
  const query = <Result>(
    text: string,
    parameters: Record<string, JSONValue>,
    limit: number,
    options: FeedOptions = {},
  ) => {
    const list = Object.entries(parameters).map(([name, value]) => ({ name: `@${name}`, value }))
    const iterator = container.items.query<Result>(
      { query: text, parameters: list },
      { maxItemCount: limit, ...options },
    )
    return calling('reading records', () => readPage(iterator, limit))
  }

  return {
    get: (key) => readOne(container, key),
    getMany: (keys) => readMany(container, keys),
    put: async (state, condition, facts): Promise<PutOutcome> => {
      const item = toItem(state, facts)
      try {
        const { etag } =
          condition.kind === 'absent'
            ? await container.items.create(item)
            : await container
                .item(item.id, item.pk)
                .replace(item, { accessCondition: { type: 'IfMatch', condition: condition.token } })
        return { kind: 'stored', token: etag }
      } catch (error) {
        // 409: there is one already. 412: it is another version. 404: there is none to replace.
        if (isStatus(error, 409, 412, 404)) return { kind: 'changed' }
        throw mapError(error, 'storing a record')
      }
    },
    putMany: (writes) => putMany({ container }, writes),
    query: async ({ tenant, collection, shard }, { after, limit }) => {
      const pk = partitionText(tenant, collection, shard)
      const { items, hasMore } = await query<Item>(
        `SELECT TOP ${limit + 1} * FROM c WHERE c.pk = @pk AND c.id > @after ORDER BY c.id`,
        { pk, after: after === undefined ? '' : sortableId(after) },
        limit + 1,
        { partitionKey: pk },
      )
      return cutPage(items.map(fromItem), limit, ({ key }) => key.id, hasMore)
    },
    scanBuckets: async ({ first, last }, { after, limit }) => {
      const { above, below } = bucketBounds(first, last)
      const { items, hasMore } = await query<BucketItem>(
        `SELECT TOP ${limit + 1} c.pk, c.id, c.vector, c.deleted, c.bucketKey FROM c ` +
          'WHERE c.bucketPage = @page AND c.bucketKey > @above AND c.bucketKey < @below ' +
          'ORDER BY c.bucketPage, c.bucketKey',
        { page: bucketPageText(first), above: after ?? above, below },
        limit + 1,
      )
      const page = cutPage(items, limit, ({ bucketKey }) => bucketKey, hasMore)
      return { ...page, items: page.items.map(bucketEntryOf) }
    },
    arrivals: async (tenant, shard, { after = '', limit }) => {
      const { items, hasMore } = await query<Item>(
        `SELECT TOP ${limit + 1} * FROM c WHERE c.feedKey = @feedKey AND c.arrivalKey > @after ` +
          'ORDER BY c.feedKey, c.arrivalKey',
        { feedKey: feedText(tenant, shard), after },
        limit + 1,
      )
      const page = cutPage(items, limit, ({ arrivalKey }) => arrivalKey, hasMore)
      return { ...page, items: page.items.map(fromItem) }
    },
  }
}

/** Reads until there are `limit` items, or enough text. A server may give empty pages on the way. */
async function readPage<Result>(
  iterator: QueryIterator<Result>,
  limit: number,
): Promise<{ items: Result[]; hasMore: boolean }> {
  const items: Result[] = []
  let text = 0
  while (items.length < limit && iterator.hasMoreResults()) {
    // An answer that is empty has no list, whatever its type says.
    const answer: Partial<FeedResponse<Result>> = await iterator.fetchNext()
    const resources = answer.resources ?? []
    items.push(...resources)
    for (const resource of resources) text += (resource as { body?: string }).body?.length ?? 0
    if (text > pageTextMax) return { items, hasMore: iterator.hasMoreResults() }
  }
  return { items, hasMore: false }
}
