import type { MediaBody, RenditionBody } from '../domain/asset.ts'
import { unpackSegments, type SegmentIndex } from '../domain/segments.ts'

export interface Track {
  readonly rendition: RenditionBody
  readonly index: SegmentIndex
  /** RFC 6381. */
  readonly codec: string
  readonly bitsPerSecond: number
  readonly bitsPerSecondPeak: number
}

export interface PictureTrack extends Track {
  readonly width: number
  readonly height: number
  readonly framesPerSecond: number | undefined
}

/** A track of text. */
export interface CaptionTrack {
  readonly rendition: RenditionBody
  /** ISO 639, as the source told; `und` when it did not. */
  readonly language: string
}

/** What can be played in an adaptive way: pictures from the largest to the smallest, and their sound. */
export interface Stream {
  readonly pictures: readonly PictureTrack[]
  readonly sound: Track | undefined
  readonly captions: readonly CaptionTrack[]
  readonly seconds: number
}

/** Undefined when the asset has no such tracks. */
export function streamOf(media: MediaBody): Stream | undefined {
  const tracks = media.renditions.flatMap((rendition) => trackOf(rendition) ?? [])
  const pictures = tracks.flatMap((track) => pictureOf(track) ?? []).sort((a, b) => b.bitsPerSecond - a.bitsPerSecond)
  const [first] = pictures
  if (!first) return undefined
  const sound = tracks.find(({ rendition }) => rendition.mediaType === 'audio/mp4')
  return {
    pictures,
    sound,
    captions: captionsOf(media),
    seconds: Math.max(secondsOf(first.index), sound ? secondsOf(sound.index) : 0),
  }
}

/** What every player knows: others in a stream are for those that know them. */
export const isPlain = ({ codec }: Track): boolean => codec.startsWith('avc')

export const secondsOf = ({ segments, timescale }: SegmentIndex): number =>
  segments.reduce((ticks, each) => ticks + each.ticks, 0) / timescale

const captionsOf = ({ renditions }: MediaBody): CaptionTrack[] =>
  renditions.flatMap((rendition) => {
    const { name, mediaType, properties } = rendition
    if (mediaType !== 'text/vtt' || !name.startsWith('captions-')) return []
    return [{ rendition, language: typeof properties.language === 'string' ? properties.language : 'und' }]
  })

function trackOf(rendition: RenditionBody): Track | undefined {
  const { segments, properties } = rendition
  const { videoCodec, audioCodec, bitsPerSecond, bitsPerSecondPeak } = properties
  const codec = videoCodec ?? audioCodec
  if (!segments || typeof codec !== 'string') return undefined
  const bits = Number(bitsPerSecond)
  return {
    rendition,
    index: unpackSegments(segments),
    codec,
    bitsPerSecond: bits,
    bitsPerSecondPeak: Number(bitsPerSecondPeak ?? bits),
  }
}

function pictureOf(track: Track): PictureTrack | undefined {
  const { mediaType, properties } = track.rendition
  const { width, height, framesPerSecond } = properties
  if (mediaType !== 'video/mp4' || typeof width !== 'number' || typeof height !== 'number') return undefined
  return { ...track, width, height, framesPerSecond: typeof framesPerSecond === 'number' ? framesPerSecond : undefined }
}
