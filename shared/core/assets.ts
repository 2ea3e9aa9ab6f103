import { assetKey, mediaKey, uploadKey, type AssetBody, type MediaBody } from '../domain/asset.ts'
import { CatamaranError } from '../domain/errors.ts'
import { base32, sha256Hex } from '../domain/hash.ts'
import { jsonEqual, type JsonObject } from '../domain/json.ts'
import { parseAssetId } from '../domain/names.ts'
import type { StoredRecord } from '../domain/record.ts'
import type { Vector } from '../replication/vector.ts'
import { assetEtag, viewsOf, type AssetView } from './asset-view.ts'
import { assetBodyOf, patchedBody, type NewAsset } from './asset-write.ts'
import { resumeProcessing } from './job-store.ts'
import { readRecord } from './record-reads.ts'
import { lastLiveVersion, writeRecord, type Idempotency, type WriteOptions, type Written } from './records.ts'
import type { Services } from './services.ts'
import { partSizes } from './upload-parts.ts'
import { acceptUpload, beginProcessing, ensureUpload, planOf, type UploadPlan, type UploadWish } from './uploads.ts'

export { listAssets } from './asset-list.ts'

/** The most bytes of an asset that comes in a request's body. */
export const inlineBytesMax = 4 * 2 ** 20

export interface Created {
  readonly asset: AssetView
  readonly created: boolean
  readonly replayed: boolean
  /** Whether the peer holds the asset's record, as far as it was asked. */
  readonly durability: 'local' | 'both'
}

/** An asset after a write of its record. */
export type WrittenAsset = AssetView & Pick<Written, 'replayed' | 'durability'>

/**
 * Creates an asset and begins its upload at this site. With `idempotency` a second call finds the first one's asset and
 * upload; at the other site it begins an upload of the same asset there.
 * Throws `invalid-request`, `invalid-name`, `too-large`, `already-exists`, `idempotency-key-reused`, `gone`.
 */
export async function createAsset(
  services: Services,
  tenant: string,
  input: NewAsset & UploadWish,
  idempotency?: Idempotency,
  durability?: 'local' | 'both',
): Promise<Created & { readonly upload: UploadPlan }> {
  const body = assetBodyOf(input, { kind: 'upload' }, input.upload)
  if (input.upload === 'multipart') partSizes(services, body.bytes, input.partBytes)
  const written = await writeNew(services, tenant, { id: input.id, body }, { idempotency, durability })
  const { id } = written.record.key
  const media = (await readRecord(services, mediaKey(tenant, id)))?.body as MediaBody | undefined
  const upload = media
    ? ({ kind: 'done', site: media.site } as const)
    : await planOf(services, await ensureUpload(services, tenant, id, body, input))
  return { ...(await createdOf(services, written)), upload }
}

/**
 * Creates an asset from bytes that came in the request: staged, then on the way of every upload. Its durability is `local`,
 * since the bytes are at this site alone until they were processed and copied.
 */
export async function createAssetFromBytes(
  services: Services,
  tenant: string,
  input: NewAsset,
  bytes: Uint8Array,
  idempotency?: Idempotency,
): Promise<Created> {
  if (bytes.byteLength === 0) throw new CatamaranError('invalid-request', 'The body holds no bytes.')
  if (bytes.byteLength > inlineBytesMax) {
    throw new CatamaranError('too-large', `A body holds at most ${inlineBytesMax} bytes; begin an upload instead.`)
  }
  const sha256 = sha256Hex(bytes)
  const declared = { ...input, bytes: input.bytes ?? bytes.byteLength, sha256: input.sha256 ?? sha256 }
  const body = assetBodyOf(declared, { kind: 'inline' }, 'single')
  if (body.sha256 !== sha256 || body.bytes !== bytes.byteLength) {
    throw new CatamaranError('invalid-request', 'The body is not what was declared: its size or SHA-256 differs.')
  }
  const written = await writeNew(services, tenant, { id: input.id, body }, { idempotency })
  const { id } = written.record.key
  if (!(await readRecord(services, mediaKey(tenant, id))))
    await stageBytes(services, tenant, id, { body, bytes, sha256 })
  return createdOf(services, written)
}

async function stageBytes(
  services: Services,
  tenant: string,
  id: string,
  { body, bytes, sha256 }: { readonly body: AssetBody; readonly bytes: Uint8Array; readonly sha256: string },
): Promise<void> {
  const objectKey = `uploads/${tenant}/${id}/${sha256.slice(0, 20)}`
  await services.objects.put(objectKey, bytes, { mediaType: body.mediaType, bytes: bytes.byteLength, ifAbsent: true })
  const staged = await services.objects.head(objectKey)
  if (!staged) throw new CatamaranError('unavailable', 'The bytes were stored but cannot be found; try again.')
  const upload = {
    kind: 'inline',
    site: services.site,
    objectKey,
    state: 'complete',
    expiresAtMs: 0,
    etag: staged.etag,
    bytes: staged.bytes,
  } as const
  await writeRecord(services, uploadKey(tenant, id, services.site), { precondition: { kind: 'none' } }, (present) =>
    present && jsonEqual(present, upload) ? present : upload,
  )
  await beginProcessing(services, tenant, id, upload)
}

export async function writeNew(
  services: Services,
  tenant: string,
  { id: given, body }: { readonly id: string | undefined; readonly body: AssetBody },
  options: Omit<WriteOptions, 'precondition'>,
): Promise<Written> {
  const id = given === undefined ? base32(services.random.bytes(16)) : parseAssetId(given)
  const written = await writeRecord(
    services,
    assetKey(tenant, id),
    { ...options, precondition: { kind: 'absent' } },
    () => body,
  )
  assertLive(written)
  return written
}

function assertLive({ record }: Written): void {
  if (record.deleted) throw new CatamaranError('gone', 'The request was honoured before; the asset was deleted since.')
}

export async function createdOf(services: Services, written: Written): Promise<Created> {
  const { replayed, durability, ...asset } = await writtenOf(services, written)
  return { asset, created: written.created, replayed, durability }
}

/** The asset as this write left it. Throws `gone` when the write is an old one and the asset was deleted since. */
async function writtenOf(services: Services, written: Written): Promise<WrittenAsset> {
  assertLive(written)
  const { record, replayed, durability } = written
  const [view] = await viewsOf(services, [{ record }])
  if (!view) throw noSuchAsset()
  return { ...view, replayed, durability }
}

const noSuchAsset = (): CatamaranError => new CatamaranError('not-found', 'There is no such asset.')

async function needAsset(services: Services, tenant: string, id: string): Promise<AssetView> {
  const view = await getAsset(services, tenant, id)
  if (!view) throw noSuchAsset()
  return view
}

/** Undefined when it is absent or deleted. Throws `peer-unavailable` when only the peer may know what the session saw. */
export async function getAsset(
  services: Services,
  tenant: string,
  id: string,
  { session }: { readonly session?: Vector | undefined } = {},
): Promise<AssetView | undefined> {
  const record = await readRecord(services, assetKey(tenant, id), { session })
  if (!record) return undefined
  const [view] = await viewsOf(services, [{ record }], { session })
  return view
}

/** The client says that all bytes were sent. Idempotent. Throws `not-found`, `conflict` (bytes missing), `gone`. */
export async function completeUpload(services: Services, tenant: string, id: string): Promise<AssetView> {
  await acceptUpload(services, tenant, id)
  return needAsset(services, tenant, id)
}

/** For If-Match: the asset's ETag covers what machines found as well. */
const withEtag = (services: Services, options: WriteOptions): WriteOptions => ({
  ...options,
  etagOf: async (record: StoredRecord) => {
    const { tenant, id } = record.key
    return assetEtag(services, record, await readRecord(services, mediaKey(tenant, id)))
  },
})

/** RFC 7396 on `name` and `labels`. Throws `not-found`, `gone`, `precondition-failed`, `invalid-request`, `invalid-name`. */
export async function patchAsset(
  services: Services,
  tenant: string,
  id: string,
  patch: JsonObject,
  options: WriteOptions,
): Promise<WrittenAsset> {
  const written = await writeRecord(services, assetKey(tenant, id), withEtag(services, options), (body) => {
    if (!body) throw noSuchAsset()
    const next = patchedBody(body as AssetBody, patch)
    return jsonEqual(body, next) ? body : next
  })
  return writtenOf(services, written)
}

/** Hides the asset; its bytes and media stay. Throws `not-found`, `precondition-failed`. */
export async function deleteAsset(
  services: Services,
  tenant: string,
  id: string,
  options: WriteOptions,
): Promise<Written> {
  return writeRecord(services, assetKey(tenant, id), withEtag(services, options), () => null)
}

/** Brings a deleted asset back as it was. On one that is there it changes nothing. Throws `not-found`, `gone`. */
export async function restoreAsset(
  services: Services,
  tenant: string,
  id: string,
  options: WriteOptions,
): Promise<WrittenAsset> {
  const key = assetKey(tenant, id)
  const last = (await readRecord(services, key)) ?? (await lastLiveVersion(services, key))
  if (!last?.body) throw noSuchAsset()
  const { body: lastBody } = last
  const written = await writeRecord(services, key, withEtag(services, options), (body) => body ?? lastBody)
  await resumeProcessing(services, tenant, id)
  return writtenOf(services, written)
}
