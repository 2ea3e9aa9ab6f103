import type { FfmpegRunner } from './ffmpeg.ts'

export interface VideoWork {
  readonly workFolder: string
  readonly signal: AbortSignal
  readonly ffmpeg: FfmpegRunner | undefined
  readonly onProgress?: (fraction: number) => void
}

export type EncodingWork = VideoWork & { readonly ffmpeg: FfmpegRunner }
