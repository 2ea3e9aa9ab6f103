import type { AssetBody, MediaBody, RenditionBody } from '../domain/asset.ts'
import { contentDisposition } from '../domain/disposition.ts'
import { CatamaranError } from '../domain/errors.ts'
import type { StoredRecord } from '../domain/record.ts'
import type { ByteRange } from '../ports/object-store.ts'
import { readAssetPair } from './asset-view.ts'
import { isOfThisLife } from './own-life.ts'
import type { Services } from './services.ts'

const signedMs = 3_600_000

export interface ContentRequest {
  /** Without it, the original. */
  readonly rendition?: string
}

export interface ContentInfo {
  readonly objectKey: string
  readonly mediaType: string
  readonly bytes: number
  readonly sha256: string
  /** Strong: the digest of the bytes. */
  readonly etag: string
  /** Originals are attachments: they are what somebody sent. Renditions are what this system made. */
  readonly disposition: string
}

/** Where the bytes are. `at-peer`: they have not come here yet; the URL leads to the peer's store. */
export type ContentPlace =
  | { readonly kind: 'redirect'; readonly url: string; readonly etag: string; readonly info: ContentInfo }
  | { readonly kind: 'at-peer'; readonly url: string; readonly etag: string; readonly info: ContentInfo }

export type OpenedContent =
  | {
      readonly kind: 'here'
      readonly info: ContentInfo
      readonly range?: ByteRange
      readonly body: ReadableStream<Uint8Array>
    }
  | { readonly kind: 'at-peer'; readonly url: string; readonly etag: string; readonly info: ContentInfo }

/**
 * A URL from which to read an asset's bytes or one of its renditions, for about an hour. Throws `not-found`, `conflict`
 * while there are no verified bytes yet, and `peer-unavailable` when only the peer has them and cannot be reached.
 */
export async function assetContent(
  services: Services,
  tenant: string,
  id: string,
  request: ContentRequest = {},
): Promise<ContentPlace> {
  const { info, record } = await contentInfo(services, tenant, id, request)
  return placeOf(services, info, await isObjectHere(services, record, info.objectKey))
}

/** How to read bytes that are here, or else at the peer. Throws like assetContent. */
export async function placeOf(services: Services, info: ContentInfo, isHere: boolean): Promise<ContentPlace> {
  const { objectKey, mediaType, disposition, etag } = info
  if (!isHere) return atPeer(services, info)
  const expiresAtMs = services.clock.now() + signedMs
  const url = await services.delivery.signedUrl(objectKey, { expiresAtMs, mediaType, disposition })
  return { kind: 'redirect', url, etag, info }
}

/** Whether this site's store has an object that this media record names. */
export async function isObjectHere(services: Services, media: StoredRecord, objectKey: string): Promise<boolean> {
  // What a rebuilt site made in an earlier life may be at the peer alone until it was copied back.
  const isOwn = (media.body as MediaBody).site === services.site && isOfThisLife(services, media)
  return isOwn || (await services.objects.head(objectKey)) !== undefined
}

/** The bytes themselves, or a range of them (`range-not-satisfiable`). Otherwise like assetContent. */
export async function openContent(
  services: Services,
  tenant: string,
  id: string,
  { range, ...request }: ContentRequest & { readonly range?: ByteRange } = {},
): Promise<OpenedContent> {
  const { info } = await contentInfo(services, tenant, id, request)
  const found = await services.objects.get(info.objectKey, range)
  if (!found) return atPeer(services, info)
  return { kind: 'here', info, ...(found.range ? { range: found.range } : {}), body: found.stream }
}

async function atPeer(
  services: Services,
  info: ContentInfo,
): Promise<{ kind: 'at-peer'; url: string; etag: string; info: ContentInfo }> {
  const { objectKey, mediaType, disposition } = info
  const [grant] = await services.peer.grantRead([objectKey], { mediaType, disposition })
  if (grant) return { kind: 'at-peer', url: grant.url, etag: info.etag, info }
  throw new CatamaranError('unavailable', 'The bytes are on their way from the other site; try again soon.', {
    retryAfterMs: 5_000,
  })
}

/** What is known of the bytes without touching them. */
export async function contentInfo(
  services: Services,
  tenant: string,
  id: string,
  { rendition }: ContentRequest = {},
): Promise<{ info: ContentInfo; record: StoredRecord }> {
  const { asset, media: mediaRecord } = await readAssetPair(services, tenant, id)
  if (!asset) throw new CatamaranError('not-found', 'There is no such asset.')
  const media = mediaRecord?.body as MediaBody | undefined
  const file = fileNameOf(asset.body as AssetBody, id)
  const info = rendition === undefined ? originalOf(media, file) : renditionOf(media, file, rendition)
  if (info && mediaRecord) return { info, record: mediaRecord }
  if (rendition !== undefined && (media?.status === 'ready' || media?.status === 'failed')) {
    throw new CatamaranError('not-found', 'This asset has no such rendition.')
  }
  const status = media?.status ?? 'awaiting-upload'
  throw new CatamaranError('conflict', `There are no bytes to read yet: the asset is ${status}.`, {
    current: { status },
    ...(status === 'failed' ? {} : { retryAfterMs: 2_000 }),
  })
}

export const fileNameOf = ({ name }: AssetBody, id: string): string => name.slice(name.lastIndexOf('/') + 1) || id

function originalOf(media: MediaBody | undefined, file: string): ContentInfo | undefined {
  if (!media?.objectKey || !media.sha256) return undefined
  const { objectKey, sha256, mediaType = 'application/octet-stream', bytes = 0 } = media
  const disposition = contentDisposition('attachment', file)
  return { objectKey, mediaType, bytes, sha256, etag: `"${sha256}"`, disposition }
}

function renditionOf(media: MediaBody | undefined, file: string, name: string): ContentInfo | undefined {
  const found = media?.renditions.find((each) => each.name === name)
  return found && renditionInfo(found, file, name)
}

/** What is told of bytes that this system made of the file of that name. */
export function renditionInfo(
  { objectKey, sha256, mediaType, bytes }: Pick<RenditionBody, 'objectKey' | 'sha256' | 'mediaType' | 'bytes'>,
  file: string,
  name: string,
): ContentInfo {
  const stem = file.replace(/\.[^.]{1,8}$/, '')
  const disposition = contentDisposition('inline', `${stem}-${name}${extensionOf(mediaType)}`)
  return { objectKey, mediaType, bytes, sha256, etag: `"${sha256}"`, disposition }
}

const extensions: Readonly<Record<string, string>> = {
  'image/avif': '.avif',
  'image/gif': '.gif',
  'image/jpeg': '.jpg',
  'image/png': '.png',
  'image/webp': '.webp',
  'video/mp4': '.mp4',
  'audio/mp4': '.m4a',
  'audio/ogg': '.ogg',
  'text/plain; charset=utf-8': '.txt',
  'text/vtt': '.vtt',
  'application/json': '.json',
  'application/x-ndjson': '.ndjson',
  'application/vnd.apache.parquet': '.parquet',
  'image/svg+xml': '.svg',
}
const extensionOf = (mediaType: string): string => extensions[mediaType] ?? ''
