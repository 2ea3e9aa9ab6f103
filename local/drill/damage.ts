import { assetKey, mediaKey, objectKeyOf } from '../../shared/domain/asset.ts'
import { keyText, type RecordKey } from '../../shared/domain/record.ts'
import type { Api } from '../tour/api.ts'
import { until } from '../tour/until.ts'
import { sha256Of } from './files.ts'
import { differencesIn, operate } from './operate.ts'
import type { Hands } from './stores.ts'
import { collection, type Thing } from './things.ts'

const recordsErased = 5
const tombstonesErased = 2
const objectsRemoved = 2
const mendedMsMax = 60_000

interface Target {
  /** Of the object in the store. */
  readonly key: string
  readonly sha256: string
}

/** What a person did to a site's stores, past the API. */
export interface Damage {
  /** As the product names them: keys of records and of objects. */
  readonly what: readonly string[]
  readonly objects: readonly Target[]
}

/** Erases rows of records, of deleted ones, and of an asset; removes objects, and overwrites one with as much rubbish. */
export async function damage(hands: Hands, tenant: string, things: readonly Thing[]): Promise<Damage> {
  const records = things.filter(({ kind }) => kind === 'records')
  const [live, deleted] = [records.filter(isLive), records.filter((thing) => !isLive(thing))]
  const chosen = [...spread(live, recordsErased), ...spread(deleted, tombstonesErased)]
  const rows: RecordKey[] = chosen.map(({ id }) => ({ tenant, collection, id }))
  const [first, ...others] = things.filter((thing) => thing.kind === 'assets' && isLive(thing))
  if (first) rows.push(assetKey(tenant, first.id), mediaKey(tenant, first.id))
  for (const row of rows) await hands.erase(row)
  const objects = others
    .slice(0, objectsRemoved + 1)
    .map(({ id, sha256 = '' }) => ({ key: objectKeyOf(tenant, id, sha256), sha256 }))
  for (const [at, { key }] of objects.entries()) {
    const bytes = await hands.read(key)
    if (at < objectsRemoved) await hands.remove(key)
    else await hands.overwrite(key, Buffer.alloc(bytes?.byteLength ?? 0, 7))
  }
  return { what: [...rows.map(keyText), ...objects.map(({ key }) => key)], objects }
}

const isLive = ({ text }: Thing): boolean => text !== undefined

/** At most so many items, from all over the list: of either site, and of many stories. */
const spread = <Item>(items: readonly Item[], count: number): Item[] =>
  items.filter((_, at) => at % Math.ceil(items.length / count) === 0)

export interface Mended {
  /** Of the damage, what a deep verify did not name. */
  readonly unseen: readonly string[]
  /** What it named besides. */
  readonly imagined: readonly string[]
  readonly repairMs: number
  /** Differences that a second deep verify finds, after the repair. */
  readonly left: number
  /** Objects whose bytes are not what they were. */
  readonly spoilt: readonly string[]
  /** Objects of which the store keeps no version from before the damage; undefined where it keeps none of any. */
  readonly unkept: readonly string[] | undefined
}

/** Has the product find the damage and mend it, as docs/operations.md tells an operator. */
export async function mend(api: Api, hands: Hands, { what, objects }: Damage): Promise<Mended> {
  const { examples } = await operate(api, 'verify', { deep: true })
  const named = new Set(examples.map((each) => each.what))
  const unkept = await unkeptOf(hands, objects)
  const startMs = performance.now()
  await operate(api, 'repair', { deep: true })
  const spoilt = await spoiltOf(hands, objects)
  return {
    unseen: what.filter((each) => !named.has(each)),
    imagined: [...named].filter((each) => !what.includes(each)),
    repairMs: performance.now() - startMs,
    left: differencesIn(await operate(api, 'verify', { deep: true })),
    spoilt,
    unkept,
  }
}

async function unkeptOf(hands: Hands, objects: readonly Target[]): Promise<string[] | undefined> {
  const unkept: string[] = []
  for (const { key, sha256 } of objects) {
    const earlier = await hands.earlier(key)
    if (!earlier) return undefined
    if (!earlier.some((bytes) => sha256Of(bytes) === sha256)) unkept.push(key)
  }
  return unkept
}

/** A repair has what is missing copied by the queue, so the last of it may come a moment later. */
async function spoiltOf(hands: Hands, objects: readonly Target[]): Promise<string[]> {
  let spoilt: string[] = []
  const isWhole = async (): Promise<boolean> => {
    spoilt = []
    for (const { key, sha256 } of objects) {
      const bytes = await hands.read(key)
      if (!bytes || sha256Of(bytes) !== sha256) spoilt.push(key)
    }
    return spoilt.length === 0
  }
  await until('every object whole', isWhole, { timeoutMs: mendedMsMax, everyMs: 500 }).catch(() => undefined)
  return spoilt
}
