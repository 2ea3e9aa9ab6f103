import type { ConversionSource, ConvertedFile, Recipe } from '../ports/media-converter.ts'
import { aacArgs, h264Args, mp4To, progressArgs, progressReader, steadySound, untagged } from './encoding.ts'
import { inputArgs } from './ffmpeg-input.ts'
import { flags } from './flags.ts'
import { convertWallMsMax, remuxBytesMax } from './limits.ts'
import { gainFilters } from './loudness.ts'
import { finishFile, partPath } from './output.ts'
import { decoding, invalidMedia } from './reasons.ts'
import { numberOption, refuseShortened, rungOption } from './recipe-options.ts'
import { pictureFilters } from './video-ladder.ts'
import type { EncodingWork, VideoWork } from './video-work.ts'

/**
 * H.264 and AAC in MP4 with the index in front: plays on any phone and starts before it is loaded. Copied from the source
 * when that is fit for it, else joined from tracks that were `made` already, else encoded.
 */
export async function convertMp4(
  source: ConversionSource,
  recipe: Recipe,
  made: readonly ConvertedFile[],
  work: VideoWork,
): Promise<ConvertedFile> {
  const target = partPath(work.workFolder, recipe.name)
  const copy = recipe.options.copy === true
  if (copy && source.bytes <= remuxBytesMax) {
    await decoding('The media', work.signal, () => work.reader.remux(source.path, target, work))
  } else await writeMp4(source, recipe, made, { ...work, ffmpeg: needFfmpeg(work) })
  const tracks = await decoding('The converted video', work.signal, () => work.reader.tracks(target, work.signal))
  const durationMs = numberOption(recipe, 'durationMs')
  if (tracks?.video?.codec !== 'avc') throw invalidMedia('The video has no frame that can be decoded')
  refuseShortened(tracks.durationMs, durationMs)
  return finishFile(work.workFolder, recipe, 'mp4', 'video/mp4', {
    width: tracks.video.width,
    height: tracks.video.height,
    durationMs: tracks.durationMs,
    rotation: tracks.video.rotation,
    videoCodec: tracks.video.codecString,
    hasAudio: tracks.audio !== undefined,
    ...(tracks.audio && { audioCodec: tracks.audio.codecString }),
    remuxed: copy,
  })
}

function needFfmpeg({ ffmpeg }: VideoWork): EncodingWork['ffmpeg'] {
  if (!ffmpeg) throw invalidMedia('No video converter is installed at this site')
  return ffmpeg
}

async function writeMp4(
  source: ConversionSource,
  recipe: Recipe,
  made: readonly ConvertedFile[],
  work: EncodingWork,
): Promise<void> {
  const { ffmpeg } = work
  const durationMs = numberOption(recipe, 'durationMs')
  const input = inputArgs(source.path, source.mediaType, { threads: ffmpeg.threads })
  const words = recipe.options.copy === true ? [...input, ...flags(`${first} -c copy`)] : joined(recipe, made)
  await ffmpeg.run(
    [
      ...(words ?? [...input, ...flags(first), ...encoded(recipe, work)]),
      ...untagged,
      ...mp4To(partPath(work.workFolder, recipe.name)),
      ...progressArgs,
    ],
    { signal: work.signal, wallMsMax: convertWallMsMax, onOutput: progressReader(durationMs, work.onProgress) },
  )
}

const first = '-map 0:v:0 -map 0:a:0?'

function encoded(recipe: Recipe, { ffmpeg, gain }: EncodingWork): string[] {
  const rung = rungOption(recipe)
  const options = { threads: ffmpeg.threads, segmentMs: numberOption(recipe, 'segmentMs') }
  const sound = [steadySound, ...gainFilters(gain)].join(',')
  const audio = recipe.options.audio === true ? ['-af', sound, ...aacArgs] : ['-an']
  return ['-vf', pictureFilters(recipe, rung).join(','), ...h264Args(rung, options), ...audio]
}

/** The rung that the recipe names and the sound, both as they were encoded for the adaptive stream. */
function joined(recipe: Recipe, made: readonly ConvertedFile[]): string[] | undefined {
  const rung = made.find((file) => file.recipe.name === recipe.options.from)
  if (!rung) return undefined
  const sound = made.find((file) => file.mediaType === 'audio/mp4')
  return [
    ...inputArgs(rung.path, rung.mediaType, { threads: 1 }),
    ...(sound ? inputArgs(sound.path, sound.mediaType, { threads: 1 }) : []),
    ...flags(`-map 0:v:0${sound ? ' -map 1:a:0' : ''} -c copy`),
  ]
}
