import type { MediaBody } from '../domain/asset.ts'
import { CatamaranError } from '../domain/errors.ts'
import type { StoredRecord } from '../domain/record.ts'
import { dashManifest, dashType } from '../playback/dash.ts'
import { hlsType, masterPlaylist, trackPlaylist } from '../playback/hls.ts'
import { streamOf, type Stream, type Track } from '../playback/stream.ts'
import { readAssetPair } from './asset-view.ts'
import { assetContent, isObjectHere } from './content.ts'
import type { Services } from './services.ts'

/** What a playback address lets its holder do: play one asset until then. */
export interface PlaybackGrant {
  readonly tenant: string
  readonly asset: string
  /** Milliseconds since 1970. */
  readonly expiresAtMs: number
}

export type PlaybackFile =
  | { readonly kind: 'manifest'; readonly mediaType: string; readonly text: string }
  /** To the bytes of a track, which are read in ranges. */
  | { readonly kind: 'redirect'; readonly url: string }

interface Playing {
  readonly stream: Stream
  readonly record: StoredRecord
}

/**
 * The adaptive stream of an asset. Throws `not-found` when there is none, and `conflict` while it may still come.
 */
export async function playingOf(services: Services, tenant: string, id: string): Promise<Playing> {
  const { asset, media: record } = await readAssetPair(services, tenant, id)
  if (!asset) throw new CatamaranError('not-found', 'There is no such asset.')
  const media = record?.body as MediaBody | undefined
  const stream = media && streamOf(media)
  if (record && stream) return { stream, record }
  const status = media?.status ?? 'awaiting-upload'
  if (status === 'ready' || status === 'failed') {
    throw new CatamaranError('not-found', 'This asset has nothing that can be streamed.')
  }
  throw new CatamaranError('conflict', `There is nothing to play yet: the asset is ${status}.`, {
    current: { status },
    retryAfterMs: 2_000,
  })
}

/**
 * `hls.m3u8`, `dash.mpd`, `<track>.m3u8` of each track, or the track itself. Manifests are written from the media record, so
 * that they are there as soon as it is; the tracks in them lead straight to this site's edge, or, while their bytes are at
 * the peer, back here. Throws `not-found`.
 */
export async function playbackFile(services: Services, grant: PlaybackGrant, file: string): Promise<PlaybackFile> {
  const { tenant, asset } = grant
  const dot = file.lastIndexOf('.')
  const [name, extension] = [file.slice(0, dot), file.slice(dot)]
  const { stream, record } = await playingOf(services, tenant, asset)
  const tracks = [...stream.pictures, ...(stream.sound ? [stream.sound] : [])]
  if (file === 'hls.m3u8') return { kind: 'manifest', mediaType: hlsType, text: masterPlaylist(stream) }
  if (file === 'dash.mpd') {
    const urls = new Map<Track, string>()
    await Promise.all(tracks.map(async (each) => urls.set(each, await trackUrl(services, grant, record, each))))
    return { kind: 'manifest', mediaType: dashType, text: dashManifest(stream, (each) => urls.get(each) ?? '') }
  }
  const track = tracks.find(({ rendition }) => rendition.name === name)
  if (track && extension === '.m3u8') {
    const text = trackPlaylist(track.index, await trackUrl(services, grant, record, track))
    return { kind: 'manifest', mediaType: hlsType, text }
  }
  if (track && file === fileOf(track)) {
    return { kind: 'redirect', url: (await assetContent(services, tenant, asset, { rendition: name })).url }
  }
  throw new CatamaranError('not-found', 'This asset has no such file to play.')
}

const fileOf = ({ rendition: { name, mediaType } }: Track): string =>
  `${name}${mediaType === 'audio/mp4' ? '.m4a' : '.mp4'}`

async function trackUrl(
  services: Services,
  { expiresAtMs }: PlaybackGrant,
  record: StoredRecord,
  track: Track,
): Promise<string> {
  const { objectKey, mediaType } = track.rendition
  if (!(await isObjectHere(services, record, objectKey))) return fileOf(track)
  return services.delivery.signedUrl(objectKey, { expiresAtMs, mediaType, disposition: 'inline' })
}
