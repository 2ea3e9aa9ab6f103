import type {
  ConversionSource,
  ConvertedFile,
  FilmPart,
  FilmPlan,
  PicturePart,
  Recipe,
} from '../ports/media-converter.ts'
import { convertCaptions } from './captions.ts'
import { progressArgs, progressReader } from './encoding.ts'
import { inputArgs } from './ffmpeg-input.ts'
import { assertReadAsFound } from './film-needs.ts'
import { leadMs, pictureStartMs } from './film-reading.ts'
import { flags } from './flags.ts'
import { convertWallMsMax } from './limits.ts'
import { loudnessProperties, planGain, playedLoudness } from './loudness.ts'
import { partPath, finishFile } from './output.ts'
import { convertPoster } from './poster.ts'
import { invalidMedia } from './reasons.ts'
import { numberOption } from './recipe-options.ts'
import { isCaptions, isTrack } from './video.ts'
import { isSound, rawPath, rungsTo, soundTo } from './video-ladder.ts'
import { copyMp4 } from './video-mp4.ts'
import type { EncodingWork } from './video-work.ts'
import { rename } from 'node:fs/promises'

/** Where frames lacked, it begins this much earlier still. */
const secondLeadMs = 60_000
/** One clock for all parts, fine enough for every frame: where the rate is guessed, frames would fall together. */
const partClock = flags('-enc_time_base 1:90000')

/** Makes one part of a film. */
export async function makePart(
  source: ConversionSource,
  plan: FilmPlan,
  part: FilmPart,
  work: EncodingWork,
): Promise<ConvertedFile[]> {
  if (source.isOutline) await assertReadAsFound(work.ffmpeg, source, { plan, part }, work.signal)
  const { recipes } = plan
  switch (part.kind) {
    case 'extras':
      return makeExtras(source, recipes, work)
    case 'sound':
      return makeSound(source, recipes, part, work)
    case 'picture':
      return makePicture(source, recipes, part, work)
  }
}

async function makeExtras(
  source: ConversionSource,
  recipes: readonly Recipe[],
  work: EncodingWork,
): Promise<ConvertedFile[]> {
  const poster = recipes.find(({ name }) => name === 'poster')
  const mp4 = recipes.find(({ name }) => name.startsWith('video-'))
  const copied = mp4 && (await copyMp4(source, mp4, work))
  return [
    ...(poster ? [await convertPoster(source, poster, work)] : []),
    ...(await convertCaptions(source, recipes.filter(isCaptions), work)),
    ...(copied ? [copied] : []),
  ]
}

/** Tells in its properties what was heard, and what was done to it. */
async function makeSound(
  source: ConversionSource,
  recipes: readonly Recipe[],
  { channels = 0 }: Extract<FilmPart, { kind: 'sound' }>,
  work: EncodingWork,
): Promise<ConvertedFile[]> {
  const sound = recipes.find(isSound)
  if (!sound) return []
  const { ffmpeg, signal } = work
  const durationMs = numberOption(sound, 'durationMs')
  const heard = await loudnessProperties(ffmpeg, source, { durationMs, channels }, signal)
  const gain = await planGain(ffmpeg, source, signal, playedLoudness({ ...heard, channels }))
  await ffmpeg.run(
    [
      ...inputArgs(source.path, source.mediaType, { threads: ffmpeg.threads }),
      ...soundTo(sound, { ...work, ...(gain && { gain }) }),
      ...progressArgs,
    ],
    {
      signal,
      wallMsMax: convertWallMsMax,
      onOutput: progressReader(durationMs, work.onProgress),
    },
  )
  await rename(rawPath(work, sound), partPath(work.workFolder, sound.name))
  return [await finishFile(work.workFolder, sound, 'mp4', 'audio/mp4', { ...heard, ...gain })]
}

async function makePicture(
  source: ConversionSource,
  recipes: readonly Recipe[],
  part: PicturePart,
  work: EncodingWork,
): Promise<ConvertedFile[]> {
  const rungs = recipes.filter((recipe) => isTrack(recipe) && !isSound(recipe))
  const encode = async (lead: number): Promise<number[]> => {
    await encodePicture(source, rungs, { part, leadMs: lead }, work)
    const frames: number[] = []
    for (const rung of rungs) frames.push(await work.reader.frames(rawPath(work, rung), work.signal))
    return frames
  }
  let frames = await encode(leadMs)
  const isShort = frames[0] !== part.frames
  if (isShort && source.isOutline) throw invalidMedia(`The film has ${frames[0]} of ${part.frames} frames there`)
  // A film may be damaged there; a second look shows that it was not the way there.
  if (isShort && part.fromUs !== undefined) frames = await encode(secondLeadMs)
  const files: ConvertedFile[] = []
  for (const [index, rung] of rungs.entries()) {
    await rename(rawPath(work, rung), partPath(work.workFolder, rung.name))
    files.push(await finishFile(work.workFolder, rung, 'mp4', 'video/mp4', { frames: frames[index] ?? 0 }))
  }
  return files
}

/** Which frames are of the part is told by the film's own clock alone, so that no frame is in two parts or in none. */
async function encodePicture(
  source: ConversionSource,
  rungs: readonly Recipe[],
  { part, leadMs: lead }: { readonly part: PicturePart; readonly leadMs: number },
  work: EncodingWork,
): Promise<void> {
  const { fromUs, toUs, firstUs } = part
  const ends = [
    ...(fromUs === undefined ? [] : [`start=${seconds(fromUs)}`]),
    ...(toUs === undefined ? [] : [`end=${seconds(toUs)}`]),
  ]
  const startMs = pictureStartMs(part, lead)
  const input = { threads: work.ffmpeg.threads, ...(startMs !== undefined && { startMs }) }
  const lengthMs = ((toUs ?? firstUs) - firstUs) / 1000
  await work.ffmpeg.run(
    [
      ...flags('-copyts -noaccurate_seek'),
      ...inputArgs(source.path, source.mediaType, input),
      ...rungsTo(rungs, work, {
        before: [`trim=${ends.join(':')}`, `setpts=round(PTS-${seconds(firstUs)}/TB)`],
        clock: partClock,
      }),
      ...progressArgs,
    ],
    { signal: work.signal, wallMsMax: convertWallMsMax, onOutput: progressReader(lengthMs, work.onProgress) },
  )
}

const seconds = (us: number): string => (us / 1e6).toFixed(7)
