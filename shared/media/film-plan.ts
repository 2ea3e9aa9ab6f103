import type { StreamCodec } from '../domain/stream-codecs.ts'
import type { ConversionSource, FilmPart, FilmPlan, Inspection, PicturePart, Recipe } from '../ports/media-converter.ts'
import type { FfmpegRunner } from './ffmpeg.ts'
import { frameTimes, type FrameTimes } from './frame-times.ts'
import { rungOption } from './recipe-options.ts'
import { isTrack } from './video.ts'
import { denserCodec, isSound } from './video-ladder.ts'
import { rungNameOf } from './video-mp4.ts'

/**
 * What one worker encodes of a long film, all rungs of all its frames together. A slow function of either cloud encodes some
 * 40 million pixels a second: three minutes, far within their ten and fifteen.
 */
export const partPixelsDefault = 7_200_000_000
/** What a worker has on its disk of a film, besides what it makes of it. */
const partBytesMax = 256 * 2 ** 20
/** A film of fewer parts than this is made in one go, when it is there whole. */
const partsMin = 3
/** A pixel that is decoded costs this much of one that is encoded. */
const decodeShare = 0.3
/** A pixel costs as much as so many in H.264. */
const codecCosts: Readonly<Record<StreamCodec, number>> = { hevc: 5, av1: 12 }
/** A part waits for a key frame until it is this much longer than it should be. */
const stretchMax = 1.5
/** Their readers find a time in a file, and know when each frame is shown. */
const seekable = new Set(['video/mp4', 'video/quicktime', 'video/3gpp', 'video/matroska', 'video/webm'])

/** How many frames a worker makes of a film; undefined for one that is made in one go. */
export function framesOfPart(
  { isOutline }: Pick<ConversionSource, 'isOutline'>,
  { recipes, kind, mediaType, properties }: Inspection,
  partPixelsMax: number,
): number | undefined {
  const mp4 = recipes.find(({ name }) => name.startsWith('video-'))
  const rungs = rungsOf(recipes)
  if (kind !== 'video' || !mp4 || rungs.length === 0 || !seekable.has(mediaType)) return undefined
  // A copy is quickly made, and so is what is cut of it. Of faster films frames are dropped, by a clock that runs through.
  if ((mp4.options.copy === true && isCut(rungs) && !isOutline) || mp4.options.halve === true) return undefined
  const framePixels =
    rungs.reduce((sum, recipe) => sum + pixelsOf(rungOption(recipe)) * costOf(recipe), 0) +
    decodeShare * Number(properties.width) * Number(properties.height)
  const partFrames = Math.max(1, Math.floor(partPixelsMax / framePixels))
  const expected = (Number(properties.durationMs) / 1000) * Number(properties.framesPerSecond ?? 30)
  return expected < partFrames * partsMin && !isOutline ? undefined : partFrames
}

/** Cuts a long film between two frames each time, where it can before a key frame. */
export async function planFilm(
  ffmpeg: FfmpegRunner,
  source: ConversionSource,
  inspection: Inspection,
  options: { readonly partPixelsMax: number; readonly signal: AbortSignal },
): Promise<FilmPlan | undefined> {
  const { recipes, mediaType } = inspection
  const partFrames = framesOfPart(source, inspection, options.partPixelsMax)
  if (partFrames === undefined) return undefined
  const rungs = rungsOf(recipes)
  const isOutline = source.isOutline === true
  const times = await frameTimes(ffmpeg, { ...source, mediaType }, options.signal)
  if (!times) return undefined
  const picture = pictureParts(times, partFrames)
  if (picture.length < (isOutline ? 1 : 2)) return undefined
  const sound = { kind: 'sound', channels: Number(inspection.properties.channels) } as const
  const parts: FilmPart[] = [{ kind: 'extras' }, ...(recipes.some(isSound) ? [sound] : []), ...picture]
  return { recipes: recipes.map((recipe) => asJoined(isOutline ? uncopied(recipe) : recipe, rungs)), parts }
}

const rungsOf = (recipes: readonly Recipe[]): Recipe[] =>
  recipes.filter((recipe) => isTrack(recipe) && !isSound(recipe))

function costOf(recipe: Recipe): number {
  const codec = denserCodec(recipe)
  return codec ? codecCosts[codec] : 1
}

const isCut = (rungs: readonly Recipe[]): boolean => rungs.some(({ options }) => options.from === 'mp4')
const pixelsOf = ({ width, height }: { readonly width: number; readonly height: number }): number => width * height

/** Nobody has the whole film to copy: its MP4 is joined from the rung of the same size. */
function uncopied(recipe: Recipe): Recipe {
  if (recipe.options.copy !== true) return recipe
  return { ...recipe, options: { ...recipe.options, copy: false, from: rungNameOf(recipe) } }
}

/** The MP4 of a film with a single rung is joined from that, as it is where there are several. */
function asJoined(recipe: Recipe, rungs: readonly Recipe[]): Recipe {
  if (isTrack(recipe)) return { ...recipe, options: { ...recipe.options, from: 'source' } }
  const [only] = rungs
  if (!only || !recipe.name.startsWith('video-') || !isCut(rungs)) return recipe
  return { ...recipe, options: { ...recipe.options, from: only.name } }
}

function pictureParts(times: FrameTimes, partFrames: number): PicturePart[] {
  const { startUs, shownUs } = times
  const firsts = firstFrames(times, partFrames)
  const between = (index: number): number => ((shownUs[index - 1] ?? 0) + (shownUs[index] ?? 0)) / 2
  return firsts.map((first, part) => {
    const next = firsts[part + 1]
    const firstUs = shownUs[first] ?? 0
    return {
      kind: 'picture',
      ...(part > 0 && { fromUs: between(first) }),
      ...(next !== undefined && { toUs: between(next) }),
      firstUs,
      atUs: Math.max(0, firstUs - startUs),
      frames: (next ?? shownUs.length) - first,
    }
  })
}

/** Which frames begin a part: key frames, unless none comes for too long. The last part is not less than half of one. */
function firstFrames({ shownUs, keysUs, bytes }: FrameTimes, partFrames: number): number[] {
  const keys = new Set(keysUs)
  const firsts = [0]
  const longest = Math.floor(partFrames * stretchMax)
  for (let index = 1, length = 1, weight = bytes[0] ?? 0; index < shownUs.length; index++, length++) {
    const isApart = shownUs[index] !== shownUs[index - 1]
    const [isLong, isHeavy] = [length >= partFrames && index < shownUs.length - partFrames / 2, weight >= partBytesMax]
    const isTooLong = length >= longest || weight >= partBytesMax * stretchMax
    weight += bytes[index] ?? 0
    if (!(isLong || isHeavy) || !isApart || !(keys.has(shownUs[index] ?? 0) || isTooLong)) continue
    firsts.push(index)
    length = 0
    weight = bytes[index] ?? 0
  }
  return firsts
}
