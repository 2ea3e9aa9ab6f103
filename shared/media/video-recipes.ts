import type { StreamCodec } from '../domain/stream-codecs.ts'
import type { Recipe } from '../ports/media-converter.ts'
import { segmentMsOf } from './encoding.ts'
import type { FilmDetails } from './ffmpeg-probe.ts'
import { framesPerSecondMax, rungOf, rungsFor, type Rung } from './ladder.ts'
import { remuxBytesMax } from './limits.ts'
import { spriteLayout } from './thumbnails.ts'
import type { HdrTransfer } from './tone-map.ts'
import type { Tracks, VideoTrack } from './track-probe.ts'

const version = 2
const phoneLongSideMax = 1280
const phoneShortSideMax = 720
const phoneBitsPerSecondMax = 4_000_000
const framesPerSecondUsual = 30
/** Of what H.264 may take. */
const rateShares: Readonly<Record<StreamCodec, number>> = { hevc: 2 / 3, av1: 1 / 2 }

export type FilmTracks = Tracks & { readonly video: VideoTrack }

export interface FilmFile {
  readonly bitsPerSecond: number
  readonly bytes: number
  /** Whether there is an ffmpeg to work with. */
  readonly ffmpeg: boolean
  readonly captions: FilmDetails['captions']
  /** What the adaptive stream has its rungs in besides H.264. */
  readonly codecs?: readonly StreamCodec[]
  /** Given when the film is to be brought into the range of ordinary screens. */
  readonly toneMap?: HdrTransfer
}

/** What to make of a film: an MP4 for phones, the tracks of an adaptive stream, a poster. */
export function videoRecipes(tracks: FilmTracks, file: FilmFile): Recipe[] {
  const { video, audio, durationMs } = tracks
  const framesPerSecond = video.framesPerSecond ?? framesPerSecondUsual
  const picture = { width: video.width, height: video.height, framesPerSecond }
  const toneMap = file.toneMap === undefined ? {} : { toneMap: file.toneMap }
  const copy = file.toneMap === undefined && isPhoneSafe(tracks, file.bitsPerSecond)
  const rungs = rungsFor(picture, durationMs)
  const phone = rungs.find((rung) => shortSideOf(rung) <= phoneShortSideMax) ?? rungOf(picture, phoneShortSideMax)
  const shared = {
    durationMs,
    segmentMs: segmentMsOf(durationMs),
    ...(framesPerSecond > framesPerSecondMax && { halve: true }),
    ...toneMap,
  }
  // A copy may lie on its side and say so, which players of streams do not heed.
  const isSingle = rungs.length === 1 && !(copy && video.rotation !== 0)
  const mp4: Recipe = {
    name: `video-h264-${shortSideOf(phone)}`,
    version,
    options: {
      ...phone,
      ...shared,
      audio: audio !== undefined,
      copy,
      ...(!copy && !isSingle && { from: trackName(phone) }),
    },
  }
  if (!file.ffmpeg) return copy && file.bytes <= remuxBytesMax ? [mp4] : []
  const from = isSingle ? 'mp4' : 'source'
  return [
    mp4,
    { name: 'poster', version, options: { width: phone.width, height: phone.height, durationMs, ...toneMap } },
    ...rungs.flatMap((rung): Recipe[] => [
      { name: trackName(rung), version, options: { ...rung, ...shared, from } },
      ...(isSingle ? [] : (file.codecs ?? [])).map((codec) => denserRecipe(codec, rung, { ...shared, from })),
    ]),
    ...(audio ? [{ name: 'cmaf-aac', version, options: { ...shared, from } }] : []),
    { name: 'sprite', version, options: { ...spriteLayout(phone, durationMs) } },
    { name: 'preview', version, options: { durationMs } },
    ...captionRecipes(file.captions),
  ]
}

/** After the rung of its size, which it is scaled from. */
const denserRecipe = (codec: StreamCodec, rung: Rung, shared: Recipe['options']): Recipe => ({
  name: `cmaf-${codec}-${shortSideOf(rung)}`,
  version,
  options: {
    ...rung,
    ...shared,
    codec,
    bitsPerSecondMax: Math.round((rung.bitsPerSecondMax * rateShares[codec]) / 10_000) * 10_000,
  },
})

/** Named by language; the second track of a language has a number. */
function captionRecipes(captions: FilmFile['captions']): Recipe[] {
  const seen = new Map<string, number>()
  return captions.map(({ stream, language }) => {
    const count = (seen.get(language ?? 'und') ?? 0) + 1
    seen.set(language ?? 'und', count)
    const name = `captions-${language ?? 'und'}${count === 1 ? '' : `-${count}`}`
    return { name, version, options: { stream, ...(language !== undefined && { language }) } }
  })
}

const shortSideOf = ({ width, height }: Rung): number => Math.min(width, height)
const trackName = (rung: Rung): string => `cmaf-h264-${shortSideOf(rung)}`

/** Plays on phones as it is: H.264 up to High at level 4, 8 bits, 720p, a moderate rate; AAC-LC in stereo. */
function isPhoneSafe({ video, audio }: FilmTracks, bitsPerSecond: number): boolean {
  if (video.codec !== 'avc' || bitsPerSecond > phoneBitsPerSecondMax) return false
  const [, profile, level] = /^avc[13]\.([0-9a-f]{2})[0-9a-f]{2}([0-9a-f]{2})$/i.exec(video.codecString) ?? []
  if (!profile || !level || !['42', '4d', '64'].includes(profile.toLowerCase()) || parseInt(level, 16) > 40)
    return false
  if (Math.max(video.width, video.height) > phoneLongSideMax) return false
  if (Math.min(video.width, video.height) > phoneShortSideMax) return false
  return audio === undefined || (audio.codecString === 'mp4a.40.2' && audio.channels <= 2)
}
