import { assetKey, mediaKey, type AssetBody, type Failure, type MediaBody } from '../domain/asset.ts'
import { CatamaranError } from '../domain/errors.ts'
import type { ObjectBody } from '../ports/object-store.ts'
import { keepByCopy, type Keeping } from './keep-by-copy.ts'
import { readLarge, type ReadWhole } from './large-digests.ts'
import type { Lease } from './lease.ts'
import { hasPeerNews } from './own-life.ts'
import type { PinnedObject } from './pinned-object.ts'
import { readRecord } from './record-reads.ts'
import type { Services } from './services.ts'
import { fileStream, streamToFile, type Digests } from './work-file.ts'
import { assertRoomFor, workFileBytesMax } from './work-room.ts'
import type { WorkTools } from './work-tools.ts'

/** The bytes of one asset version, verified against everything that was said about them. */
export interface Original extends Digests {
  readonly mediaType: string
  /** A local file; absent when the bytes are too many for the local disk. */
  readonly path?: string
  /** Where they were read. */
  readonly pinned: PinnedObject
  /** Makes them an object, once. */
  keep(objectKey: string, mediaType: string): Promise<void>
}

export type FetchedSource =
  | { readonly kind: 'original'; readonly original: Original }
  | { readonly kind: 'rejected'; readonly failure: Failure }
  | { readonly kind: 'superseded' }

/**
 * Reads the staged bytes, or the object that an earlier run made of them. Bytes that were sent once more, since a client did
 * not hear that the upload was completed, are as good when their digest was declared. The object is later written from what was read
 * and verified here: the staged file may change at any moment, since its uploader can still write to it.
 */
export async function fetchSource(
  services: Services,
  work: WorkTools,
  lease: Lease,
  { media, path }: { readonly media: MediaBody; readonly path: string },
): Promise<FetchedSource> {
  const { source, asset } = lease.job
  const made = media.status === 'processing' ? media.objectKey : undefined
  const body =
    (made && (await services.objects.get(made, undefined, lease.signal))) || (await openStaged(services, lease))
  if (!body) return source.drop ? { kind: 'superseded' } : sourceGone(services, lease)
  const isMade = body.key === made
  const declared = (await readRecord(services, assetKey(lease.ref.tenant, asset)))?.body as AssetBody | undefined
  const isChanged = !isMade && body.etag !== source.etag
  if (isChanged && (source.drop || declared?.sha256 === undefined)) {
    await body.stream.cancel()
    return source.drop ? { kind: 'superseded' } : changed
  }
  const pinned = { key: body.key, etag: body.etag, bytes: body.bytes }
  const whole = body.bytes > (await workFileBytesMax(work)) ? await readAgain(services, work, lease, body) : undefined
  if (!whole) await assertRoomFor(work, body.bytes)
  const digests =
    whole?.digests ?? (await streamToFile(body.stream, path, { bytesMax: body.bytes, signal: lease.signal }))
  if (digests.bytes !== body.bytes) {
    throw new CatamaranError('unavailable', `The store gave ${digests.bytes} of ${body.bytes} bytes.`)
  }
  const failure = isMade ? undefined : mismatch(digests, declared)
  if (failure) return isChanged ? changed : { kind: 'rejected', failure }
  const mediaType = declared?.mediaType ?? body.mediaType
  const keep = whole
    ? (to: string, type: string) => keepByCopy(services, lease, { pinned, whole, to, mediaType: type })
    : (to: string, type: string) => keepFile(services, lease, { path, digests, to, mediaType: type })
  return { kind: 'original', original: { ...digests, mediaType, pinned, ...(whole ? {} : { path }), keep } }
}

/** What is too large for the disk is read in ranges, not as the one stream that was opened to look at it. */
async function readAgain(services: Services, work: WorkTools, lease: Lease, body: ObjectBody): Promise<ReadWhole> {
  await body.stream.cancel()
  return readLarge(services, work, lease, { key: body.key, etag: body.etag, bytes: body.bytes })
}

async function openStaged(services: Services, { job: { source }, signal }: Lease): Promise<ObjectBody | undefined> {
  if (source.site === services.site) return services.objects.get(source.key, undefined, signal)
  throw new CatamaranError('peer-unavailable', 'The bytes of this asset have not come from the other site yet.')
}

/** A site that went back to a backup may have made an object of them before, and then its peer knows. */
async function sourceGone(services: Services, { ref, job }: Lease): Promise<FetchedSource> {
  if (await hasPeerNews(services, mediaKey(ref.tenant, job.asset))) {
    throw new CatamaranError('unavailable', 'The other site knew more of this asset than this one.')
  }
  return rejected('source-gone', 'The uploaded bytes are gone.')
}

const rejected = (code: string, detail: string): FetchedSource => ({ kind: 'rejected', failure: { code, detail } })

const changed = rejected('source-changed', 'The uploaded bytes were changed after the upload was completed.')

function mismatch(found: Digests, declared: AssetBody | undefined): Failure | undefined {
  if (found.bytes === 0) return { code: 'empty', detail: 'The file holds no bytes.' }
  if (declared?.bytes !== undefined && declared.bytes !== found.bytes) {
    return { code: 'size-mismatch', detail: `${declared.bytes} bytes were declared, ${found.bytes} arrived.` }
  }
  if (declared?.sha256 !== undefined && declared.sha256 !== found.sha256) {
    return { code: 'sha256-mismatch', detail: `SHA-256 ${declared.sha256} was declared, ${found.sha256} arrived.` }
  }
  return undefined
}

async function keepFile(
  services: Services,
  lease: Lease,
  {
    path,
    digests: { bytes, sha256, crc64nvme },
    to,
    mediaType,
  }: Keeping & { readonly path: string; readonly digests: Digests },
): Promise<void> {
  if (await services.objects.head(to)) return
  lease.check()
  const metadata = { sha256, crc64nvme }
  await services.objects.put(to, fileStream(path), { mediaType, metadata, bytes, ifAbsent: true, signal: lease.signal })
}
