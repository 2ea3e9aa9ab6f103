import { objectKeysOf, type MediaBody } from '../domain/asset.ts'
import { derivedId } from '../domain/hash.ts'
import type { JsonObject } from '../domain/json.ts'
import type { Via } from '../domain/record.ts'
import type { SiteItem } from '../ports/site-store.ts'
import { areBytesHere, hereDigest, hereId, herePartition } from './asset-view.ts'
import { forEachOf } from './each.ts'
import { readMedia } from './media-store.ts'
import type { Services } from './services.ts'

/** Site-local marks of objects that records name and this site lacks, spread so that no partition is hot. */
const shardCount = 4
const headConcurrencyMax = 8
export const missingShards = Array.from({ length: shardCount }, (_, shard) => `missing/${shard}`)

/** A copy whose message got lost is sent again after this. */
const recheckMs = 60_000
/** When a mark without a message is due: it was long ago. */
const unsentDueMs = 0
const markTriesMax = 8
/** The sharers of one donor at both sites, and as many again. */
const othersMax = 400

/** One object to be copied: `{tenant, asset, key}` with what was tried so far. */
export type MissingObject = {
  tenant: string
  asset: string
  /** More assets whose records name it. */
  others?: string[]
  key: string
  /** As the record says. */
  bytes?: number
  sinceMs: number
  /** When the sweep has to look at it. */
  dueMs: number
  attempts: number
  /** One copy at a time: until then by the run that `holder` names. */
  leaseUntilMs: number
  holder?: string
  copy?: CopyState
  error?: string
}

/** How far the copy of an object in parts has come, so that any run can go on. */
export type CopyState = {
  uploadId: string
  partBytes: number
} & (
  | {
      /** The bytes pass through here. Parts 1 to `parts` are stored; the digests are of them, SHA-256 as a state. */
      by: 'bytes'
      parts: number
      crc64nvme: string
      sha256: string
      /** SHA-256 of each part, from 1 on, that a run stored which could not put its hash down. */
      partDigests?: string[]
    }
  | {
      /** The store reads the peer's by itself, and says what it got: parts 1 to n. */
      by: 'store'
      stored: { etag: string; crc64nvme: string }[]
    }
)

export type BytesState = CopyState & { by: 'bytes' }

/** Parts 1 to this are stored. */
export const storedParts = (copy: CopyState | undefined): number =>
  copy?.by === 'store' ? copy.stored.length : Math.max(copy?.parts ?? 0, copy?.partDigests?.length ?? 0)

/** Grows with each part that is stored, and with each that is read again. */
export const copiedParts = (copy: CopyState | undefined): number =>
  storedParts(copy) + (copy?.by === 'bytes' && copy.partDigests ? copy.parts : 0)

export type CopyTarget = Pick<MissingObject, 'tenant' | 'asset' | 'key'>

export const missingPartition = (key: string): string =>
  missingShards[derivedId(key).charCodeAt(0) % shardCount] ?? 'missing/0'

export const missingOf = (item: SiteItem): MissingObject => item.value as MissingObject

export const getMissing = (services: Services, key: string): Promise<SiteItem | undefined> =>
  services.siteStore.get(missingPartition(key), key)

export const sendCopy = (services: Services, { tenant, asset, key }: CopyTarget, delayMs = 0): Promise<void> => {
  const payload: JsonObject = { tenant, asset, key }
  return services.jobs.send({ kind: 'copy-object', payload }, delayMs > 0 ? { delayMs } : {})
}

/**
 * Looks which objects of a media record that came from the peer are not here, and has them copied: mark, then message.
 * When a site's own record comes from the peer, the site has lost what it held: then its objects are looked for as well.
 */
export async function fetchMissing(
  services: Services,
  tenant: string,
  asset: string,
  media: MediaBody,
  via: Via,
): Promise<void> {
  const isRebuilt = media.site === services.site && via === 'peer'
  if (!isRebuilt && (await areBytesHere(services, tenant, asset, media))) return
  let missing = 0
  await forEachOf(objectKeysOf(media), headConcurrencyMax, async (key) => {
    if (await services.objects.head(key)) return
    missing++
    await wantObject(services, { tenant, asset, key }, bytesOf(media, key))
  })
  if (missing === 0) await markHere(services, tenant, asset, media)
}

/** The size of an object as its media record tells it; 0 when it does not. */
export const bytesOf = (media: MediaBody, key: string): number =>
  (key === media.objectKey ? media.bytes : media.renditions.find((each) => each.objectKey === key)?.bytes) ?? 0

/**
 * Has an object that is not here copied from the peer: the mark first, then the message. False when it was wanted already.
 * When the message cannot be sent the mark stays and is due at once, so that whoever tries again sends another.
 */
export async function wantObject(
  services: Services,
  { tenant, asset, key }: CopyTarget,
  bytes?: number,
): Promise<boolean> {
  const nowMs = services.clock.now()
  const due = { sinceMs: nowMs, dueMs: nowMs + recheckMs, attempts: 0, leaseUntilMs: 0 }
  const value = { tenant, asset, key, ...(bytes === undefined ? {} : { bytes }), ...due }
  const isNew = await services.siteStore.put({ partition: missingPartition(key), id: key, value }, { kind: 'absent' })
  if (!isNew) await wantAsWell(services, { tenant, asset, key })
  if (isNew || (await isUnsent(services, key))) await sendMarked(services, value)
  return isNew
}

/** One copy serves every asset that names the object: the mark says which, so that all are known to be here when it has come. */
async function wantAsWell(services: Services, target: CopyTarget): Promise<void> {
  const { tenant, asset, key } = target
  for (let tries = 0; tries < markTriesMax; tries++) {
    const item = await getMissing(services, key)
    // It has come in between, and nobody knew of this asset.
    if (!item) return markIfAllHere(services, target, new Map([[key, true]]))
    const { others = [], ...mark } = missingOf(item)
    const isKnown = mark.asset === asset || others.includes(asset)
    if (isKnown || mark.tenant !== tenant || others.length >= othersMax) return
    if (await putMark(services, item, { ...mark, others: [...others, asset] })) return
  }
}

/** Whether the mark waits for a message that could not be sent. Of several that ask at once, one is told so. */
async function isUnsent(services: Services, key: string): Promise<boolean> {
  const item = await getMissing(services, key)
  if (!item || missingOf(item).dueMs > unsentDueMs) return false
  return putMark(services, item, { ...missingOf(item), dueMs: services.clock.now() + recheckMs })
}

async function sendMarked(services: Services, target: CopyTarget): Promise<void> {
  try {
    await sendCopy(services, target)
  } catch (error) {
    await markUnsent(services, target.key).catch(() => undefined)
    throw error
  }
}

async function markUnsent(services: Services, key: string): Promise<void> {
  const item = await getMissing(services, key)
  if (item && missingOf(item).leaseUntilMs === 0)
    await putMark(services, item, { ...missingOf(item), dueMs: unsentDueMs })
}

const putMark = (services: Services, { partition, id, token }: SiteItem, value: MissingObject): Promise<boolean> =>
  services.siteStore.put({ partition, id, value }, { kind: 'unchanged', token })

/** An object has come: every asset that waited for it alone is marked as here, and the object is missing no longer. */
export async function endMissing(services: Services, target: CopyTarget): Promise<void> {
  const { tenant, key } = target
  const found = new Map([[key, true]])
  const told = new Set<string>()
  for (let tries = 0; tries < markTriesMax; tries++) {
    const item = await getMissing(services, key)
    const { asset = target.asset, others = [] } = item ? missingOf(item) : {}
    for (const each of [target.asset, asset, ...others]) {
      if (told.has(each)) continue
      await markIfAllHere(services, { tenant, asset: each, key }, found)
      told.add(each)
    }
    // Unless another asset came to wait for it meanwhile.
    if (!item || (await services.siteStore.remove(item.partition, key, item.token))) return
  }
}

/** Marks an asset whose last object has come. `found` says of some keys whether they are here, and learns of the others. */
async function markIfAllHere(
  services: Services,
  { tenant, asset }: CopyTarget,
  found: Map<string, boolean>,
): Promise<void> {
  const media = await readMedia(services, tenant, asset)
  if (!media || (await areBytesHere(services, tenant, asset, media))) return
  for (const key of objectKeysOf(media)) {
    const isHere = found.get(key) ?? (await services.objects.head(key)) !== undefined
    found.set(key, isHere)
    if (!isHere) return
  }
  await markHere(services, tenant, asset, media)
}

async function markHere(services: Services, tenant: string, asset: string, media: MediaBody): Promise<void> {
  const value = { digest: hereDigest(media) }
  await services.siteStore.put({ partition: herePartition, id: hereId(tenant, asset), value }, { kind: 'any' })
}
