import fc from 'fast-check'
import { bucketOf, shardOf } from '../../shared/domain/hash.ts'
import type { Json, JsonObject } from '../../shared/domain/json.ts'
import type { RecordKey, RecordState } from '../../shared/domain/record.ts'
import type { Site } from '../../shared/domain/site.ts'
import { formatStamp, type Stamp } from '../../shared/domain/stamp.ts'
import type { Partition } from '../../shared/ports/record-store.ts'

let made = 0

/** A tenant that no other test uses, so that suites can share a store. */
export const freshTenant = (): string => `t${process.pid.toString(36)}${(made++).toString(36)}`

export const stamp = (ms: number, counter = 0, site: Site = 'aws'): Stamp =>
  formatStamp({ ms, counter, nonce: (made++).toString(16).padStart(8, '0'), site })

export function state(key: RecordKey, body: JsonObject | null, ms = 1_700_000_000_000): RecordState {
  const at = stamp(ms)
  return { key, vector: { aws: at }, stamp: at, deleted: body === null, body, createdMs: ms }
}

export const facts = (arrivalMs = 1_700_000_000_000) => ({ via: 'client' as const, arrivalMs })

export const partitionOf = (key: RecordKey): Partition => ({ ...key, shard: shardOf(key) })

/** Ids that all fall into the same partition as the first one tried. */
export function idsInShard(
  tenant: string,
  collection: string,
  shard: number,
  count: number,
  make: (n: number) => string,
) {
  const ids: string[] = []
  for (let n = 0; ids.length < count; n++) {
    const id = make(n)
    if (shardOf({ tenant, collection, id }) === shard) ids.push(id)
  }
  return ids
}

/** Ids that all fall into one reconcile bucket. */
export function idsInBucket(tenant: string, collection: string, bucket: number, count: number): string[] {
  const ids: string[] = []
  for (let n = 0; ids.length < count; n++) {
    const id = `b-${n}`
    if (bucketOf({ tenant, collection, id }) === bucket) ids.push(id)
  }
  return ids
}

/** Text with every plane of Unicode, NUL and separators included, but well formed. */
export const anyText = (bytesMax: number): fc.Arbitrary<string> =>
  fc
    .string({ unit: 'binary', minLength: 1, maxLength: 40 })
    .filter((text) => text.isWellFormed() && Buffer.byteLength(text) <= bytesMax)

/** Every JSON value: extreme numbers, empty and hostile names, deep nesting. */
export const anyJsonObject: fc.Arbitrary<JsonObject> = fc
  .dictionary(
    fc.oneof(fc.string({ unit: 'binary' }), fc.constantFrom('', '__proto__', 'constructor', '$type', '_etag', 'a.b')),
    fc.jsonValue({ maxDepth: 6, stringUnit: 'binary' }) as fc.Arbitrary<Json>,
    { maxKeys: 8 },
  )
  .map((value) => JSON.parse(JSON.stringify(value)) as JsonObject)
  .filter((value) => JSON.stringify(value).isWellFormed() && !/\\ud[89a-f]/i.test(JSON.stringify(value)))

/** Reads a list to its end in pages of `limit`, checking each page's promise. */
export async function everyPage<Item>(
  read: (after: string | undefined) => Promise<{ items: readonly Item[]; next?: string }>,
  limit: number,
): Promise<Item[]> {
  const all: Item[] = []
  let after: string | undefined
  for (let pages = 0; ; pages++) {
    const { items, next } = await read(after)
    if (items.length > limit) throw new Error(`A page of ${items.length} items, limit ${limit}`)
    all.push(...items)
    if (next === undefined) return all
    if (next === after || pages > 10_000) throw new Error('A list that does not go on')
    after = next
  }
}

/** Index lag: tries until it holds, at most some seconds. */
export async function eventually<Result>(
  read: () => Promise<Result>,
  holds: (result: Result) => boolean,
): Promise<Result> {
  const endMs = Date.now() + 5_000
  for (;;) {
    const result = await read()
    if (holds(result) || Date.now() > endMs) return result
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}
