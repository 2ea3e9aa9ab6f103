import type { ConversionSource, ConvertedFile, Recipe } from '../ports/media-converter.ts'
import { inputArgs } from './ffmpeg-input.ts'
import type { FfmpegRunner } from './ffmpeg.ts'
import { flags } from './flags.ts'
import { posterWallMsMax } from './limits.ts'
import { finishFile, partPath } from './output.ts'
import { decoding, invalidMedia } from './reasons.ts'
import { numberOption } from './recipe-options.ts'
import { openPixels, type Pixels } from './sharp-safe.ts'
import { toneMapFilters } from './tone-map.ts'
import type { EncodingWork } from './video-work.ts'

/** Of an outline no more is decoded than this, of which twenty frames are the most that is looked at. */
const outlineMs = 4_000
const aheadMs = 2_000

const startOf = (recipe: Recipe): number => Math.min(numberOption(recipe, 'durationMs') * 0.1, 10_000)

/** What may be read to make a poster of an outline. */
export const posterReadings = (recipe: Recipe): { startMs: number; takeMs: number }[] =>
  [startOf(recipe), 0].map((startMs) => ({ startMs, takeMs: outlineMs + aheadMs }))

/** A telling frame from near the beginning, as JPEG. */
export async function convertPoster(
  source: ConversionSource,
  recipe: Recipe,
  work: EncodingWork,
): Promise<ConvertedFile> {
  const startMs = startOf(recipe)
  const frame =
    (await grabFrame(work.ffmpeg, source, recipe, startMs, work.signal)) ??
    (await grabFrame(work.ffmpeg, source, recipe, 0, work.signal))
  if (!frame) throw invalidMedia('The video has no frame that can be decoded')
  await decoding('The frame', work.signal, () =>
    openPixels(frame).jpeg({ quality: 80, progressive: true }).toFile(partPath(work.workFolder, recipe.name)),
  )
  return finishFile(work.workFolder, recipe, 'jpg', 'image/jpeg', { width: frame.width, height: frame.height })
}

/** Of the 20 frames after `startMs` the one nearest to their average: neither a flash nor black. */
async function grabFrame(
  ffmpeg: FfmpegRunner,
  source: ConversionSource,
  recipe: Recipe,
  startMs: number,
  signal: AbortSignal,
): Promise<Pixels | undefined> {
  const [width, height] = [numberOption(recipe, 'width'), numberOption(recipe, 'height')]
  const filters = [`scale=${width}:${height}`, ...toneMapFilters(recipe), 'thumbnail=20']
  const data = Buffer.alloc(width * height * 3)
  let filled = 0
  await ffmpeg.run(
    [
      ...inputArgs(source.path, source.mediaType, {
        threads: ffmpeg.threads,
        startMs,
        ...(source.isOutline && { takeMs: outlineMs }),
      }),
      ...flags(`-map 0:v:0 -an -vf ${filters.join(',')} -frames:v 1`),
      ...flags('-f rawvideo -pix_fmt rgb24 pipe:1'),
    ],
    {
      signal,
      wallMsMax: posterWallMsMax,
      onOutput: (chunk) => {
        if (filled + chunk.length > data.length) throw invalidMedia('The frame is larger than expected')
        filled += chunk.copy(data, filled)
      },
    },
  )
  return filled === data.length ? { data, width, height, channels: 3 } : undefined
}
