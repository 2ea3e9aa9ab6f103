import type { Container, FeedOptions, JSONValue } from '@azure/cosmos'
import { systemClock, systemRandom } from '../../shared/adapters/clock.ts'
import { collectAlive } from '../../shared/adapters/site-pages.ts'
import type { JsonObject } from '../../shared/domain/json.ts'
import { idOfSortable, sortableId } from '../../shared/domain/sortable-id.ts'
import { siteText } from '../../shared/domain/stored-text.ts'
import type { Clock, Random } from '../../shared/ports/clock.ts'
import type { SiteItem, SiteStore } from '../../shared/ports/site-store.ts'
import { calling, isStatus, mapError } from './errors.ts'

export interface SiteStoreOptions {
  /** Partition key /pk, time-to-live on without a default (`defaultTtl: -1`). */
  readonly container: Container
  readonly clock?: Clock
  readonly random?: Random
}

interface Item {
  readonly id: string
  readonly pk: string
  readonly value: string
  /** Names one write, so that a writer whose answer was lost knows its own. */
  readonly rev: string
  readonly expiresMs?: number
  /** Seconds from the write: Cosmos DB's own member. */
  readonly ttl?: number
  readonly _etag?: string
}

type IsAlive = (item: { readonly expiresMs?: number }) => boolean

/** Site-local items in one Cosmos DB container. */
export function cosmosSiteStore({
  container,
  clock = systemClock,
  random = systemRandom,
}: SiteStoreOptions): SiteStore {
  const isAlive: IsAlive = ({ expiresMs }) => expiresMs === undefined || expiresMs > clock.now()
  const { read, replace, create } = itemAccess(container, isAlive)
  return {
    get: async (partition, id) => {
      const found = await read(partition, id)
      return found && isAlive(found) ? fromItem(found) : undefined
    },
    put: async ({ partition, id, value, expiresMs }, condition) => {
      const rev = Buffer.from(random.bytes(12)).toString('base64url')
      const expiry = expiresMs === undefined ? {} : { expiresMs, ttl: ttlSeconds(expiresMs - clock.now()) }
      const item: Item = { id: sortableId(id), pk: partition, value: siteText(id, value), rev, ...expiry }
      switch (condition.kind) {
        case 'any':
          await calling('storing a site item', () => container.items.upsert(item))
          return true
        case 'absent':
          return create(item)
        case 'unchanged': {
          const { etag, ...held } = parseToken(condition.token)
          return isAlive(held) && replace(item, etag)
        }
      }
    },
    remove: async (partition, id, token) => {
      const current = token === undefined ? await read(partition, id) : parseToken(token)
      if (!current || !isAlive(current)) return false
      const condition = 'etag' in current ? { accessCondition: { type: 'IfMatch', condition: current.etag } } : {}
      try {
        await container.item(sortableId(id), partition).delete(condition)
        return true
      } catch (error) {
        if (isStatus(error, 404, 412)) return false
        throw mapError(error, 'removing a site item')
      }
    },
    list: (partition, page) =>
      collectAlive(page, isAlive, async (after, limit) => {
        const bound = after === undefined ? '' : `AND c.id ${page.descending ? '<' : '>'} @after `
        const query = `SELECT TOP ${limit} * FROM c WHERE c.pk = @pk ${bound}ORDER BY c.id${page.descending ? ' DESC' : ''}`
        const parameters: { name: string; value: JSONValue }[] = [{ name: '@pk', value: partition }]
        if (after !== undefined) parameters.push({ name: '@after', value: sortableId(after) })
        const options: FeedOptions = { partitionKey: partition, maxItemCount: limit }
        const iterator = container.items.query<Item>({ query, parameters }, options)
        const { resources } = await calling('listing site items', () => iterator.fetchAll())
        return { items: resources.map(fromItem), hasMore: resources.length >= limit }
      }),
  }
}

/** Single items: reads, and writes that say whether they took. */
function itemAccess(container: Container, isAlive: IsAlive) {
  const read = async (partition: string, id: string): Promise<Item | undefined> => {
    const item = container.item(sortableId(id), partition)
    const { resource } = await calling('reading a site item', () => item.read<Item>())
    return resource
  }
  /** The SDK tries again when an answer is lost: the second try then meets the first one's own write. */
  const isOwn = async ({ pk, id, rev }: Item): Promise<boolean> => (await read(pk, idOfSortable(id)))?.rev === rev
  const replace = async (item: Item, etag: string): Promise<boolean> => {
    const options = { accessCondition: { type: 'IfMatch', condition: etag } }
    try {
      await container.item(item.id, item.pk).replace(item, options)
      return true
    } catch (error) {
      if (isStatus(error, 404, 412)) return isOwn(item)
      throw mapError(error, 'storing a site item')
    }
  }
  const create = async (item: Item): Promise<boolean> => {
    try {
      await container.items.create(item)
      return true
    } catch (error) {
      if (!isStatus(error, 409)) throw mapError(error, 'storing a site item')
    }
    const current = await read(item.pk, idOfSortable(item.id))
    if (current?.rev === item.rev) return true
    // What stands there may have expired by our clock and only not been removed yet.
    return current !== undefined && !isAlive(current) && replace(item, current._etag ?? '')
  }
  return { read, replace, create }
}

/** Removal by the store must never come before the moment that was asked for, whatever its clock and its rounding. */
const ttlSeconds = (ms: number): number => Math.max(1, Math.ceil(ms / 1000) + 5)

/** The ETag, and the expiry it stands for: enough to know that an item is unchanged but expired. */
const tokenOf = ({ _etag = '', expiresMs }: Item): string => JSON.stringify([_etag, expiresMs ?? null])

function parseToken(token: string): { etag: string; expiresMs?: number } {
  try {
    const [etag, expiresMs] = JSON.parse(token) as [string, number | null]
    return { etag, ...(expiresMs === null ? {} : { expiresMs }) }
  } catch {
    // Not a token this store gave: nothing has that version.
    return { etag: '"none"' }
  }
}

function fromItem(item: Item): SiteItem {
  const { id, pk, value, expiresMs } = item
  const expiry = expiresMs === undefined ? {} : { expiresMs }
  return {
    partition: pk,
    id: idOfSortable(id),
    value: JSON.parse(value) as JsonObject,
    token: tokenOf(item),
    ...expiry,
  }
}
