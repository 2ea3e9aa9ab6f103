import {
  assetKey,
  jobKey,
  mediaKey,
  objectKeysOf,
  type AssetBody,
  type AssetStatus,
  type Failure,
  type JobBody,
  type MediaBody,
} from '../domain/asset.ts'
import { derivedId, sha256Base64Url } from '../domain/hash.ts'
import type { JsonObject } from '../domain/json.ts'
import type { StoredRecord } from '../domain/record.ts'
import { stampMs } from '../domain/stamp.ts'
import { joinVectors, type Vector, vectorText } from '../replication/vector.ts'
import { analysesOf, analysisViewOf, type AnalysisView } from './asset-analysis.ts'
import { type ReadOptions, readRecords } from './record-reads.ts'
import type { Services } from './services.ts'

export interface RenditionView {
  readonly name: string
  readonly mediaType: string
  readonly bytes: number
  readonly sha256: string
  readonly properties: JsonObject
}

/** An asset as its readers see it: what people say and what machines found, joined. */
export interface AssetView {
  readonly id: string
  readonly name: string
  readonly status: AssetStatus
  readonly source: AssetBody['source']
  /** The true type once it is known, until then the declared one. */
  readonly mediaType: string
  /** image, video, audio, data, document or other, once known. */
  readonly kind?: string
  readonly bytes?: number
  readonly sha256?: string
  readonly labels: Readonly<Record<string, string>>
  readonly properties: JsonObject
  /** What a service saw in the picture, where a site has one. */
  readonly analysis?: AnalysisView
  readonly renditions: readonly RenditionView[]
  /** The rows of a data file: records of this collection. */
  readonly rows?: { readonly collection: string; readonly count: number; readonly errors: number }
  /** 0 to 1, while processing. */
  readonly progress?: number
  readonly error?: Failure
  /** Milliseconds since 1970. */
  readonly createdMs: number
  readonly updatedMs: number
  readonly createdAt: string
  readonly updatedAt: string
  readonly etag: string
  /** What a session has seen once it has seen this view: the newest stamps of both records; an analysis may still come. */
  readonly vector: Vector
  readonly deleted: boolean
  /** Whether every object of this asset is at this site; if not, content comes from the peer. */
  readonly bytesHere: boolean
}

/** Strong, the same at both sites, and changed by an edit as well as by a machine's result. */
export async function assetEtag(
  services: Services,
  asset: StoredRecord,
  media: StoredRecord | undefined,
): Promise<string> {
  const [analysis] = await analysesOf(services, [media])
  return etagOf(asset, media, analysis)
}

function etagOf(...[asset, media, analysis]: [StoredRecord, ...(StoredRecord | undefined)[]]): string {
  const seen = [vectorText(asset.vector), media ? vectorText(media.vector) : '']
  if (analysis) seen.push(vectorText(analysis.vector))
  return `"${sha256Base64Url(seen.join(' ')).slice(0, 22)}"`
}

/** Site-local marks: the objects of an asset, as its media names them, are all here. */
export const herePartition = 'here'
export const hereId = (tenant: string, asset: string): string => `${tenant}/${asset}`
export const hereDigest = (media: MediaBody): string => derivedId(...objectKeysOf(media).sort())

export async function areBytesHere(
  services: Services,
  tenant: string,
  asset: string,
  media: MediaBody,
): Promise<boolean> {
  if (media.site === services.site || objectKeysOf(media).length === 0) return true
  const mark = await services.siteStore.get(herePartition, hereId(tenant, asset))
  return mark?.value['digest'] === hereDigest(media)
}

/** Views of asset records, up to 100, in their order. A deleted record is shown with `lastBody`, its last live state. */
export async function viewsOf(
  services: Services,
  assets: readonly { readonly record: StoredRecord; readonly lastBody?: AssetBody | undefined }[],
  options: ReadOptions = {},
): Promise<AssetView[]> {
  const media = await readRecords(
    services,
    assets.map(({ record }) => mediaKey(record.key.tenant, record.key.id)),
    options,
  )
  const analyses = await analysesOf(services, media)
  return Promise.all(
    assets.map(({ record, lastBody }, index) =>
      viewOf(services, record, { media: media[index], analysis: analyses[index], lastBody }),
    ),
  )
}

async function viewOf(
  services: Services,
  record: StoredRecord,
  found: {
    readonly media: StoredRecord | undefined
    readonly analysis: StoredRecord | undefined
    readonly lastBody: AssetBody | undefined
  },
): Promise<AssetView> {
  const { media: mediaRecord, analysis, lastBody } = found
  const { tenant, id } = record.key
  const media = mediaRecord?.body as MediaBody | undefined
  const body = (record.body as AssetBody | null) ?? lastBody
  const [bytesHere, progress] = await Promise.all([
    media ? areBytesHere(services, tenant, id, media) : false,
    media ? progressOf(services, tenant, media) : undefined,
  ])
  const updatedMs = Math.max(...[record, mediaRecord, analysis].map((each) => (each ? stampMs(each.stamp) : 0)))
  const size = media?.bytes ?? body?.bytes
  const sha256 = media?.sha256 ?? body?.sha256
  return {
    id,
    name: body?.name ?? id,
    status: media?.status ?? 'awaiting-upload',
    source: body?.source ?? { kind: 'upload' },
    mediaType: media?.mediaType ?? body?.mediaType ?? 'application/octet-stream',
    ...(media?.kind === undefined ? {} : { kind: media.kind }),
    ...(size === undefined ? {} : { bytes: size }),
    ...(sha256 === undefined ? {} : { sha256 }),
    labels: body?.labels ?? {},
    properties: media?.properties ?? {},
    ...(analysis === undefined ? {} : { analysis: analysisViewOf(analysis) }),
    renditions: (media?.renditions ?? []).map(({ name, mediaType, bytes, sha256: digest, properties }) => ({
      name,
      mediaType,
      bytes,
      sha256: digest,
      properties,
    })),
    ...(media?.rows === undefined ? {} : { rows: media.rows }),
    ...(progress === undefined ? {} : { progress }),
    ...(media?.error === undefined ? {} : { error: media.error }),
    createdMs: record.createdMs,
    updatedMs,
    createdAt: new Date(record.createdMs).toISOString(),
    updatedAt: new Date(updatedMs).toISOString(),
    etag: etagOf(record, mediaRecord, analysis),
    vector: mediaRecord ? joinVectors(record.vector, mediaRecord.vector) : record.vector,
    deleted: record.deleted,
    bytesHere,
  }
}

async function progressOf(services: Services, tenant: string, media: MediaBody): Promise<number | undefined> {
  if (media.status !== 'processing') return undefined
  const [job] = await readRecords(services, [jobKey(tenant, media.job)])
  return (job?.body as JobBody | undefined)?.progress ?? 0
}

/** An asset record and its media in one read; undefined when there is none. */
export async function readAssetPair(
  services: Services,
  tenant: string,
  id: string,
): Promise<{ asset: StoredRecord | undefined; media: StoredRecord | undefined }> {
  const [asset, media] = await readRecords(services, [assetKey(tenant, id), mediaKey(tenant, id)])
  return { asset, media }
}
