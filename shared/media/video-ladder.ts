import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { packSegments, type SegmentIndex } from '../domain/segments.ts'
import { streamCodecs, type StreamCodec } from '../domain/stream-codecs.ts'
import type { ConversionSource, ConvertedFile, Recipe } from '../ports/media-converter.ts'
import { packageTrack } from './cmaf.ts'
import {
  aacArgs,
  av1Args,
  fragmentsTo,
  h264Args,
  hevcArgs,
  progressArgs,
  progressReader,
  progressShare,
  steadySound,
  untagged,
} from './encoding.ts'
import { inputArgs } from './ffmpeg-input.ts'
import { flags } from './flags.ts'
import { framesPerSecondMax, type Rung } from './ladder.ts'
import { convertWallMsMax } from './limits.ts'
import { gainFilters } from './loudness.ts'
import { finishFile, partPath } from './output.ts'
import { decoding, invalidMedia } from './reasons.ts'
import { numberOption, refuseShortened, rungOption } from './recipe-options.ts'
import { toneMapFilters } from './tone-map.ts'
import type { EncodingWork } from './video-work.ts'

export const isSound = ({ name }: Recipe): boolean => name === 'cmaf-aac'
/** What a rung is encoded in, where that is not H.264. */
export const denserCodec = ({ options }: Recipe): StreamCodec | undefined =>
  streamCodecs.find((codec) => codec === options.codec)
const denserArgs = { hevc: hevcArgs, av1: av1Args }
/** A film that was copied may have a key frame so rarely that its segments would be no good. */
const segmentMsMax = 12_000

/** What happens to the picture before it is encoded. */
export const pictureFilters = (recipe: Recipe, rung: Rung): string[] => [
  ...(recipe.options.halve === true ? [`fps=${framesPerSecondMax}`] : []),
  ...sizeFilters(rung),
  ...toneMapFilters(recipe),
]

const sizeFilters = ({ width, height }: Rung): string[] => [`scale=${width}:${height}`, 'setsar=1']

/** All tracks of an adaptive stream out of one decode: each rung is scaled from the one above it. */
export async function encodeLadder(
  source: ConversionSource,
  tracks: readonly Recipe[],
  work: EncodingWork,
): Promise<ConvertedFile[]> {
  const rungs = tracks.filter((recipe) => !isSound(recipe))
  const [top] = rungs
  if (!top) throw invalidMedia('The recipes of a video lack its ladder')
  const { ffmpeg } = work
  const segmentMs = numberOption(top, 'segmentMs')
  const sound = tracks.find(isSound)
  await ffmpeg.run(
    [
      ...inputArgs(source.path, source.mediaType, { threads: ffmpeg.threads }),
      ...rungsTo(rungs, work),
      ...(sound ? soundTo(sound, work) : []),
      ...progressArgs,
    ],
    {
      signal: work.signal,
      wallMsMax: convertWallMsMax,
      onOutput: progressReader(numberOption(top, 'durationMs'), progressShare(work.onProgress, 0, 0.95)),
    },
  )
  return finishTracks(tracks, segmentMs, work)
}

/** Arguments that write every rung; `before` are filters of the film, and `clock` how times are written, if not as found. */
export function rungsTo(
  rungs: readonly Recipe[],
  work: EncodingWork,
  { before = [], clock = [] }: { readonly before?: readonly string[]; readonly clock?: readonly string[] } = {},
): string[] {
  const { threads } = work.ffmpeg
  return [
    '-filter_complex',
    cascade(rungs, before),
    ...rungs.flatMap((recipe, index) => [
      '-map',
      `[v${index}]`,
      ...encoderArgs(recipe)(rungOption(recipe), {
        threads,
        segmentMs: numberOption(recipe, 'segmentMs'),
      }),
      ...clock,
      ...untagged,
      ...fragmentsTo(rawPath(work, recipe)),
    ]),
  ]
}

function encoderArgs(recipe: Recipe): typeof h264Args {
  const codec = denserCodec(recipe)
  return codec ? denserArgs[codec] : h264Args
}

/** The largest rung first; the filters that depend on the film alone run once. */
function cascade(rungs: readonly Recipe[], before: readonly string[]): string {
  const chains = rungs.map((recipe, index) => {
    const rung = rungOption(recipe)
    const from = index === 0 ? '[0:v:0]' : `[n${index}]`
    const isLast = index === rungs.length - 1
    const filters = index === 0 ? [...before, ...pictureFilters(recipe, rung)] : sizeFilters(rung)
    return `${from}${filters.join(',')}${isLast ? `[v${index}]` : `,split[v${index}][n${index + 1}]`}`
  })
  return chains.join(';')
}

export const soundTo = (sound: Recipe, work: EncodingWork): string[] => [
  ...flags('-map 0:a:0'),
  '-af',
  [steadySound, ...gainFilters(work.gain)].join(','),
  ...aacArgs,
  ...untagged,
  ...fragmentsTo(rawPath(work, sound), numberOption(sound, 'segmentMs')),
]

/**
 * The tracks of a film with a single rung, cut from its MP4 without encoding. Where that was copied from a source whose key
 * frames are too far apart, the picture is encoded after all.
 */
export async function ladderFromMp4(
  mp4: ConvertedFile,
  source: ConversionSource,
  tracks: readonly Recipe[],
  work: EncodingWork,
): Promise<ConvertedFile[]> {
  const [rung] = tracks
  if (!rung) return []
  const segmentMs = numberOption(rung, 'segmentMs')
  await work.ffmpeg.run(
    [
      ...inputArgs(mp4.path, mp4.mediaType, { threads: 1 }),
      ...tracks.flatMap((recipe) => [
        ...flags(isSound(recipe) ? '-map 0:a:0 -c copy' : '-map 0:v:0 -c copy'),
        ...untagged,
        ...fragmentsTo(rawPath(work, recipe), isSound(recipe) ? segmentMs : undefined),
      ]),
    ],
    { signal: work.signal, wallMsMax: convertWallMsMax },
  )
  const files = await finishTracks(tracks, segmentMs, work)
  const isCoarse = files.some(({ properties }) => Number(properties.segmentMsMax) > segmentMsMax)
  return isCoarse ? encodeLadder(source, tracks, work) : files
}

export const rawPath = (work: Pick<EncodingWork, 'workFolder'>, { name }: Recipe): string =>
  join(work.workFolder, `${name}.raw`)

/** Cuts what was encoded into segments, in files of their own. */
export async function finishTracks(
  tracks: readonly Recipe[],
  segmentMs: number,
  work: EncodingWork,
): Promise<ConvertedFile[]> {
  const files: ConvertedFile[] = []
  for (const recipe of tracks) files.push(await finishTrack(recipe, segmentMs, work))
  return files
}

async function finishTrack(recipe: Recipe, segmentMs: number, work: EncodingWork): Promise<ConvertedFile> {
  const [raw, part] = [rawPath(work, recipe), partPath(work.workFolder, recipe.name)]
  const index = await packageTrack(raw, part, { segmentMs, signal: work.signal })
  await rm(raw)
  const made = await decoding('The converted video', work.signal, () => work.reader.tracks(part, work.signal))
  if (!made) throw invalidMedia('The video has no frame that can be decoded')
  const { video, audio } = made
  // Sound may end before its picture.
  if (video) refuseShortened(made.durationMs, numberOption(recipe, 'durationMs'))
  const properties = {
    durationMs: made.durationMs,
    ...rates(index),
    ...(video && {
      width: video.width,
      height: video.height,
      rotation: video.rotation,
      // The reader calls all H.265 by the other of its two names; the file has the one that Apple's players know.
      videoCodec: video.codecString.replace(/^hev1/, 'hvc1'),
      ...(video.framesPerSecond !== undefined && { framesPerSecond: video.framesPerSecond }),
    }),
    ...(audio && { audioCodec: audio.codecString, channels: audio.channels, sampleRate: audio.sampleRate }),
    ...(audio && recipe.options.from === 'source' && { gainDb: work.gain?.decibels ?? 0 }),
  }
  const mediaType = video ? 'video/mp4' : 'audio/mp4'
  const file = await finishFile(work.workFolder, recipe, video ? 'mp4' : 'm4a', mediaType, properties)
  return { ...file, segments: packSegments(index) }
}

/** What a playlist says of a track: the mean, and the segment that needs most. */
function rates({ timescale, segments }: SegmentIndex) {
  const seconds = (ticks: number): number => ticks / timescale
  const total = segments.reduce((sum, each) => ({ ticks: sum.ticks + each.ticks, bytes: sum.bytes + each.bytes }))
  const ofSegment = segments.map(({ ticks, bytes }) => (bytes * 8) / Math.max(0.5, seconds(ticks)))
  return {
    bitsPerSecond: Math.round((total.bytes * 8) / Math.max(0.001, seconds(total.ticks))),
    bitsPerSecondPeak: Math.round(Math.max(...ofSegment)),
    segments: segments.length,
    segmentMsMax: Math.round(Math.max(...segments.map(({ ticks }) => seconds(ticks))) * 1000),
  }
}
