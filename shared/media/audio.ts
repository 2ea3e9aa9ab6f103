import { writeFile } from 'node:fs/promises'
import type { ConversionSource, ConvertedFile, Recipe } from '../ports/media-converter.ts'
import { inputArgs, type FfmpegRunner } from './ffmpeg.ts'
import { flags } from './flags.ts'
import { convertedBytesMax, convertWallMsMax } from './limits.ts'
import { finishFile, partPath } from './output.ts'
import { decoding, invalidMedia } from './reasons.ts'
import { numberOption, refuseShortened } from './recipe-options.ts'
import { probeTracks } from './track-probe.ts'
import { waveform, waveformSampleRate } from './waveform.ts'

interface Work {
  readonly workFolder: string
  readonly signal: AbortSignal
  readonly ffmpeg: FfmpegRunner
  readonly onProgress?: (fraction: number) => void
}

/** AAC in M4A and the waveform, out of one decode. */
export async function convertAudio(
  source: ConversionSource,
  recipes: readonly Recipe[],
  work: Work,
): Promise<ConvertedFile[]> {
  const aac = recipes.find((recipe) => recipe.name === 'audio-aac')
  const peaks = recipes.find((recipe) => recipe.name === 'waveform')
  const first = aac ?? peaks
  if (!first) return []
  const durationMs = numberOption(first, 'durationMs')
  const wave = waveform()
  const encoder =
    aac?.options.copy === true ? ['-c:a', 'copy'] : ['-c:a', 'aac', '-b:a', '128k', '-ac', '2', '-ar', '48000']
  await work.ffmpeg.run(
    [
      ...inputArgs(source.path, source.mediaType, { threads: work.ffmpeg.threads }),
      ...(aac ? ['-map', '0:a:0', ...encoder, ...plain, '-movflags', '+faststart'] : []),
      ...(aac
        ? ['-fs', String(convertedBytesMax), '-f', 'ipod', '-y', `file:${partPath(work.workFolder, aac.name)}`]
        : []),
      ...flags(`-map 0:a:0 -ac 1 -ar ${waveformSampleRate} -c:a pcm_s16le -f s16le pipe:1`),
    ],
    {
      signal: work.signal,
      wallMsMax: convertWallMsMax,
      onOutput: (chunk) => {
        wave.add(chunk)
        if (durationMs > 0) work.onProgress?.(Math.min(1, (wave.samples * 1000) / waveformSampleRate / durationMs))
      },
    },
  )
  const decodedMs = Math.round((wave.samples * 1000) / waveformSampleRate)
  if (wave.samples === 0) throw invalidMedia('The audio has no sound that can be decoded')
  refuseShortened(decodedMs, durationMs)
  return [
    ...(aac ? [await finishAac(aac, durationMs, work)] : []),
    ...(peaks ? [await finishWaveform(peaks, wave.result(), decodedMs, work)] : []),
  ]
}

/** Tags, chapters and cover pictures go. */
const plain = flags('-map_metadata -1 -map_chapters -1 -vn -sn -dn')

async function finishAac(recipe: Recipe, expectedMs: number, work: Work): Promise<ConvertedFile> {
  const made = await decoding('The converted audio', work.signal, () =>
    probeTracks(partPath(work.workFolder, recipe.name)),
  )
  if (made?.audio?.codec !== 'aac') throw invalidMedia('The audio came out empty')
  refuseShortened(made.durationMs, expectedMs)
  return finishFile(work.workFolder, recipe, 'm4a', 'audio/mp4', {
    durationMs: made.durationMs,
    audioCodec: made.audio.codecString,
    channels: made.audio.channels,
    sampleRate: made.audio.sampleRate,
  })
}

async function finishWaveform(
  recipe: Recipe,
  peaks: ReturnType<ReturnType<typeof waveform>['result']>,
  durationMs: number,
  work: Work,
): Promise<ConvertedFile> {
  await writeFile(partPath(work.workFolder, recipe.name), JSON.stringify(peaks))
  const { length = 0, samples_per_pixel: samplesPerPixel = 0 } = peaks
  return finishFile(work.workFolder, recipe, 'json', 'application/json', { durationMs, length, samplesPerPixel })
}
