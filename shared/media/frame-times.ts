import type { ConversionSource } from '../ports/media-converter.ts'
import type { FfmpegRunner } from './ffmpeg.ts'
import { isDiscarded, isKey, listPackets } from './packet-list.ts'

/** When the frames of a film are shown, in microseconds of its own clock, in order. */
export interface FrameTimes {
  /** Where the film begins, its sound included. */
  readonly startUs: number
  readonly shownUs: readonly number[]
  /** How long each is in the file, in the same order. */
  readonly bytes: readonly number[]
  /** Of those that need no other frame. */
  readonly keysUs: readonly number[]
}

/** Six hours at 60 frames a second, and half as many again. */
const framesMax = 2_000_000

/** Reads the times of all frames; undefined when the container does not say them, or has too many. */
export async function frameTimes(
  ffmpeg: FfmpegRunner,
  source: Pick<ConversionSource, 'path' | 'mediaType' | 'isOutline'>,
  signal: AbortSignal,
): Promise<FrameTimes | undefined> {
  const list = await listPackets(ffmpeg, source, { map: '0:v:0' }, signal)
  if (!list || list.bytes.length > framesMax) return undefined
  const { startUs, shownUs, bytes, flags } = list
  const at = (index: number): number => shownUs[index] ?? 0
  const shown = [...shownUs.keys()].filter((index) => !isDiscarded(flags[index])).sort((a, b) => at(a) - at(b))
  return {
    startUs,
    shownUs: shown.map(at),
    bytes: shown.map((index) => bytes[index] ?? 0),
    keysUs: shown.filter((index) => isKey(flags[index])).map(at),
  }
}
