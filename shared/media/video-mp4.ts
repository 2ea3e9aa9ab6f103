import type { ConversionSource, ConvertedFile, Recipe } from '../ports/media-converter.ts'
import { aacArgs, h264Args, mp4To, progressArgs, progressReader, steadySound, untagged } from './encoding.ts'
import { inputArgs } from './ffmpeg-input.ts'
import { flags } from './flags.ts'
import { convertWallMsMax, remuxBytesMax } from './limits.ts'
import { gainFilters, planGain } from './loudness.ts'
import { finishFile, partPath } from './output.ts'
import { decoding, invalidMedia } from './reasons.ts'
import { numberOption, refuseShortened, rungOption } from './recipe-options.ts'
import { pictureFilters } from './video-ladder.ts'
import type { EncodingWork, VideoWork } from './video-work.ts'

/** Of its frames of sound, what a copy may have that cannot be decoded: a film may be damaged, and its copy with it. */
const faultySoundMax = 0.1
/** What the rung of an MP4's size is called. */
export const rungNameOf = ({ name }: Recipe): string => name.replace(/^video-/, 'cmaf-')

/**
 * H.264 and AAC in MP4 with the index in front: plays on any phone and starts before it is loaded. Copied from the source
 * when that is fit for it, else joined from tracks that were `made` already, else encoded.
 */
export const convertMp4 = async (
  source: ConversionSource,
  recipe: Recipe,
  made: readonly ConvertedFile[],
  work: VideoWork,
): Promise<ConvertedFile> =>
  (await copyMp4(source, recipe, work)) ??
  (await encodeMp4(source, recipe, made, { ...work, ffmpeg: needFfmpeg(work) }))

/**
 * The source's packets as they are; undefined when the recipe asks for no copy, and when nobody could hear its sound. A damaged
 * list of packets may be read in two ways, and what could be heard in the source is noise in its copy.
 */
export async function copyMp4(
  source: ConversionSource,
  recipe: Recipe,
  work: VideoWork,
): Promise<ConvertedFile | undefined> {
  if (recipe.options.copy !== true) return undefined
  const target = partPath(work.workFolder, recipe.name)
  if (source.bytes <= remuxBytesMax) {
    await decoding('The media', work.signal, () => work.reader.remux(source.path, target, work))
  } else {
    const encoding = { ...work, ffmpeg: needFfmpeg(work) }
    await writeMp4([...inputOf(source, encoding), ...flags(`${first} -c copy`)], recipe, encoding)
  }
  const isFit = recipe.options.audio !== true || (await canBeHeard(target, work))
  return isFit ? finishMp4(recipe, { remuxed: true }, work) : undefined
}

/** Joined from the rung of its size where that was `made`, else encoded. */
export async function encodeMp4(
  source: ConversionSource,
  recipe: Recipe,
  made: readonly ConvertedFile[],
  work: EncodingWork,
): Promise<ConvertedFile> {
  const words = joined(recipe, made) ?? [
    ...inputOf(source, work),
    ...flags(first),
    ...(await encoded(source, recipe, work)),
  ]
  await writeMp4(words, recipe, work)
  return finishMp4(recipe, { remuxed: false }, work)
}

async function finishMp4(recipe: Recipe, { remuxed }: { readonly remuxed: boolean }, work: VideoWork) {
  const target = partPath(work.workFolder, recipe.name)
  const tracks = await decoding('The converted video', work.signal, () => work.reader.tracks(target, work.signal))
  if (tracks?.video?.codec !== 'avc') throw invalidMedia('The video has no frame that can be decoded')
  refuseShortened(tracks.durationMs, numberOption(recipe, 'durationMs'))
  return finishFile(work.workFolder, recipe, 'mp4', 'video/mp4', {
    width: tracks.video.width,
    height: tracks.video.height,
    durationMs: tracks.durationMs,
    rotation: tracks.video.rotation,
    videoCodec: tracks.video.codecString,
    hasAudio: tracks.audio !== undefined,
    ...(tracks.audio && { audioCodec: tracks.audio.codecString }),
    remuxed,
  })
}

/** Without ffmpeg nobody knows. */
async function canBeHeard(path: string, { ffmpeg, signal }: VideoWork): Promise<boolean> {
  if (!ffmpeg) return true
  const words = [
    ...flags(`-max_error_rate ${faultySoundMax}`),
    ...inputArgs(path, 'video/mp4', { threads: ffmpeg.threads }),
    ...flags('-map 0:a:0 -f null pipe:1'),
  ]
  const { exitCode } = await ffmpeg.run(words, { signal, wallMsMax: convertWallMsMax, anyExit: true })
  return exitCode === 0
}

function needFfmpeg({ ffmpeg }: VideoWork): EncodingWork['ffmpeg'] {
  if (!ffmpeg) throw invalidMedia('No video converter is installed at this site')
  return ffmpeg
}

const inputOf = ({ path, mediaType }: ConversionSource, { ffmpeg }: EncodingWork): string[] =>
  inputArgs(path, mediaType, { threads: ffmpeg.threads })

async function writeMp4(words: readonly string[], recipe: Recipe, work: EncodingWork): Promise<void> {
  const durationMs = numberOption(recipe, 'durationMs')
  await work.ffmpeg.run([...words, ...untagged, ...mp4To(partPath(work.workFolder, recipe.name)), ...progressArgs], {
    signal: work.signal,
    wallMsMax: convertWallMsMax,
    onOutput: progressReader(durationMs, work.onProgress),
  })
}

const first = '-map 0:v:0 -map 0:a:0?'

async function encoded(source: ConversionSource, recipe: Recipe, work: EncodingWork): Promise<string[]> {
  const { ffmpeg, signal, loudness } = work
  const rung = rungOption(recipe)
  const options = { threads: ffmpeg.threads, segmentMs: numberOption(recipe, 'segmentMs') }
  const picture = ['-vf', pictureFilters(recipe, rung).join(','), ...h264Args(rung, options)]
  if (recipe.options.audio !== true) return [...picture, '-an']
  // Who meant to copy has not measured the sound.
  const gain = recipe.options.copy === true ? await planGain(ffmpeg, source, signal, loudness) : work.gain
  return [...picture, '-af', [steadySound, ...gainFilters(gain)].join(','), ...aacArgs]
}

/** The rung that the recipe names and the sound, both as they were encoded for the adaptive stream. */
function joined(recipe: Recipe, made: readonly ConvertedFile[]): string[] | undefined {
  const rung = made.find((file) => file.recipe.name === (recipe.options.from ?? rungNameOf(recipe)))
  if (!rung) return undefined
  const sound = made.find((file) => file.mediaType === 'audio/mp4')
  return [
    ...inputArgs(rung.path, rung.mediaType, { threads: 1 }),
    ...(sound ? inputArgs(sound.path, sound.mediaType, { threads: 1 }) : []),
    ...flags(`-map 0:v:0${sound ? ' -map 1:a:0' : ''} -c copy`),
  ]
}
