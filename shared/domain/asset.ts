import type { JsonObject } from './json.ts'
import type { RecordKey } from './record.ts'
import type { PackedSegments } from './segments.ts'
import type { Site } from './site.ts'

/**
 * An asset is two records, so that a person's edit and a machine's result never conflict:
 * `assets/<id>` holds what people say, `_media/<id>` what machines found. `_uploads/<id>-<site>` holds how the bytes come
 * in at one site; since every site has its own, those cannot conflict either.
 */
export const assetKey = (tenant: string, id: string): RecordKey => ({ tenant, collection: 'assets', id })
export const mediaKey = (tenant: string, id: string): RecordKey => ({ tenant, collection: '_media', id })
export const uploadKey = (tenant: string, id: string, site: Site): RecordKey => ({
  tenant,
  collection: '_uploads',
  id: `${id}-${site}`,
})
export const jobKey = (tenant: string, id: string): RecordKey => ({ tenant, collection: '_jobs', id })

/** Made at one site on request; the other has its own, so the two cannot conflict. */
export const variantsKey = (tenant: string, id: string, site: Site): RecordKey => ({
  tenant,
  collection: '_variants',
  id: `${id}-${site}`,
})

/** The collection that holds the rows of a data file. */
export const rowsCollection = (assetId: string): string => `data-${assetId}`

export type AssetStatus = 'awaiting-upload' | 'uploaded' | 'processing' | 'ready' | 'failed'

/** What people say. Holds no time and no chance: the same request makes the same body at both sites. */
export type AssetBody = {
  name: string
  mediaType: string
  bytes?: number
  /** Lower-case hex. */
  sha256?: string
  labels: { [name: string]: string }
  source: { kind: 'upload' | 'inline' | 'drop' | 'import' | 'export'; path?: string }
}

export type Failure = { code: string; detail: string }

export type RenditionBody = {
  name: string
  /** The recipe's version. */
  version: number
  objectKey: string
  mediaType: string
  bytes: number
  sha256: string
  crc64nvme: string
  properties: JsonObject
  /** A track of an adaptive stream: playlists are written from this when they are asked for. */
  segments?: PackedSegments
}

/** What machines found. While `uploaded`, the object and renditions are still those of the version before, if any. */
export type MediaBody = {
  status: 'uploaded' | 'processing' | 'ready' | 'failed'
  /** Names the source bytes: another upload, another version. */
  version: string
  job: string
  /** The site that wrote this, and so holds every object named here. */
  site: Site
  mediaType?: string
  kind?: string
  bytes?: number
  sha256?: string
  crc64nvme?: string
  objectKey?: string
  properties: JsonObject
  renditions: RenditionBody[]
  rows?: { collection: string; count: number; errors: number }
  error?: Failure
  /** The trace of the request that brought this version: 32 hex characters. */
  trace?: string
  /** Names type and recipes. Of equal bytes with an equal print the same was made; without one, nothing is shared. */
  print?: string
}

/** Why a job failed: `detail` is for operators; the owner of the asset reads `publicDetail` where it differs. */
export type JobFault = Failure & { publicDetail?: string }

/** The images that one site made of an asset because somebody asked for them, in the order in which it made them. */
export type VariantsBody = { asset: string; site: Site; variants: VariantBody[] }

export type VariantBody = {
  /** Names the source bytes and the recipe's options. */
  id: string
  /** The SHA-256 of the original that it was made of. */
  source: string
} & (
  | { mediaType: string; bytes: number; sha256: string; crc64nvme: string; properties: JsonObject }
  /** It cannot be made: nobody needs to try again. */
  | { error: Failure }
)

/** How bytes come in at one site. */
export type UploadBody = {
  kind: 'single' | 'multipart' | 'inline' | 'drop' | 'import'
  site: Site
  objectKey: string
  /** `open`: bytes may arrive; `complete`: they have; `gone`: abandoned, or the dropped file was removed. */
  state: 'open' | 'complete' | 'gone'
  expiresAtMs: number
  uploadId?: string
  partBytes?: number
  parts?: number
  /** Every part is signed with the CRC that its client says it has. */
  partChecksums?: 'crc64nvme'
  etag?: string
  bytes?: number
  /** Of an import that goes on: where the file is fetched from, and what its server said of it. */
  url?: string
  remote?: { etag?: string; bytes?: number }
}

export type JobBody = {
  kind: 'process' | 'film-part'
  /** Of a job that makes one part of a long film. */
  part?: FilmPartBody
  /** It ended, and its film was made in parts, which may have left something staged. */
  isFilm?: boolean
  asset: string
  version: string
  source: { site: Site; key: string; etag: string; bytes: number; drop: boolean }
  state: 'waiting' | 'running' | 'done' | 'failed'
  /** Who works on it, or shall. */
  site: Site
  /** Names the one run that holds the lease. */
  holder?: string
  /** Running: the lease's end. Waiting: not to be begun before. */
  leaseUntilMs: number
  attempts: number
  /** 0 to 1 */
  progress: number
  checkpoint?: JsonObject
  error?: JobFault
  /** The trace of the request that it began with, for whichever run takes it up. */
  trace?: string
}

export type FilmPartBody = {
  /** The job of the film, and the digest of the plan that this is a part of. */
  film: string
  plan: string
  index: number
  /** What was made, staged at the job's site until the film is joined. */
  files?: StagedFile[]
}

export type StagedFile = {
  name: string
  key: string
  mediaType: string
  bytes: number
  sha256: string
  properties: JsonObject
}

/** Immutable bytes, named by their digest: doing a job twice writes the same key. */
export const objectKeyOf = (tenant: string, assetId: string, sha256: string): string =>
  `objects/${tenant}/${assetId}/${sha256}`

/** The digest in an object's key, lower-case hex. */
export const digestOfKey = (objectKey: string): string => objectKey.slice(objectKey.lastIndexOf('/') + 1)

/** Every object that a media body names. */
export const objectKeysOf = (media: MediaBody): string[] => [
  ...new Set([...(media.objectKey ? [media.objectKey] : []), ...media.renditions.map((each) => each.objectKey)]),
]
