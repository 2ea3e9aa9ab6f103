import type { ConversionSource, ConvertedFile, Recipe } from '../ports/media-converter.ts'
import { convertCaptions } from './captions.ts'
import { progressShare } from './encoding.ts'
import { planGain } from './loudness.ts'
import { convertPoster } from './poster.ts'
import { convertPreview } from './preview.ts'
import { invalidMedia } from './reasons.ts'
import { convertSprite } from './thumbnails.ts'
import { denserCodec, encodeLadder, ladderFromMp4 } from './video-ladder.ts'
import { convertMp4 } from './video-mp4.ts'
import type { EncodingWork, VideoWork } from './video-work.ts'

/** Tracks of an adaptive stream have this in front of their names. */
export const isTrack = ({ name }: Recipe): boolean => name.startsWith('cmaf-')
export const isCaptions = ({ name }: Recipe): boolean => name.startsWith('captions-')

/**
 * All renditions of a film. The picture is encoded once: a film with several rungs gives the ladder, of which the MP4 is
 * joined, and one with a single rung gives the MP4, of which the ladder is cut.
 */
export async function convertVideo(
  source: ConversionSource,
  recipes: readonly Recipe[],
  work: VideoWork,
): Promise<ConvertedFile[]> {
  const { ffmpeg } = work
  const mp4 = recipes.find(({ name }) => name.startsWith('video-'))
  if (!ffmpeg) return mp4 ? [await convertMp4(source, mp4, [], work)] : []
  const encoding = { ...work, ffmpeg }
  const files: ConvertedFile[] = []
  // The poster is quick and shows early whether anything can be decoded.
  const poster = recipes.find(({ name }) => name === 'poster')
  if (poster) files.push(await convertPoster(source, poster, encoding))
  files.push(...(await convertCaptions(source, recipes.filter(isCaptions), encoding)))
  const streamed = await streams(source, { mp4, tracks: recipes.filter(isTrack) }, encoding)
  files.push(...streamed, ...(await glimpses(streamed, recipes, encoding)))
  work.onProgress?.(1)
  return files
}

/**
 * What shows a film without playing it. The sheet comes of the smallest picture; the clip, for which one must seek, of the
 * MP4, since there are builds of ffmpeg that never come back from seeking in a track of fragments.
 */
export async function glimpses(
  streamed: readonly ConvertedFile[],
  recipes: readonly Recipe[],
  work: EncodingWork,
): Promise<ConvertedFile[]> {
  const pictures = streamed.filter(
    ({ recipe, mediaType, segments }) => mediaType === 'video/mp4' && segments && !denserCodec(recipe),
  )
  const [smallest] = pictures.sort((a, b) => Number(a.properties.height) - Number(b.properties.height))
  const [sprite, preview] = ['sprite', 'preview'].map((name) => recipes.find((recipe) => recipe.name === name))
  const mp4 = streamed.find(({ recipe }) => recipe.name.startsWith('video-'))
  if (!smallest || !mp4) return []
  return [
    ...(sprite ? [await convertSprite(smallest, sprite, work)] : []),
    ...(preview ? [await convertPreview(mp4, preview, work)] : []),
  ]
}

async function streams(
  source: ConversionSource,
  { mp4, tracks }: { readonly mp4: Recipe | undefined; readonly tracks: readonly Recipe[] },
  work: EncodingWork,
): Promise<ConvertedFile[]> {
  if (!mp4) throw invalidMedia('The recipes of a video lack its MP4')
  const isEncoded = mp4.options.copy !== true || tracks.some(({ options }) => options.from === 'source')
  const isHeard = isEncoded && mp4.options.audio === true
  const gain = isHeard ? await planGain(work.ffmpeg, source, work.signal, work.loudness) : undefined
  const first = {
    ...work,
    ...(gain && { gain }),
    onProgress: progressShare(work.onProgress, 0.02, 0.9),
  }
  const second = { ...work, onProgress: progressShare(work.onProgress, 0.9, 1) }
  if (tracks.some(({ options }) => options.from === 'mp4')) {
    const made = await convertMp4(source, mp4, [], first)
    return [made, ...(await ladderFromMp4(made, source, tracks, second))]
  }
  const made = await encodeLadder(source, tracks, first)
  return [...made, await convertMp4(source, mp4, made, second)]
}
