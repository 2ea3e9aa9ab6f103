import fc from 'fast-check'
import { bucketOf, shardOf } from '../../shared/domain/hash.ts'
import { recordBytesMax } from '../../shared/domain/limits.ts'
import { keyText, type RecordKey, type StoredRecord } from '../../shared/domain/record.ts'
import { formatStamp } from '../../shared/domain/stamp.ts'
import { pageOfBucket } from '../../shared/replication/digest.ts'
import type { Page, PageRequest } from '../../shared/ports/page.ts'
import {
  arrivalCursor,
  arrivalShardCount,
  type RecordStore,
  type RecordWrite,
  type WriteCondition,
} from '../../shared/ports/record-store.ts'
import { everyPage } from '../contract/fixtures.ts'
import { answersTo, type Play } from './alike.ts'

interface Write {
  readonly id: number
  readonly condition: 'absent' | 'current' | 'stale'
  readonly isDelete: boolean
  /** When it arrived, so late after the first that may be: the same moments come again, and in any order. */
  readonly arrivalMs: number
}

export type RecordCommand = Write & {
  readonly kind: 'put' | 'put many' | 'get' | 'many' | 'query' | 'arrivals' | 'next' | 'buckets'
  readonly others: readonly Write[]
  readonly isTooLarge: boolean
  readonly limit: number
  /** Where a list begins: at its start, after one of the records or a moment, or after what is none. */
  readonly after: 'start' | 'one' | 'none'
  /** Of the buckets: only the crowded one, those up to it, from it on, or all of its page. */
  readonly stretch: 'crowded' | 'up to' | 'from' | 'page'
}

const idCount = 7
const id = fc.nat({ max: idCount - 1 })
const write = {
  id,
  condition: fc.constantFrom('absent', 'absent', 'current', 'current', 'stale'),
  isDelete: fc.nat({ max: 3 }).map((n) => n === 0),
  arrivalMs: fc.nat({ max: 3 }),
} as const

export const recordCommands = fc.record<RecordCommand>({
  ...write,
  kind: fc.constantFrom(
    ...(['put', 'put', 'put', 'put many', 'put many', 'get', 'many'] as const),
    ...(['query', 'query', 'arrivals', 'next', 'next', 'buckets', 'buckets'] as const),
  ),
  others: fc.uniqueArray(fc.record<Write>(write), { maxLength: 4, selector: (each) => each.id }),
  isTooLarge: fc.nat({ max: 9 }).map((n) => n === 0),
  limit: fc.integer({ min: 1, max: 4 }),
  after: fc.constantFrom('start', 'start', 'one', 'none'),
  stretch: fc.constantFrom('crowded', 'up to', 'from', 'page'),
})

const firstMs = 1_700_000_000_000
const pageBuckets = 128

/**
 * Ids of one collection: two of one reconcile bucket, others of its page of the digest tree, and some that share the partition
 * of the first. Chance alone would have all of them lie apart, and every list be one record long.
 */
function idsOf(tenant: string): readonly string[] {
  const names = (found: (key: RecordKey) => boolean, count: number, from: number): string[] => {
    const ids: string[] = []
    for (let n = from; ids.length < count; n++) {
      const own = { tenant, collection: 'c', id: `r-${n} ü` }
      if (found(own)) ids.push(own.id)
    }
    return ids
  }
  const byBucket = new Map<number, RecordKey>()
  let twin: RecordKey | undefined
  const [second = ''] = names(
    (key) => {
      twin = byBucket.get(bucketOf(key))
      byBucket.set(bucketOf(key), key)
      return twin !== undefined
    },
    1,
    0,
  )
  const first = twin ?? { tenant, collection: 'c', id: second }
  const isNear = (key: RecordKey): boolean => pageOfBucket(bucketOf(key)) === pageOfBucket(bucketOf(first))
  return [
    first.id,
    second,
    ...names((key) => isNear(key), 2, 10_000),
    ...names((key) => shardOf(key) === shardOf(first), idCount - 4, 20_000),
  ]
}

const shown = (record: StoredRecord | undefined) =>
  record && [record.key.id, record.body, record.deleted, record.via, record.arrivalMs]

/** The whole of a stretch of buckets, page by page; other tenants' records lie in the same ones. */
async function bucketsOf(store: RecordStore, tenant: string, crowded: number, { stretch, limit }: RecordCommand) {
  const page = crowded - (crowded % pageBuckets)
  const first = stretch === 'crowded' || stretch === 'from' ? crowded : page
  const last = stretch === 'crowded' || stretch === 'up to' ? crowded : page + pageBuckets - 1
  const all = await everyPage((after) => store.scanBuckets({ first, last }, { after, limit }), limit)
  return all.flatMap(({ key, vector, deleted }) => (key.tenant === tenant ? [[key.id, vector, deleted]] : []))
}

/** Tokens are each store's own: what is compared is whether the present one, an old one or none lets a write through. */
export const playRecords: Play<RecordStore, RecordCommand> = (store, tenant, commands) => {
  const tokens = new Map<string, string[]>()
  const ids = idsOf(tenant)
  const keyOf = (n: number): RecordKey => ({ tenant, collection: 'c', id: ids[n] ?? '' })
  const crowded = bucketOf(keyOf(0))
  let list: ((page: PageRequest) => Promise<Page<StoredRecord>>) | undefined
  let cursor: string | undefined

  const writeOf = (each: Write, n: number, isTooLarge = false): RecordWrite => {
    const key = keyOf(each.id)
    const known = tokens.get(keyText(key)) ?? []
    const token = (each.condition === 'current' ? known.at(-1) : known.at(-2)) ?? known.at(-1)
    const condition: WriteCondition =
      each.condition === 'absent' || !token ? { kind: 'absent' } : { kind: 'unchanged', token }
    const body = isTooLarge ? { n, text: 'x'.repeat(recordBytesMax) } : each.isDelete ? null : { n }
    // Of one plan both stores are given the very same states, stamps included.
    const stamp = formatStamp({ ms: firstMs + n, counter: each.id, nonce: '00000000', site: 'aws' })
    const state = { key, vector: { aws: stamp }, stamp, deleted: body === null, body, createdMs: firstMs }
    return { state, condition, facts: { via: 'client', arrivalMs: firstMs + each.arrivalMs } }
  }
  const noted = ({ state: { key } }: RecordWrite, outcome: { readonly kind: string; readonly token?: string }) => {
    if (outcome.token) tokens.set(keyText(key), [...(tokens.get(keyText(key)) ?? []), outcome.token])
    return outcome.kind
  }
  const next = async (limit: number) => {
    const page = await list?.({ after: cursor, limit })
    cursor = page?.next
    // The end of a list has no cursor to go on from.
    if (cursor === undefined) list = undefined
    return page && [page.items.map(shown), page.next]
  }
  return answersTo(commands, async (command, n) => {
    const key = keyOf(command.id)
    switch (command.kind) {
      case 'get':
        return shown(await store.get(key))
      case 'many':
        return (await store.getMany([0, 1, 2, command.id].map(keyOf))).map(shown)
      case 'put': {
        const one = writeOf(command, n, command.isTooLarge)
        return noted(one, await store.put(one.state, one.condition, one.facts))
      }
      case 'put many': {
        const writes = command.others.map((each, at) => writeOf(each, n, command.isTooLarge && at === 0))
        const outcomes = await store.putMany(writes)
        return writes.map((one, at) => noted(one, outcomes[at] ?? { kind: 'none' }))
      }
      case 'query': {
        list = (page) => store.query({ ...key, shard: shardOf(key) }, page)
        cursor = command.after === 'start' ? undefined : command.after === 'one' ? key.id : 'r-15'
        return next(command.limit)
      }
      case 'arrivals': {
        list = (page) => store.arrivals(tenant, shardOf(key) % arrivalShardCount, page)
        cursor = command.after === 'start' ? undefined : arrivalCursor(firstMs + command.arrivalMs)
        return next(command.limit)
      }
      case 'next':
        return next(command.limit)
      case 'buckets':
        return bucketsOf(store, tenant, crowded, command)
    }
  })
}
