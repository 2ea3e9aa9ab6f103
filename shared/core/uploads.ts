import { assetKey, mediaKey, uploadKey, type AssetBody, type UploadBody } from '../domain/asset.ts'
import { CatamaranError } from '../domain/errors.ts'
import { derivedId } from '../domain/hash.ts'
import { peerOf, type Site } from '../domain/site.ts'
import type { MultipartUpload, ObjectInfo, PresignedRequest, UploadedPart } from '../ports/object-store.ts'
import { enqueueProcess, processJobId } from './job-store.ts'
import { writeMedia } from './media-store.ts'
import { hearOfEarlierLife } from './own-life.ts'
import { readRecord, readRecords } from './record-reads.ts'
import { writeRecord } from './records.ts'
import type { Services } from './services.ts'
import { removeStagedOf } from './staging.ts'
import { assertOnce, assertPartNumbers, assertPartSums, missingParts, partBytesMin, partSizes } from './upload-parts.ts'

export const singleBytesMax = 5_000 * 2 ** 20
const uploadMs = 7 * 24 * 3_600_000
const presignMs = 3_600_000
const partsSignedDefault = 20

/** How the bytes are to come: in one piece, or in parts, each of `partBytes` but the last, when the client cuts the file itself. */
export interface UploadWish {
  readonly upload: 'single' | 'multipart'
  readonly partBytes?: number | undefined
  /** The client will say the CRC of every part. */
  readonly partChecksums?: 'crc64nvme' | undefined
}

/** Of which parts requests are asked for; where parts have checksums, with one for each, 16 hex digits. */
export interface PartsAsked {
  readonly parts?: readonly number[]
  readonly crcs?: readonly string[]
}

/** How a client brings the bytes: always at the site that began the upload. */
export type UploadPlan = { readonly site: Site } & (
  | { readonly kind: 'single'; readonly request: PresignedRequest }
  | {
      readonly kind: 'multipart'
      readonly partBytes: number
      readonly parts: number
      readonly arrived: readonly UploadedPart[]
      readonly requests: readonly { readonly part: number; readonly request: PresignedRequest }[]
    }
  | { readonly kind: 'done' }
)

const none = { precondition: { kind: 'none' } } as const

/** Begins the upload at this site, or finds the one that was begun. Throws `invalid-request` past the store's limits. */
export async function ensureUpload(
  services: Services,
  tenant: string,
  id: string,
  asset: AssetBody,
  { upload: kind, partBytes, partChecksums }: UploadWish,
): Promise<UploadBody> {
  const key = uploadKey(tenant, id, services.site)
  const begun = (await readRecord(services, key))?.body as UploadBody | undefined
  if (begun && begun.state !== 'gone') return begun
  const nonce = Buffer.from(services.random.bytes(10)).toString('hex')
  const objectKey = `uploads/${tenant}/${id}/${nonce}`
  const base = { kind, site: services.site, objectKey, state: 'open' } as const
  const expiresAtMs = services.clock.now() + uploadMs
  let fresh: UploadBody = { ...base, expiresAtMs }
  if (kind === 'multipart') {
    const sizes = partSizes(services, asset.bytes, partBytes)
    const withChecksums = partChecksums !== undefined
    const options = { mediaType: asset.mediaType, withChecksums }
    const { uploadId } = await services.objects.startMultipart(objectKey, options)
    fresh = { ...fresh, uploadId, ...sizes, ...(withChecksums ? { partChecksums } : {}) }
  }
  const { record } = await writeRecord(services, key, none, (body) =>
    body && (body as UploadBody).state !== 'gone' ? body : fresh,
  )
  const kept = record.body as UploadBody
  if (fresh.uploadId && kept.uploadId !== fresh.uploadId) {
    await services.objects.abortMultipart({ key: objectKey, uploadId: fresh.uploadId })
  }
  return kept
}

/**
 * What is left to send. `parts` asks for signed requests of these parts (up to 100); without it, the first missing ones.
 * Throws `not-found`, and `conflict` (with the site) when the upload goes on at the other site.
 */
export async function uploadPlan(
  services: Services,
  tenant: string,
  id: string,
  asked: PartsAsked = {},
): Promise<UploadPlan> {
  const { upload, isDone } = await findUpload(services, tenant, id)
  return isDone ? { kind: 'done', site: services.site } : planOf(services, upload, asked)
}

export async function planOf(services: Services, upload: UploadBody, asked: PartsAsked = {}): Promise<UploadPlan> {
  const { site } = upload
  if (upload.state !== 'open') return { kind: 'done', site }
  if (upload.kind === 'import')
    throw new CatamaranError('conflict', 'The bytes of this asset are fetched from elsewhere.')
  const expiresAtMs = services.clock.now() + presignMs
  if (upload.kind !== 'multipart') {
    const request = await services.objects.presign(upload.objectKey, { method: 'PUT', expiresAtMs })
    return { kind: 'single', site, request }
  }
  const multipart = multipartOf(upload)
  const { partBytes = partBytesMin, parts = 1 } = upload
  const arrived = await services.objects.listParts(multipart)
  // Where parts have checksums, nothing can be signed before they are known.
  const first = upload.partChecksums ? [] : missingParts(arrived, parts).slice(0, partsSignedDefault)
  const numbers = asked.parts ?? first
  assertPartNumbers(numbers, parts)
  assertPartSums(numbers, asked.crcs, upload.partChecksums)
  const requests = await Promise.all(
    numbers.map(async (part, index) => {
      const crc64nvme = asked.crcs?.[index]
      return { part, request: await services.objects.presignPart(multipart, part, { expiresAtMs, crc64nvme }) }
    }),
  )
  return { kind: 'multipart', site, partBytes, parts, arrived, requests }
}

export const multipartOf = ({ objectKey, uploadId = '' }: UploadBody): MultipartUpload => ({ key: objectKey, uploadId })

/** The upload at this site. Throws `not-found`, and `conflict` when it was begun at the other one. */
export async function findUpload(
  services: Services,
  tenant: string,
  id: string,
): Promise<{ asset: AssetBody; upload: UploadBody; isDone: boolean }> {
  const peer = peerOf(services.site)
  const [asset, media, own, other] = await readRecords(services, [
    assetKey(tenant, id),
    mediaKey(tenant, id),
    uploadKey(tenant, id, services.site),
    uploadKey(tenant, id, peer),
  ])
  if (!asset) throw new CatamaranError('not-found', 'There is no such asset.')
  const upload = (own ?? other)?.body as UploadBody | undefined
  if (!upload) throw new CatamaranError('not-found', 'No upload was begun for this asset.')
  if (media) return { asset: asset.body as AssetBody, upload, isDone: true }
  if (own && (own.body as UploadBody).state !== 'gone') {
    return { asset: asset.body as AssetBody, upload, isDone: upload.state !== 'open' }
  }
  if (other && (other.body as UploadBody).state === 'open') {
    throw new CatamaranError('conflict', `This upload was begun at the site ${peer} and goes on there.`, {
      current: { site: peer },
    })
  }
  throw new CatamaranError('gone', 'This upload was abandoned; create the asset again to begin another.')
}

/**
 * Takes the bytes that arrived and begins to process them. Idempotent: whatever an earlier call got done stays done.
 * Throws `conflict` when bytes are still missing.
 */
export async function acceptUpload(services: Services, tenant: string, id: string): Promise<void> {
  const { upload, isDone } = await findUpload(services, tenant, id)
  if (isDone && upload.state === 'open') return
  const complete = upload.state === 'open' ? await closeUpload(services, tenant, id, upload) : upload
  await beginProcessing(services, tenant, id, complete)
}

async function closeUpload(services: Services, tenant: string, id: string, upload: UploadBody): Promise<UploadBody> {
  const info = upload.kind === 'multipart' ? await joinParts(services, upload) : await stagedInfo(services, upload)
  const { record } = await writeRecord(services, uploadKey(tenant, id, services.site), none, (body) => {
    const present = body as UploadBody | undefined
    if (present?.state !== 'open') return body ?? null
    return { ...present, state: 'complete', etag: info.etag, bytes: info.bytes }
  })
  return record.body as UploadBody
}

async function stagedInfo(services: Services, { objectKey }: UploadBody): Promise<ObjectInfo> {
  const info = await services.objects.head(objectKey)
  if (!info)
    throw new CatamaranError('conflict', 'No bytes have arrived yet: send them first, then complete the upload.')
  return info
}

async function joinParts(services: Services, upload: UploadBody): Promise<ObjectInfo> {
  const joined = await services.objects.head(upload.objectKey)
  if (joined) return joined
  const parts = await services.objects.listParts(multipartOf(upload))
  const missing = missingParts(parts, upload.parts ?? 1)
  if (missing.length > 0) {
    const some = missing.slice(0, 20).join(', ')
    throw new CatamaranError('conflict', `${missing.length} parts are missing: ${some}`, {
      current: { missing: missing.slice(0, 1_000) },
    })
  }
  assertOnce(parts)
  return services.objects.completeMultipart(multipartOf(upload), parts)
}

/** From bytes that lie complete in staging to a job; done again after a crash, it changes nothing that is further already. */
export async function beginProcessing(
  services: Services,
  tenant: string,
  id: string,
  upload: UploadBody,
): Promise<void> {
  const { objectKey, etag = '', bytes = 0 } = upload
  if (upload.state !== 'complete') return
  const version = derivedId(services.site, objectKey, etag)
  await hearOfEarlierLife(services, uploadKey(tenant, id, services.site), [mediaKey(tenant, id)])
  const media = await writeMedia(services, tenant, id, (present) =>
    present
      ? undefined
      : {
          status: 'uploaded',
          version,
          job: processJobId(id, version),
          site: services.site,
          bytes,
          properties: {},
          renditions: [],
        },
  )
  if (media?.version !== version || media.status === 'ready' || media.status === 'failed') return
  const source = { site: services.site, key: objectKey, etag, bytes, drop: false }
  await enqueueProcess(services, tenant, { asset: id, version, source })
}

/** Ends an open upload; bytes that arrived are thrown away. Idempotent. Throws `not-found`, `conflict`. */
export async function abandonUpload(services: Services, tenant: string, id: string): Promise<void> {
  const { upload, isDone } = await findUpload(services, tenant, id)
  if (isDone) throw new CatamaranError('conflict', 'This upload was completed already.')
  await closeAbandoned(services, tenant, id, upload)
}

/** Done again for an upload that is gone already, it removes what could not be removed then, or came later. */
export async function closeAbandoned(
  services: Services,
  tenant: string,
  id: string,
  upload: UploadBody,
): Promise<void> {
  const { record } = await writeRecord(services, uploadKey(tenant, id, services.site), none, (body) => {
    const present = body as UploadBody | undefined
    const isOurs = present?.state === 'open' && present.objectKey === upload.objectKey
    if (!isOurs) return body ?? null
    const { url: _url, ...rest } = present
    return { ...rest, state: 'gone' }
  })
  const kept = record.body as UploadBody
  if (kept.objectKey === upload.objectKey && kept.state !== 'gone') return
  if (upload.uploadId) await services.objects.abortMultipart(multipartOf(upload))
  await removeStagedOf(services, { tenant, asset: id }, upload.objectKey)
}
