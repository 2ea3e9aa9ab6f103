import { flags } from './flags.ts'
import type { Rung } from './ladder.ts'
import { convertedBytesMax } from './limits.ts'

/** Segments of this length; a film of more than an hour has longer ones, so that its index stays small. */
export const segmentMsOf = (durationMs: number): number => (durationMs > 3_600_000 ? 6_000 : 4_000)

/**
 * H.264 at a stated level, a key frame at the first frame of every segment and nowhere else: by the clock, not by counting
 * frames, so that the segments of all rungs begin together whatever the frame rate does.
 */
export const h264Args = (rung: Rung, options: { readonly threads: number; readonly segmentMs: number }): string[] =>
  flags(
    [
      '-c:v libx264 -preset veryfast -crf 23 -profile:v high -pix_fmt yuv420p',
      `-level:v ${rung.level} -maxrate ${rung.bitsPerSecondMax} -bufsize ${2 * rung.bitsPerSecondMax}`,
      `-g 10000 -sc_threshold 0 -force_key_frames expr:gte(t,n_forced*${options.segmentMs / 1000})`,
      // A frame is shown for as long as it was, not doubled to keep a rate that was guessed.
      `-vsync vfr -threads ${options.threads}`,
    ].join(' '),
  )

/**
 * H.265 as `h264Args` does H.264, in two thirds of its rate. Players of Apple's know it by `hvc1` alone. Nothing of the encoder
 * is written into the film, so that parts of several workers are alike.
 */
export const hevcArgs = (rung: Rung, options: { readonly threads: number; readonly segmentMs: number }): string[] => {
  const kilobits = Math.round(rung.bitsPerSecondMax / 1000)
  const params = [
    'keyint=10000:min-keyint=1:scenecut=0:open-gop=0:info=0:log-level=error',
    `vbv-maxrate=${kilobits}:vbv-bufsize=${2 * kilobits}:pools=${options.threads}`,
  ].join(':')
  return flags(
    [
      `-c:v libx265 -preset fast -crf 27 -pix_fmt yuv420p -tag:v hvc1 -x265-params ${params}`,
      `-forced-idr 1 -force_key_frames expr:gte(t,n_forced*${options.segmentMs / 1000}) -vsync vfr`,
    ].join(' '),
  )
}

/**
 * AV1 as `h264Args` does H.264, in half of its rate at most, at the encoder's quickest. Key frames come where they are asked for
 * alone: its own would be where no other rung has one.
 */
export const av1Args = (rung: Rung, options: { readonly threads: number; readonly segmentMs: number }): string[] =>
  flags(
    [
      `-c:v libaom-av1 -strict experimental -cpu-used 8 -row-mt 1 -crf 34 -b:v ${rung.bitsPerSecondMax} -pix_fmt yuv420p`,
      `-g 10000 -keyint_min 10000 -force_key_frames expr:gte(t,n_forced*${options.segmentMs / 1000})`,
      `-vsync vfr -threads ${options.threads}`,
    ].join(' '),
  )

export const aacArgs = flags('-c:a aac -b:a 128k -ac 2 -ar 48000')

/** Sound that begins late begins with silence, and gaps are filled: it stays beside its picture in a file of its own. */
export const steadySound = 'aresample=async=1:min_hard_comp=0.1:first_pts=0'

/** Chapters and tags go: phones write the place of the recording there. */
export const untagged = flags('-map_metadata -1 -map_chapters -1 -sn -dn -max_muxing_queue_size 2048')

/** A whole MP4 with its index in front. */
export const mp4To = (path: string): string[] => [
  ...flags(`-movflags +faststart -fs ${convertedBytesMax} -f mp4 -y`),
  `file:${path}`,
]

/** One track in fragments that begin with key frames, or, for sound, about every `fragmentMs`. */
export const fragmentsTo = (path: string, fragmentMs?: number): string[] => [
  ...flags(
    `-movflags +delay_moov+default_base_moof+skip_trailer+negative_cts_offsets${fragmentMs ? '' : '+frag_keyframe'}`,
  ),
  ...(fragmentMs ? ['-frag_duration', String(fragmentMs * 1000)] : []),
  ...flags(`-fs ${convertedBytesMax} -f mp4 -y`),
  `file:${path}`,
]

export const progressArgs = flags('-progress pipe:1 -nostats')

/** Reads ffmpeg's `-progress` text; `out_time_ms` counts microseconds in spite of its name. */
export function progressReader(durationMs: number, onProgress: ((fraction: number) => void) | undefined) {
  return (chunk: Buffer): void => {
    const micros = [...chunk.toString('latin1').matchAll(/out_time_ms=(\d+)/g)].at(-1)?.[1]
    if (micros !== undefined && durationMs > 0) onProgress?.(Math.min(1, Number(micros) / 1000 / durationMs))
  }
}

/** A part of the whole progress. */
export const progressShare =
  (onProgress: ((fraction: number) => void) | undefined, from: number, to: number) =>
  (fraction: number): void =>
    onProgress?.(from + fraction * (to - from))
