import type { AssetBody, MediaBody, RenditionBody } from '../domain/asset.ts'
import { CatamaranError } from '../domain/errors.ts'
import type { StoredRecord } from '../domain/record.ts'
import { dashManifest, dashType } from '../playback/dash.ts'
import { captionPlaylist, hlsType, masterPlaylist, trackPlaylist } from '../playback/hls.ts'
import { streamOf, type Stream } from '../playback/stream.ts'
import { thumbnailTrack } from '../playback/thumbnail-track.ts'
import { readAssetPair } from './asset-view.ts'
import { assetContent, isObjectHere } from './content.ts'
import type { Services } from './services.ts'
import { sidecarCaptions, subtitleRendition, type Sidecar } from './sidecar-captions.ts'

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
  /** Captions of the stream that are assets of their own, by the names that they have in it. */
  readonly sidecars: ReadonlyMap<string, Sidecar>
  /** Thumbnails on one sheet. */
  readonly sprite: RenditionBody | undefined
}

/** The adaptive stream of an asset. Throws `not-found` when there is none, and `conflict` while it may still come. */
export async function playingOf(services: Services, tenant: string, id: string): Promise<Playing> {
  const { asset, media: record } = await readAssetPair(services, tenant, id)
  if (!asset) throw new CatamaranError('not-found', 'There is no such asset.')
  const media = record?.body as MediaBody | undefined
  const stream = media && streamOf(media)
  if (record && stream) {
    const found = await sidecarCaptions(services, tenant, asset.body as AssetBody)
    const sidecars = new Map(found.map((each) => [each.caption.rendition.name, each]))
    // What was uploaded for the film goes before what was in it.
    const own = stream.captions.filter(({ rendition }) => !sidecars.has(rendition.name))
    const captions = [...own, ...found.map(({ caption }) => caption)]
    const sprite = media.renditions.find(({ name }) => name === 'sprite')
    return { stream: { ...stream, captions }, record, sidecars, sprite }
  }
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
 * `hls.m3u8`, `dash.mpd`, `thumbnails.vtt`, `<track>.m3u8` of each track, or the track itself. Manifests are written from
 * the media record, so that they are there as soon as it is; the tracks in them lead straight to this site's edge, or, while
 * their bytes are at the peer, back here. Throws `not-found`.
 */
export async function playbackFile(services: Services, grant: PlaybackGrant, file: string): Promise<PlaybackFile> {
  const playing = await playingOf(services, grant.tenant, grant.asset)
  const manifest = await manifestOf(services, grant, playing, file)
  if (manifest) return { kind: 'manifest', ...manifest }
  const found = renditionsOf(playing).find((rendition) => fileOf(rendition) === file)
  if (!found) throw new CatamaranError('not-found', 'This asset has no such file to play.')
  const sidecar = playing.sidecars.get(found.name)
  const [asset, rendition] = sidecar ? [sidecar.asset, subtitleRendition] : [grant.asset, found.name]
  const { url } = await assetContent(services, grant.tenant, asset, { rendition })
  return { kind: 'redirect', url }
}

async function manifestOf(
  services: Services,
  grant: PlaybackGrant,
  playing: Playing,
  file: string,
): Promise<{ mediaType: string; text: string } | undefined> {
  const { stream, sprite } = playing
  const urlOf = (rendition: RenditionBody): Promise<string> => addressOf(services, grant, playing, rendition)
  if (file === 'hls.m3u8') return { mediaType: hlsType, text: masterPlaylist(stream) }
  if (file === 'dash.mpd') {
    const tracks = renditionsOf({ stream, sprite: undefined })
    const urls = new Map(await Promise.all(tracks.map(async (each) => [each.name, await urlOf(each)] as const)))
    const text = dashManifest(stream, ({ rendition }) => urls.get(rendition.name) ?? '')
    return { mediaType: dashType, text }
  }
  if (file === 'thumbnails.vtt' && sprite) {
    return { mediaType: 'text/vtt', text: thumbnailTrack(sprite, await urlOf(sprite), stream.seconds * 1000) }
  }
  const name = /^(.+)\.m3u8$/.exec(file)?.[1]
  const track = tracksOf(stream).find(({ rendition }) => rendition.name === name)
  if (track) return { mediaType: hlsType, text: trackPlaylist(track.index, await urlOf(track.rendition)) }
  const caption = stream.captions.find(({ rendition }) => rendition.name === name)
  if (caption) return { mediaType: hlsType, text: captionPlaylist(stream.seconds, await urlOf(caption.rendition)) }
  return undefined
}

const tracksOf = ({ pictures, sound }: Stream) => [...pictures, ...(sound ? [sound] : [])]

const renditionsOf = ({ stream, sprite }: Pick<Playing, 'stream' | 'sprite'>): RenditionBody[] => [
  ...[...tracksOf(stream), ...stream.captions].map(({ rendition }) => rendition),
  ...(sprite ? [sprite] : []),
]

const extensions: Readonly<Record<string, string>> = {
  'video/mp4': '.mp4',
  'audio/mp4': '.m4a',
  'text/vtt': '.vtt',
  'image/jpeg': '.jpg',
}

const fileOf = ({ name, mediaType }: RenditionBody): string => `${name}${extensions[mediaType] ?? ''}`

async function addressOf(
  services: Services,
  { expiresAtMs }: PlaybackGrant,
  { record, sidecars }: Playing,
  rendition: RenditionBody,
): Promise<string> {
  const { objectKey, mediaType } = rendition
  const named = sidecars.get(rendition.name)?.record ?? record
  if (!(await isObjectHere(services, named, objectKey))) return fileOf(rendition)
  return services.delivery.signedUrl(objectKey, { expiresAtMs, mediaType, disposition: 'inline' })
}
