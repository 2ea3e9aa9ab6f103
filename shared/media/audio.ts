import { writeFile } from 'node:fs/promises'
import type { ConversionSource, ConvertedFile, Recipe } from '../ports/media-converter.ts'
import type { ContainerReader } from './container-reader.ts'
import { convertCover } from './cover.ts'
import { aacArgs } from './encoding.ts'
import { inputArgs } from './ffmpeg-input.ts'
import type { FfmpegRunner } from './ffmpeg.ts'
import { flags } from './flags.ts'
import { convertedBytesMax, convertWallMsMax } from './limits.ts'
import { gainFilters, planGain, type Loudness, type SoundGain } from './loudness.ts'
import { finishFile, partPath } from './output.ts'
import { decoding, invalidMedia } from './reasons.ts'
import { numberOption, refuseShortened } from './recipe-options.ts'
import { drawWaveform } from './waveform-picture.ts'
import { waveform, waveformSampleRate } from './waveform.ts'

interface Work {
  readonly workFolder: string
  readonly signal: AbortSignal
  readonly ffmpeg: FfmpegRunner
  readonly reader: ContainerReader
  /** Of the source, as it is played; what is missing is measured. */
  readonly loudness?: Loudness | undefined
  readonly onProgress?: (fraction: number) => void
}

const encodings = {
  'audio-aac': { codec: 'aac', words: aacArgs, format: flags('-movflags +faststart -f ipod'), extension: 'm4a' },
  'audio-opus': {
    codec: 'opus',
    words: flags('-c:a libopus -b:a 96k -vbr on -ac 2 -ar 48000'),
    // The stream's serial number is made of chance otherwise.
    format: flags('-fflags +bitexact -serial_offset 1 -f ogg'),
    extension: 'ogg',
  },
} as const

type EncodedName = keyof typeof encodings
const isEncoded = (name: string): name is EncodedName => Object.hasOwn(encodings, name)

/** Tags, chapters and cover pictures go. */
const plain = flags('-map_metadata -1 -map_chapters -1 -vn -sn -dn')

/** AAC in M4A, Opus in Ogg, and the waveform, out of one decode; and the cover picture. */
export async function convertAudio(
  source: ConversionSource,
  recipes: readonly Recipe[],
  work: Work,
): Promise<ConvertedFile[]> {
  const encoded = recipes.filter(({ name }) => isEncoded(name))
  const [first] = recipes.filter(({ name }) => name !== 'cover')
  const cover = recipes.find(({ name }) => name === 'cover')
  const covers = cover ? await convertCover(source.path, cover, work) : []
  if (!first) return covers
  const durationMs = numberOption(first, 'durationMs')
  const isChanged = encoded.some(({ options }) => options.copy !== true)
  const gain = isChanged ? await planGain(work.ffmpeg, source, work.signal, work.loudness) : undefined
  const wave = await decode(source, { encoded, gain, durationMs }, work)
  const decodedMs = Math.round((wave.samples * 1000) / waveformSampleRate)
  if (wave.samples === 0) throw invalidMedia('The audio has no sound that can be decoded')
  refuseShortened(decodedMs, durationMs)
  const files: ConvertedFile[] = [...covers]
  for (const recipe of encoded) files.push(await finishEncoded(recipe, { durationMs, gain }, work))
  const peaks = wave.result()
  const drawn = recipes.find(({ name }) => name === 'waveform-png')
  if (drawn) files.push(await drawWaveform(drawn, peaks, work))
  const written = recipes.find(({ name }) => name === 'waveform')
  return written ? [...files, await finishWaveform(written, peaks, decodedMs, work)] : files
}

interface Decoding {
  readonly encoded: readonly Recipe[]
  readonly gain: SoundGain | undefined
  readonly durationMs: number
}

async function decode(
  source: ConversionSource,
  { encoded, gain, durationMs }: Decoding,
  work: Work,
): Promise<ReturnType<typeof waveform>> {
  const wave = waveform()
  await work.ffmpeg.run(
    [
      ...inputArgs(source.path, source.mediaType, { threads: work.ffmpeg.threads }),
      ...encoded.flatMap((recipe) => outputOf(recipe, gain, work)),
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
  return wave
}

function outputOf({ name, options }: Recipe, gain: SoundGain | undefined, work: Work): string[] {
  if (!isEncoded(name)) return []
  const { words, format } = encodings[name]
  const filters = gainFilters(gain)
  const changed = [...(filters.length > 0 ? ['-af', filters.join(',')] : []), ...words]
  return [
    ...flags('-map 0:a:0'),
    ...(options.copy === true ? flags('-c:a copy') : changed),
    ...plain,
    ...format,
    ...flags(`-fs ${convertedBytesMax} -y`),
    `file:${partPath(work.workFolder, name)}`,
  ]
}

async function finishEncoded(
  recipe: Recipe,
  { durationMs, gain }: { readonly durationMs: number; readonly gain: SoundGain | undefined },
  work: Work,
): Promise<ConvertedFile> {
  if (!isEncoded(recipe.name)) throw invalidMedia(`The recipe ${recipe.name} is not known`)
  const { codec, extension } = encodings[recipe.name]
  const made = await decoding('The converted audio', work.signal, () =>
    work.reader.tracks(partPath(work.workFolder, recipe.name), work.signal),
  )
  if (made?.audio?.codec !== codec) throw invalidMedia('The audio came out empty')
  refuseShortened(made.durationMs, durationMs)
  return finishFile(work.workFolder, recipe, extension, extension === 'ogg' ? 'audio/ogg' : 'audio/mp4', {
    durationMs: made.durationMs,
    audioCodec: made.audio.codecString,
    channels: made.audio.channels,
    sampleRate: made.audio.sampleRate,
    gainDb: recipe.options.copy === true ? 0 : (gain?.decibels ?? 0),
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
