import type { ConvertedFile, Recipe } from '../ports/media-converter.ts'
import { mp4To, untagged } from './encoding.ts'
import { inputArgs } from './ffmpeg-input.ts'
import { flags } from './flags.ts'
import { posterWallMsMax } from './limits.ts'
import { finishFile, partPath } from './output.ts'
import { decoding, invalidMedia } from './reasons.ts'
import { numberOption } from './recipe-options.ts'
import type { EncodingWork } from './video-work.ts'

const pieces = 4
const pieceMs = 1_000
const shortSidePixels = 240

/** A few seconds from all over a film, small and without sound: what a list shows when it is pointed at. */
export async function convertPreview(from: ConvertedFile, recipe: Recipe, work: EncodingWork): Promise<ConvertedFile> {
  const durationMs = numberOption(recipe, 'durationMs')
  const starts = startsOf(durationMs)
  const inputs = starts.flatMap((startMs) =>
    inputArgs(from.path, from.mediaType, { threads: 1, startMs, takeMs: pieceMs }),
  )
  const { width, height } = smaller(Number(from.properties.width), Number(from.properties.height))
  const each = starts.map((_, index) => `[${index}:v:0]scale=${width}:${height},setsar=1,fps=15[p${index}]`)
  const joined = `${starts.map((_, index) => `[p${index}]`).join('')}concat=n=${starts.length}:v=1:a=0[v]`
  const target = partPath(work.workFolder, recipe.name)
  await work.ffmpeg.run(
    [
      ...inputs,
      '-filter_complex',
      [...each, joined].join(';'),
      ...flags('-map [v] -an -c:v libx264 -preset veryfast -crf 30 -profile:v main -level:v 3 -pix_fmt yuv420p'),
      ...flags(`-maxrate 400k -bufsize 800k -threads ${work.ffmpeg.threads}`),
      ...untagged,
      ...mp4To(target),
    ],
    { signal: work.signal, wallMsMax: posterWallMsMax },
  )
  const made = await decoding('The preview', work.signal, () => work.reader.tracks(target, work.signal))
  if (!made?.video) throw invalidMedia('The video has no frame that can be decoded')
  return finishFile(work.workFolder, recipe, 'mp4', 'video/mp4', {
    width: made.video.width,
    height: made.video.height,
    durationMs: made.durationMs,
    hasAudio: false,
  })
}

/** A short film from its beginning, a longer one from four places that lie apart. */
function startsOf(durationMs: number): number[] {
  if (durationMs < 2 * pieces * pieceMs) return [0]
  return Array.from({ length: pieces }, (_, piece) => Math.round((durationMs * (piece + 0.5)) / pieces))
}

function smaller(width: number, height: number): { width: number; height: number } {
  const scale = Math.min(1, shortSidePixels / Math.min(width, height))
  const even = (side: number): number => Math.max(2, Math.round((side * scale) / 2) * 2)
  return { width: even(width), height: even(height) }
}
