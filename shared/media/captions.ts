import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { ConversionSource, ConvertedFile, Recipe } from '../ports/media-converter.ts'
import { inputArgs } from './ffmpeg-input.ts'
import type { FfmpegRunner } from './ffmpeg.ts'
import { flags } from './flags.ts'
import { convertWallMsMax } from './limits.ts'
import { finishFile, partPath } from './output.ts'
import { numberOption } from './recipe-options.ts'
import { parseCues, subtitleBytesMax, writeVtt, type Cue } from './subtitles.ts'

interface Work {
  readonly workFolder: string
  readonly signal: AbortSignal
}

/** The text tracks of a film as WebVTT: read out in one pass, then written anew, so that only plain cues remain. */
export async function convertCaptions(
  source: ConversionSource,
  recipes: readonly Recipe[],
  work: Work & { readonly ffmpeg: FfmpegRunner },
): Promise<ConvertedFile[]> {
  if (recipes.length === 0) return []
  const raw = ({ name }: Recipe): string => join(work.workFolder, `${name}.raw`)
  await work.ffmpeg.run(
    [
      ...inputArgs(source.path, source.mediaType, { threads: 1 }),
      ...recipes.flatMap((recipe) => [
        ...flags(
          `-map 0:${numberOption(recipe, 'stream')} -c:s webvtt -map_metadata -1 -fs ${subtitleBytesMax} -f webvtt -y`,
        ),
        `file:${raw(recipe)}`,
      ]),
    ],
    { signal: work.signal, wallMsMax: convertWallMsMax },
  )
  const files: ConvertedFile[] = []
  for (const recipe of recipes) files.push(await convertSubtitles(recipe, await readFile(raw(recipe), 'utf8'), work))
  return files
}

/** A text of cues as WebVTT. */
export async function convertSubtitles(recipe: Recipe, text: string, work: Work): Promise<ConvertedFile> {
  work.signal.throwIfAborted()
  const cues = parseCues(text)
  await writeFile(partPath(work.workFolder, recipe.name), writeVtt(cues))
  const { language } = recipe.options
  return finishFile(work.workFolder, recipe, 'vtt', 'text/vtt', {
    cues: cues.length,
    durationMs: endOf(cues),
    ...(typeof language === 'string' && { language }),
  })
}

export const endOf = (cues: readonly Cue[]): number => cues.reduce((end, { endMs }) => Math.max(end, endMs), 0)
