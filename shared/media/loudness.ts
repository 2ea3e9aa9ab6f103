import type { JsonObject } from '../domain/json.ts'
import type { ConversionSource } from '../ports/media-converter.ts'
import { inputArgs } from './ffmpeg-input.ts'
import type { FfmpegRunner } from './ffmpeg.ts'
import { flags } from './flags.ts'
import { convertWallMsMax, meteredMsMax } from './limits.ts'

/** What EBU R 128 says of a sound as a whole. */
export interface Loudness {
  /** Integrated, in LUFS. */
  readonly integrated: number
  /** Of full scale, in decibels: the highest sample, or what a wave through the samples reaches (ITU-R BS.1770, annex 2). */
  readonly peak: number
}

interface Metering {
  /** What the sound goes through first. */
  readonly filters?: readonly string[]
  readonly peak?: 'sample' | 'true'
}

/** One gain for all of a sound, so that what was quiet stays quieter than what was loud. */
export interface SoundGain {
  readonly decibels: number
  /** Peaks would clip, and are held. */
  readonly isLimited: boolean
}

/** What phones and streaming services play at. */
const targetLufs = -16
/** Decibels below full scale that sound may reach, so that a lossy encoder does not go above it. */
const peakMax = -1.5
/** Sound that is nearer to the target than this stays as it is. */
const missMax = 0.5
/** What is quieter than this is noise: it would only be made louder. */
const gainMax = 24
const roundsMax = 3

/** Two channels are louder than the one that they were made of: what is measured must be what is played. */
const stereo = 'aformat=channel_layouts=stereo'
/** Of one channel that is played by two, which together are as loud. */
const stereoGain = -10 * Math.log10(2)

/** Decodes the sound once and measures it; undefined for silence and for what is too short to be measured. */
export async function measureLoudness(
  ffmpeg: FfmpegRunner,
  source: Pick<ConversionSource, 'path' | 'mediaType'>,
  signal: AbortSignal,
  { filters = [stereo], peak: kind = 'sample' }: Metering = {},
): Promise<Loudness | undefined> {
  const meter = [...filters, `ebur128=peak=${kind}:framelog=verbose`].join(',')
  const { messages } = await ffmpeg.run(
    [
      ...flags('-loglevel info -nostats'),
      ...inputArgs(source.path, source.mediaType, { threads: ffmpeg.threads }),
      ...flags(`-map 0:a:0 -vn -sn -dn -af ${meter} -f null pipe:1`),
    ],
    { signal, wallMsMax: convertWallMsMax },
  )
  const summary = messages.slice(messages.lastIndexOf('Summary:'))
  const integrated = Number(/I:\s+(-?[\d.]+) LUFS/.exec(summary)?.[1])
  const peak = Number(/Peak:\s+(-?[\d.]+) dBFS/.exec(summary)?.[1])
  // The meter says -70 when nothing was loud enough to count.
  return integrated > -69 && Number.isFinite(peak) ? { integrated, peak } : undefined
}

/** What the record says of a sound: its loudness and true peak in the channels that it has; nothing of silence. */
export async function loudnessProperties(
  ffmpeg: FfmpegRunner,
  source: Pick<ConversionSource, 'path' | 'mediaType'>,
  { durationMs, channels }: { readonly durationMs: number; readonly channels: number },
  signal: AbortSignal,
): Promise<JsonObject> {
  if (durationMs * channels > meteredMsMax) return {}
  const found = await measureLoudness(ffmpeg, source, signal, { filters: [], peak: 'true' })
  return found ? { loudnessLufs: found.integrated, peakDb: found.peak } : {}
}

/** What `loudnessProperties` said, among other properties. */
export const toldLoudness = ({ loudnessLufs, peakDb }: JsonObject = {}): JsonObject =>
  loudnessLufs === undefined || peakDb === undefined ? {} : { loudnessLufs, peakDb }

/** What `loudnessProperties` said, as it is when two channels play it; undefined where that has to be measured. */
export function playedLoudness({ loudnessLufs, peakDb, channels }: JsonObject): Loudness | undefined {
  if (typeof loudnessLufs !== 'number' || typeof peakDb !== 'number') return undefined
  if (channels === 2) return { integrated: loudnessLufs, peak: peakDb }
  return channels === 1 ? { integrated: loudnessLufs, peak: peakDb + stereoGain } : undefined
}

/**
 * The gain that brings a sound to the target; undefined when it is there. Where peaks must be held for that, which takes
 * loudness away again, it is measured again with them held. What is `known` already is not measured first.
 */
export async function planGain(
  ffmpeg: FfmpegRunner,
  source: ConversionSource,
  signal: AbortSignal,
  known?: Loudness,
): Promise<SoundGain | undefined> {
  const found = known ?? (await measureLoudness(ffmpeg, source, signal))
  if (!found) return undefined
  let decibels = bounded(targetLufs - found.integrated)
  if (Math.abs(decibels) < missMax) return undefined
  if (found.peak + decibels <= peakMax) return { decibels, isLimited: false }
  for (let round = 1; round < roundsMax; round++) {
    const heard = await measureLoudness(ffmpeg, source, signal, { filters: gainFilters({ decibels, isLimited: true }) })
    const miss = targetLufs - (heard?.integrated ?? targetLufs)
    if (Math.abs(miss) < missMax) break
    decibels = bounded(decibels + miss)
  }
  return { decibels, isLimited: true }
}

const bounded = (gain: number): number => Math.round(Math.max(-60, Math.min(gainMax, gain)) * 10) / 10

export function gainFilters(gain: SoundGain | undefined): string[] {
  if (!gain) return []
  const limit = (10 ** (peakMax / 20)).toFixed(4)
  const held = gain.isLimited ? [`alimiter=limit=${limit}:level=false:attack=5:release=50`] : []
  return [stereo, `volume=${gain.decibels}dB`, ...held]
}
