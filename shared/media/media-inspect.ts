import type { JsonObject } from '../domain/json.ts'
import { hasCode, isCatamaranError } from '../domain/errors.ts'
import type { ConversionSource, Inspection, Recipe } from '../ports/media-converter.ts'
import type { StreamCodec } from '../domain/stream-codecs.ts'
import type { ContainerReader } from './container-reader.ts'
import { canEncode, canToneMap } from './ffmpeg-abilities.ts'
import { probeDetails, probeWithFfmpeg, type FilmDetails } from './ffmpeg-probe.ts'
import type { FfmpegRunner } from './ffmpeg.ts'
import { framesOfPart } from './film-plan.ts'
import { mediaDurationMsMax, videoPixelsMax } from './limits.ts'
import { loudnessProperties } from './loudness.ts'
import type { TagsFound } from './reader-messages.ts'
import { invalidMedia, reasonOf } from './reasons.ts'
import { refuseStated } from './stated.ts'
import { hdrTransfers } from './tone-map.ts'
import type { Tracks } from './track-probe.ts'
import { refuseTruncated } from './truncation.ts'
import { videoRecipes } from './video-recipes.ts'

const version = 3
const audioBitsPerSecondMax = 192_000

interface MediaTools {
  readonly ffmpeg: FfmpegRunner | undefined
  readonly codecs: readonly StreamCodec[]
  readonly reader: ContainerReader
  /** What one worker encodes of a long film. */
  readonly partPixelsMax: number
}

/** Reads the tracks of a video or audio file and decides what to make of them. */
export async function inspectMedia(
  file: ConversionSource,
  { ffmpeg, reader, codecs, partPixelsMax }: MediaTools,
  signal: AbortSignal,
): Promise<Inspection> {
  await refuseTruncated(file.path, file.mediaType)
  await refuseStated(file.path, file.mediaType)
  const tracks = await tracksOf(file, { ffmpeg, reader }, signal)
  if (tracks.durationMs > mediaDurationMsMax) throw invalidMedia('The media is longer than six hours')
  const { video, audio } = tracks
  if (video && (video.width * video.height > videoPixelsMax || Math.min(video.width, video.height) < 2)) {
    throw invalidMedia(`The video has ${video.width} x ${video.height} pixels`)
  }
  const bitsPerSecond = tracks.durationMs > 0 ? Math.round((file.bytes * 8_000) / tracks.durationMs) : 0
  const properties: JsonObject = {
    durationMs: tracks.durationMs,
    bitsPerSecond,
    hasAudio: audio !== undefined,
    ...(video && { width: video.width, height: video.height, rotation: video.rotation, videoCodec: video.codec }),
    ...(video?.framesPerSecond !== undefined && { framesPerSecond: video.framesPerSecond }),
    ...(audio && { audioCodec: audio.codec, channels: audio.channels, sampleRate: audio.sampleRate }),
  }
  const loudnessOf = async (): Promise<JsonObject> =>
    ffmpeg && audio
      ? loudnessProperties(ffmpeg, file, { durationMs: tracks.durationMs, channels: audio.channels }, signal)
      : {}
  if (video) {
    const details = ffmpeg ? await probeDetails(ffmpeg, file.path, file.mediaType, signal) : { captions: [] }
    const range = await rangeOf(details, ffmpeg)
    const recipes = videoRecipes(
      { ...tracks, video },
      {
        bitsPerSecond,
        bytes: file.bytes,
        ffmpeg: ffmpeg !== undefined,
        captions: details.captions,
        codecs: await codecsOf(codecs, ffmpeg),
        ...(range?.toneMapped && { toneMap: range.transfer }),
      },
    )
    const hdr = range && { hdr: hdrTransfers[range.transfer], toneMapped: range.toneMapped }
    const film = { mediaType: file.mediaType, kind: 'video', properties: { ...properties, ...hdr }, recipes } as const
    // Of a film in parts, whoever makes the sound measures it; and an outline has none.
    if (file.isOutline || framesOfPart(file, film, partPixelsMax) !== undefined) return film
    return { ...film, properties: { ...film.properties, ...(await loudnessOf()) } }
  }
  const { shown, hasCover } = await tagsOf(file.path, reader, signal)
  const mediaType = file.mediaType.replace(/^video\/(?=mp4|webm|ogg|matroska|quicktime)/, 'audio/')
  return {
    mediaType: mediaType === 'audio/quicktime' ? 'audio/mp4' : mediaType,
    kind: 'audio',
    properties: { ...properties, ...(await loudnessOf()), ...(Object.keys(shown).length > 0 && { tags: shown }) },
    recipes: await audioRecipes(tracks, { bitsPerSecond, hasCover }, ffmpeg),
  }
}

const encoders: Readonly<Record<StreamCodec, string>> = { hevc: 'libx265', av1: 'libaom-av1' }

/** Of the codecs that are asked for, those that this build encodes. */
async function codecsOf(wanted: readonly StreamCodec[], ffmpeg: FfmpegRunner | undefined): Promise<StreamCodec[]> {
  const codecs: StreamCodec[] = []
  if (!ffmpeg) return codecs
  for (const codec of wanted) if (await canEncode(ffmpeg, encoders[codec])) codecs.push(codec)
  return codecs
}

/** How a film of high dynamic range is written, and whether this build can bring it into that of ordinary screens. */
async function rangeOf({ transfer }: FilmDetails, ffmpeg: FfmpegRunner | undefined) {
  if (!transfer || !ffmpeg) return undefined
  return { transfer, toneMapped: await canToneMap(ffmpeg) }
}

/**
 * The track reader passes over codecs that it doesn't know in the first of these, so that a film would look like mere sound,
 * and a damaged file of the last keeps it busy until it is killed.
 */
const mixedContainers = new Set(['video/mp2t', 'video/ogg', 'audio/ogg', 'application/ogg', 'audio/flac'])

async function tracksOf(
  file: { readonly path: string; readonly mediaType: string },
  { ffmpeg, reader }: Pick<MediaTools, 'ffmpeg' | 'reader'>,
  signal: AbortSignal,
): Promise<Tracks> {
  signal.throwIfAborted()
  if (ffmpeg && mixedContainers.has(file.mediaType)) return probeWithFfmpeg(ffmpeg, file.path, file.mediaType, signal)
  let cause: unknown
  try {
    const tracks = await reader.tracks(file.path, signal)
    if (tracks) return tracks
  } catch (error) {
    // Media that ended its reader may still be read by ffmpeg.
    if (signal.aborted || (isCatamaranError(error) && !hasCode(error, 'invalid-media'))) throw error
    cause = error
  }
  if (ffmpeg) return probeWithFfmpeg(ffmpeg, file.path, file.mediaType, signal)
  throw invalidMedia(
    `The media cannot be read: ${cause === undefined ? 'its container is not known' : reasonOf(cause)}`,
  )
}

/** What cannot be read is not there. */
async function tagsOf(path: string, reader: ContainerReader, signal: AbortSignal): Promise<TagsFound> {
  try {
    return await reader.tags(path, { signal })
  } catch (error) {
    if (signal.aborted || !hasCode(error, 'invalid-media')) throw error
    return { shown: {}, hasCover: false }
  }
}

async function audioRecipes(
  { audio, durationMs }: Tracks,
  file: { readonly bitsPerSecond: number; readonly hasCover: boolean },
  ffmpeg: FfmpegRunner | undefined,
): Promise<Recipe[]> {
  if (!ffmpeg) return []
  const isSafe = audio?.codecString === 'mp4a.40.2' && audio.channels <= 2
  const copy = isSafe && file.bitsPerSecond <= audioBitsPerSecondMax
  return [
    { name: 'audio-aac', version, options: { durationMs, copy } },
    ...((await canEncode(ffmpeg, 'libopus')) ? [{ name: 'audio-opus', version, options: { durationMs } }] : []),
    { name: 'waveform', version, options: { durationMs } },
    { name: 'waveform-png', version, options: { durationMs } },
    ...(file.hasCover ? [{ name: 'cover', version, options: {} }] : []),
  ]
}
