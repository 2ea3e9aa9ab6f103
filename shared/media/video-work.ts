import type { ContainerReader } from './container-reader.ts'
import type { FfmpegRunner } from './ffmpeg.ts'
import type { Loudness, SoundGain } from './loudness.ts'

export interface VideoWork {
  readonly workFolder: string
  readonly signal: AbortSignal
  readonly ffmpeg: FfmpegRunner | undefined
  readonly reader: ContainerReader
  readonly onProgress?: (fraction: number) => void
  /** Of the source, as it is played; what is missing is measured. */
  readonly loudness?: Loudness | undefined
  /** What is done to the sound where it is encoded. */
  readonly gain?: SoundGain
}

export type EncodingWork = VideoWork & { readonly ffmpeg: FfmpegRunner }
