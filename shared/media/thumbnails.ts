import type { ConvertedFile, Recipe } from '../ports/media-converter.ts'
import { inputArgs } from './ffmpeg-input.ts'
import { flags } from './flags.ts'
import { convertWallMsMax } from './limits.ts'
import { finishFile, partPath } from './output.ts'
import { invalidMedia } from './reasons.ts'
import { numberOption } from './recipe-options.ts'
import type { EncodingWork } from './video-work.ts'

const columns = 10
const thumbnailsMax = 100
const longSidePixels = 160
const intervalMsMin = 1_000

/** How a film's frames are laid out on one picture: every so often one, row by row. */
export interface SpriteLayout {
  readonly intervalMs: number
  readonly count: number
  readonly columns: number
  /** Of one thumbnail, in pixels. */
  readonly tileWidth: number
  readonly tileHeight: number
}

export function spriteLayout(
  film: { readonly width: number; readonly height: number },
  durationMs: number,
): SpriteLayout {
  const intervalMs = Math.max(intervalMsMin, Math.ceil(durationMs / thumbnailsMax / 1000) * 1000)
  const scale = longSidePixels / Math.max(film.width, film.height)
  const even = (side: number): number => Math.max(2, Math.round((side * scale) / 2) * 2)
  const count = Math.max(1, Math.round(durationMs / intervalMs))
  return { intervalMs, count, columns, tileWidth: even(film.width), tileHeight: even(film.height) }
}

/** The sprite sheet, out of a rung that was made already; of one with long steps only the key frames are decoded. */
export async function convertSprite(from: ConvertedFile, recipe: Recipe, work: EncodingWork): Promise<ConvertedFile> {
  const [intervalMs, count] = [numberOption(recipe, 'intervalMs'), numberOption(recipe, 'count')]
  const [tileWidth, tileHeight] = [numberOption(recipe, 'tileWidth'), numberOption(recipe, 'tileHeight')]
  const across = Math.min(count, columns)
  const down = Math.ceil(count / columns)
  const isCoarse = intervalMs >= 2 * Number(from.properties.segmentMsMax ?? Number.POSITIVE_INFINITY)
  const every = `fps=1000/${intervalMs}:round=up`
  await work.ffmpeg.run(
    [
      ...(isCoarse ? flags('-skip_frame nokey') : []),
      ...inputArgs(from.path, from.mediaType, { threads: work.ffmpeg.threads }),
      ...flags(`-map 0:v:0 -an -vf ${every},scale=${tileWidth}:${tileHeight},setsar=1,tile=${across}x${down}`),
      ...flags('-frames:v 1 -c:v mjpeg -q:v 5 -pix_fmt yuvj420p -f mjpeg -y'),
      `file:${partPath(work.workFolder, recipe.name)}`,
    ],
    { signal: work.signal, wallMsMax: convertWallMsMax },
  )
  const size = { width: across * tileWidth, height: down * tileHeight }
  if (size.width > 16_000 || size.height > 16_000) throw invalidMedia('The sprite sheet is too large')
  return finishFile(work.workFolder, recipe, 'jpg', 'image/jpeg', {
    ...size,
    intervalMs,
    count,
    columns: across,
    tileWidth,
    tileHeight,
  })
}
