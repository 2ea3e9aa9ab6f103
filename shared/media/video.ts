import type { Json } from '../domain/json.ts'
import type { ConversionSource, ConvertedFile, Recipe } from '../ports/media-converter.ts'
import { inputArgs, type FfmpegRunner } from './ffmpeg.ts'
import { flags } from './flags.ts'
import { convertedBytesMax, convertWallMsMax, posterWallMsMax } from './limits.ts'
import { finishFile, partPath } from './output.ts'
import { decoding, invalidMedia } from './reasons.ts'
import { remuxBytesMax, remuxToMp4 } from './remux.ts'
import { openPixels, type Pixels } from './sharp-safe.ts'
import { probeTracks } from './track-probe.ts'

interface Work {
  readonly workFolder: string
  readonly signal: AbortSignal
  readonly ffmpeg: FfmpegRunner | undefined
  readonly onProgress?: (fraction: number) => void
}

export const numberOption = (recipe: Recipe, name: string): number => {
  const value: Json | undefined = recipe.options[name]
  if (typeof value !== 'number' || !Number.isFinite(value))
    throw invalidMedia(`The recipe ${recipe.name} has no ${name}`)
  return value
}

/** H.264 and AAC in MP4 with the index in front: plays on any phone and starts before it is loaded. */
export async function convertVideo(source: ConversionSource, recipe: Recipe, work: Work): Promise<ConvertedFile> {
  const target = partPath(work.workFolder, recipe.name)
  const copy = recipe.options.copy === true
  if (copy && source.bytes <= remuxBytesMax) await remuxToMp4(source.path, target, work)
  else await encode(source, recipe, target, copy, work)
  const made = await decoding('The converted video', work.signal, () => probeTracks(target))
  const durationMs = numberOption(recipe, 'durationMs')
  if (made?.video?.codec !== 'avc') throw invalidMedia('The video has no frame that can be decoded')
  refuseShortened(made.durationMs, durationMs)
  return finishFile(work.workFolder, recipe, 'mp4', 'video/mp4', {
    width: made.video.width,
    height: made.video.height,
    durationMs: made.durationMs,
    rotation: made.video.rotation,
    videoCodec: made.video.codecString,
    hasAudio: made.audio !== undefined,
    ...(made.audio && { audioCodec: made.audio.codecString }),
    remuxed: copy,
  })
}

/** A decoder that meets damage stops early without an error: then what came out is shorter than what was promised. */
export function refuseShortened(madeMs: number, expectedMs: number): void {
  if (madeMs < expectedMs * 0.9 - 500) {
    throw invalidMedia(
      `The media is cut off or damaged: ${(madeMs / 1000).toFixed(1)} s of ${(expectedMs / 1000).toFixed(1)} s can be decoded`,
    )
  }
}

async function encode(
  source: ConversionSource,
  recipe: Recipe,
  target: string,
  copy: boolean,
  work: Work,
): Promise<void> {
  const { ffmpeg } = work
  if (!ffmpeg) throw invalidMedia('No video converter is installed at this site')
  const durationMs = numberOption(recipe, 'durationMs')
  const size = `${numberOption(recipe, 'width')}:${numberOption(recipe, 'height')}`
  const video = copy
    ? flags('-c:v copy')
    : [
        ...flags(`-vf scale=${size},setsar=1 -c:v libx264 -preset veryfast -crf 23`),
        ...flags('-maxrate 3500k -bufsize 7000k -profile:v high -level:v 4.0 -pix_fmt yuv420p'),
        ...flags(`-g 120 -threads ${ffmpeg.threads}`),
      ]
  const audio = flags(copy ? '-c:a copy' : '-c:a aac -b:a 128k -ac 2 -ar 48000')
  await ffmpeg.run(
    [
      ...inputArgs(source.path, source.mediaType, { threads: ffmpeg.threads }),
      ...flags('-map 0:v:0 -map 0:a:0?'),
      ...video,
      ...audio,
      // Chapters and tags go: phones write the place of the recording there.
      ...flags('-map_metadata -1 -map_chapters -1 -sn -dn -max_muxing_queue_size 2048'),
      ...flags(`-movflags +faststart -fs ${convertedBytesMax} -f mp4 -y`),
      `file:${target}`,
      ...flags('-progress pipe:1 -nostats'),
    ],
    { signal: work.signal, wallMsMax: convertWallMsMax, onOutput: progressReader(durationMs, work.onProgress) },
  )
}

/** Reads ffmpeg's `-progress` text; `out_time_ms` counts microseconds in spite of its name. */
function progressReader(durationMs: number, onProgress: ((fraction: number) => void) | undefined) {
  return (chunk: Buffer): void => {
    const micros = [...chunk.toString('latin1').matchAll(/out_time_ms=(\d+)/g)].at(-1)?.[1]
    if (micros !== undefined && durationMs > 0) onProgress?.(Math.min(1, Number(micros) / 1000 / durationMs))
  }
}

/** A telling frame from near the beginning, as JPEG. */
export async function convertPoster(source: ConversionSource, recipe: Recipe, work: Work): Promise<ConvertedFile> {
  const { ffmpeg } = work
  if (!ffmpeg) throw invalidMedia('No video converter is installed at this site')
  const startMs = Math.min(numberOption(recipe, 'durationMs') * 0.1, 10_000)
  const frame =
    (await grabFrame(ffmpeg, source, recipe, startMs, work.signal)) ??
    (await grabFrame(ffmpeg, source, recipe, 0, work.signal))
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
  const data = Buffer.alloc(width * height * 3)
  let filled = 0
  await ffmpeg.run(
    [
      ...inputArgs(source.path, source.mediaType, { threads: ffmpeg.threads, startMs }),
      ...flags(`-map 0:v:0 -an -vf scale=${width}:${height},thumbnail=20 -frames:v 1`),
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
