import { assetKey, mediaKey, type AssetBody, type Failure, type MediaBody, type UploadBody } from '../domain/asset.ts'
import { CatamaranError, hasCode } from '../domain/errors.ts'
import { derivedId } from '../domain/hash.ts'
import { mediaTypeHint } from '../domain/media-type.ts'
import { parseDropKey } from '../domain/names.ts'
import type { StoredRecord } from '../domain/record.ts'
import { stampSite } from '../domain/stamp.ts'
import type { ObjectInfo } from '../ports/object-store.ts'
import { fileDeadLetter } from './dead-letters.ts'
import {
  begun,
  gone,
  readSettled,
  readSettledOrHear,
  settle,
  settleIf,
  stateOf,
  writeIf,
  type Drop,
} from './drop-mark.ts'
import { enqueueProcess, processJobId, readJob } from './job-store.ts'
import { readMedia, writeMedia, writeMediaOf } from './media-store.ts'
import { hasPeerNews, isOfThisLife } from './own-life.ts'
import { readRecord } from './record-reads.ts'
import { writeRecord, type WriteOptions } from './records.ts'
import type { Services } from './services.ts'

export interface DropEvent {
  readonly key: string
  readonly change: 'created' | 'removed'
  readonly bytes?: number
  readonly etag?: string
}

const roundsMax = 10
const recheckMs = 600_000
const none = { precondition: { kind: 'none' } } as const

/**
 * Something happened under `drop/` in this site's store. Events come twice, late and out of order, so the event only says
 * where to look: the store says what is there now. After each change the store is asked again, so that of two runs side by
 * side the one that writes last leaves the asset as the store is.
 */
export async function objectDropped(services: Services, event: DropEvent): Promise<void> {
  const name = parseDropKey(event.key)
  if (name.kind === 'ignored') {
    return services.telemetry.log('debug', 'A dropped file was left alone', { key: event.key, reason: name.reason })
  }
  if (name.kind === 'refused') {
    const payload = { kind: 'drop', payload: { key: event.key.toWellFormed().slice(0, 2_048) } }
    return fileDeadLetter(services, { kind: 'drop', cause: `Refused: ${name.reason}.`, payload })
  }
  const drop: Drop = { tenant: name.tenant, asset: name.assetId, path: name.path, key: event.key }
  for (let round = 0; round < roundsMax; round++) {
    const found = await services.objects.head(drop.key)
    const isDone = found ? await adopt(services, drop, found) : await trash(services, drop, event.change === 'removed')
    const now = await services.objects.head(drop.key)
    if (isDone && now?.etag === found?.etag) return
  }
  throw new CatamaranError('unavailable', 'The dropped file keeps changing.')
}

/**
 * A mark of this site that it did not write in this life: it has lost what it knew, and perhaps the file. One that is there is
 * looked at later, since what else was known of it is still on its way from the peer.
 */
export async function recheckDrop(services: Services, { kind, state, objectKey }: UploadBody): Promise<void> {
  if (kind !== 'drop' || state !== 'complete') return
  if (!(await services.objects.head(objectKey))) return objectDropped(services, { key: objectKey, change: 'created' })
  await services.jobs.send({ kind: 'drop', payload: { key: objectKey } }, { delayMs: recheckMs })
}

/**
 * The settled mark is written last: whatever a crash left undone before it is done again by the next delivery. False when the
 * file went meanwhile.
 */
async function adopt(services: Services, drop: Drop, found: ObjectInfo): Promise<boolean> {
  const { tenant, asset, key } = drop
  const record = await readSettled(services, drop)
  const settled = record?.body as UploadBody | undefined
  if (record && settled?.state === 'complete' && settled.etag === found.etag && settled.objectKey === key) {
    const present = await readMedia(services, tenant, asset)
    const isStale = present ? await isOutdated(services, drop, settled, present) : !isOfThisLife(services, record)
    await ensureJob(services, drop, found, isStale ? await renew(services, drop, found) : present)
    if (isOfThisLife(services, record)) return true
    // Its asset may have burnt before the peer heard of it; one that was deleted has left a tombstone.
    const isBurnt = !(await services.records.get(assetKey(tenant, asset)))
    if (isBurnt && !(await makeAsset(services, drop, found))) return false
    await settle(services, drop, stateOf(found))
    return true
  }
  // First of all: should this run die and the file go without an event, the scrub finds by this mark what there is to be deleted.
  await settle(services, drop, begun)
  if (!(await makeAsset(services, drop, found))) return false
  const media = await renew(services, drop, found)
  await ensureJob(services, drop, found, media)
  // A run that had found no file may have deleted the asset meanwhile, and may not live to look again.
  if (!(await makeAsset(services, drop, found))) return false
  await settle(services, drop, stateOf(found))
  return true
}

/**
 * One that is there stays as it is. None is brought back for a file that is gone: it is looked for between the read and the
 * write of the asset, and whoever removes the asset for good writes in between, even where there is none.
 */
async function makeAsset(services: Services, { tenant, asset, path, key }: Drop, found: ObjectInfo): Promise<boolean> {
  const source = { kind: 'drop', path } as const
  const fresh: AssetBody = { name: path, mediaType: mediaTypeHint(found.mediaType, path), labels: {}, source }
  const test = async (live?: StoredRecord): Promise<boolean> =>
    live !== undefined || !!(await services.objects.head(key))
  return (await writeIf(services, assetKey(tenant, asset), test, (body) => body ?? fresh)) !== undefined
}

/** Whether what is known of the file is of an earlier one, or was given up when the file was gone. */
const isOutdated = async (
  services: Services,
  { tenant }: Drop,
  settled: UploadBody,
  media: MediaBody,
): Promise<boolean> =>
  media.version === versionOf(services, settled.objectKey, settled.etag ?? '')
    ? isBurnt(media)
    : isSuperseded(services, tenant, settled, media)

/**
 * Holds an asset to the file that lies here. The other site may have taken over the job of an earlier one while it was cut
 * off: its write is the later one and wins, and the asset would be about bytes that were overwritten long before.
 */
export async function keepToDrop(services: Services, tenant: string, asset: string, media: MediaBody): Promise<void> {
  if (media.site === services.site) return
  const settled = (await readSettled(services, { tenant, asset }))?.body as UploadBody | undefined
  if (settled?.kind !== 'drop' || settled.state !== 'complete' || settled.etag === undefined) return
  if (!(await isSuperseded(services, tenant, settled, media))) return
  services.telemetry.log('warn', 'An asset was put back to a file that is no more', { tenant, asset })
  await objectDropped(services, { key: settled.objectKey, change: 'created' })
}

/** Whether a version was made of an earlier file of the same key at this site: what the other site dropped is no less true. */
async function isSuperseded(
  services: Services,
  tenant: string,
  { objectKey, etag = '' }: UploadBody,
  { version, job }: MediaBody,
): Promise<boolean> {
  if (version === versionOf(services, objectKey, etag)) return false
  const source = (await readJob(services, { tenant, job }))?.source
  return source?.site === services.site && source.key === objectKey
}

/** Makes an asset be about the file, if it is not already, or was given up because the file was gone. */
function renew(services: Services, drop: Drop, found: ObjectInfo): Promise<MediaBody | undefined> {
  const { tenant, asset, key } = drop
  const version = versionOf(services, key, found.etag)
  return writeMedia(services, tenant, asset, (present) =>
    present?.version === version && !isBurnt(present)
      ? undefined
      : nextVersion(services, { asset, version, bytes: found.bytes }, present),
  )
}

/** A version that is not through yet has a job; one that ended because another version came between is opened again. */
async function ensureJob(
  services: Services,
  { tenant, asset, key }: Drop,
  { etag, bytes }: ObjectInfo,
  media: MediaBody | undefined,
): Promise<void> {
  const version = versionOf(services, key, etag)
  if (media?.version !== version || media.status === 'ready' || media.status === 'failed') return
  const source = { site: services.site, key, etag, bytes, drop: true }
  await enqueueProcess(services, tenant, { asset, version, source }, { reopen: true })
}

const versionOf = (services: Services, key: string, etag: string): string => derivedId(services.site, key, etag)

/** Until the new bytes are verified, readers keep getting the old ones. */
function nextVersion(
  services: Services,
  { asset, version, bytes }: { readonly asset: string; readonly version: string; readonly bytes: number },
  present: MediaBody | undefined,
): MediaBody {
  const fresh = { status: 'uploaded', version, job: processJobId(asset, version) } as const
  if (!present) return { ...fresh, site: services.site, bytes, properties: {}, renditions: [] }
  const { error: _error, ...kept } = present
  return { ...kept, ...fresh }
}

/**
 * Trashes the asset only while it is about the file that was here: the other site may have dropped one of its own since. A
 * file of an earlier life of this site has to be told of, since it may have burnt with the store. False when another run came
 * between: it found a file.
 */
async function trash(services: Services, drop: Drop, isTold: boolean): Promise<boolean> {
  const record = await readSettledOrHear(services, drop, isTold)
  const settled = record?.body as UploadBody | undefined
  if (settled?.state === 'gone') return true
  // It may have come since this run looked.
  if (settled && (await services.objects.head(drop.key))) return false
  if (record && settled && !isTold && !isOfThisLife(services, record)) {
    await failBurnt(services, drop, settled)
    return true
  }
  const isOurs = await isAboutFile(services, drop, settled)
  if (!isOurs && !settled) return true
  let mark = record
  if (isOurs) {
    // Should this run die, and the very same bytes be dropped again: they are not those whose asset somebody deleted.
    const isNoted = settled?.etag !== undefined
    if (isNoted) mark = await settleIf(services, drop, begun, record)
    if (settled && !mark) return false
    await removeAsset(services, drop, { fences: !isNoted })
  }
  return (await settleIf(services, drop, gone, mark)) !== undefined
}

/** Where a run may be about to write the asset it has to be kept from it, though there is none yet or no more. */
async function removeAsset(
  services: Services,
  { tenant, asset }: Drop,
  { fences }: Pick<WriteOptions, 'fences'>,
): Promise<void> {
  try {
    await writeRecord(services, assetKey(tenant, asset), { ...none, fences }, () => null)
  } catch (error) {
    if (!hasCode(error, 'not-found')) throw error
  }
}

const burnt: Failure = { code: 'source-gone', detail: 'The dropped file is gone; drop it again.' }
const isBurnt = ({ status, error }: MediaBody): boolean => status === 'failed' && error?.code === burnt.code

/** Bytes that had become an object are at the other site; those that had not are nowhere, and their owner has to know. */
async function failBurnt(services: Services, drop: Drop, { objectKey, etag = '' }: UploadBody): Promise<void> {
  const { tenant, asset } = drop
  const version = versionOf(services, objectKey, etag)
  await hasPeerNews(services, mediaKey(tenant, asset))
  await writeMediaOf(services, { tenant, asset, version }, (media) =>
    media.status === 'ready' ? media : { ...media, status: 'failed', error: burnt },
  )
}

/** A run that died before it settled anything has left its traces all the same: a job, a media record, or the asset alone. */
async function isAboutFile(services: Services, drop: Drop, settled: UploadBody | undefined): Promise<boolean> {
  const { tenant, asset, key } = drop
  const found = await readRecord(services, mediaKey(tenant, asset))
  if (found) {
    const media = found.body as MediaBody
    if (settled && media.version === versionOf(services, settled.objectKey, settled.etag ?? '')) return true
    const source = (await readJob(services, { tenant, job: media.job }))?.source
    return source ? source.site === services.site && source.key === key : isFromHere(services, found)
  }
  if (settled) return true
  const record = await readRecord(services, assetKey(tenant, asset))
  return record !== undefined && isFromHere(services, record) && (record.body as AssetBody).source.kind === 'drop'
}

const isFromHere = (services: Services, { stamp }: StoredRecord): boolean => stampSite(stamp) === services.site
