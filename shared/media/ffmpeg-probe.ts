import { inputArgs } from './ffmpeg-input.ts'
import type { FfmpegRunner } from './ffmpeg.ts'
import { probeCpuMsMax, probeWallMsMax } from './limits.ts'
import { invalidMedia, tidyReason } from './reasons.ts'
import { isHdrTransfer, type HdrTransfer } from './tone-map.ts'
import type { AudioTrack, Tracks, VideoTrack } from './track-probe.ts'

/** Asks ffmpeg what is in a file, for containers that `probeTracks` doesn't know. Throws `invalid-media`. */
export async function probeWithFfmpeg(
  ffmpeg: FfmpegRunner,
  path: string,
  mediaType: string,
  signal: AbortSignal,
): Promise<Tracks> {
  // Without an output ffmpeg prints what it found and exits with 1.
  const args = ['-loglevel', 'info', ...inputArgs(path, mediaType, { threads: 1 })]
  const { messages } = await ffmpeg.run(args, {
    signal,
    wallMsMax: probeWallMsMax,
    cpuMsMax: probeCpuMsMax,
    anyExit: true,
  })
  return parseProbe(messages)
}

/** What the track reader does not tell of a film. */
export interface FilmDetails {
  /** How brightness is written, when it is a way of high dynamic range. */
  readonly transfer?: HdrTransfer
  /** Tracks of text, by their place among all tracks. */
  readonly captions: readonly { readonly stream: number; readonly language?: string }[]
}

const captionsMax = 16

/** Never throws for what is in the file: a film without details is a film. */
export async function probeDetails(
  ffmpeg: FfmpegRunner,
  path: string,
  mediaType: string,
  signal: AbortSignal,
): Promise<FilmDetails> {
  const args = ['-loglevel', 'info', ...inputArgs(path, mediaType, { threads: 1 })]
  const { messages } = await ffmpeg.run(args, {
    signal,
    wallMsMax: probeWallMsMax,
    cpuMsMax: probeCpuMsMax,
    anyExit: true,
  })
  const lines = messages.split('\n').filter((line) => /^\s*Stream #0/.test(line))
  const picture = lines.find((line) => / Video: /.test(line) && !/attached pic/.test(line)) ?? ''
  const transfer = /\/(smpte2084|arib-std-b67)\b/.exec(picture)?.[1]
  const captions = lines.flatMap((line) => captionsOf(line) ?? []).slice(0, captionsMax)
  return { captions, ...(isHdrTransfer(transfer) && { transfer }) }
}

/** Tracks of pictures, as discs have them, are no text. */
function captionsOf(line: string): FilmDetails['captions'][number] | undefined {
  const found = /Stream #0:(\d+)(?:\[\w+\])?(?:\((\w+)\))?: Subtitle: (mov_text|subrip|webvtt|ass|ssa|text)\b/.exec(
    line,
  )
  const [, stream, language] = found ?? []
  if (stream === undefined) return undefined
  const isKnown = language !== undefined && language !== 'und' && /^[a-z]{2,3}$/.test(language)
  return { stream: Number(stream), ...(isKnown && { language }) }
}

/** Reads the summary that `ffmpeg -i` prints. */
function parseProbe(messages: string): Tracks {
  const streams = messages.split('\n').filter((line) => /^\s*Stream #0/.test(line))
  const video = streams.map(videoOf).find((track) => track !== undefined)
  const audio = streams.map(audioOf).find((track) => track !== undefined)
  if (!video && !audio)
    throw invalidMedia(`The media has no track that can be read: ${tidyReason(lastFault(messages))}`)
  const [, hours, minutes, seconds] = /Duration: (\d+):(\d\d):(\d\d\.\d+)/.exec(messages) ?? []
  const durationMs = Math.round(((Number(hours ?? 0) * 60 + Number(minutes ?? 0)) * 60 + Number(seconds ?? 0)) * 1000)
  const rotation = rotationOf(messages)
  return { durationMs, ...(video && { video: rotated(video, rotation) }), ...(audio && { audio }) }
}

/** Degrees clockwise: older releases print a `rotate` tag, newer ones only the matrix, whose angle runs the other way. */
function rotationOf(messages: string): number {
  const tag = /^\s*rotate\s*:\s*(-?\d+)/m.exec(messages)?.[1]
  const matrix = /rotation of (-?\d+)/.exec(messages)?.[1]
  return tag === undefined ? -Number(matrix ?? 0) : Number(tag)
}

function videoOf(line: string): VideoTrack | undefined {
  if (/\(attached pic\)/.test(line)) return undefined
  const codec = /Video: ([\w-]+)/.exec(line)?.[1]
  const [, width, height] = /, (\d{1,5})x(\d{1,5})/.exec(line) ?? []
  if (!codec || codec === 'none' || !width || !height) return undefined
  const [, across, down] = /SAR (\d+):(\d+)/.exec(line) ?? []
  const shape = Number(across ?? 1) / Number(down ?? 1) || 1
  const rate = /([\d.]+) fps/.exec(line)?.[1]
  return {
    codec: codec === 'h264' ? 'avc' : codec,
    codecString: '',
    width: Math.round(Number(width) * shape),
    height: Number(height),
    rotation: 0,
    ...(rate !== undefined && { framesPerSecond: Number(rate) }),
  }
}

function audioOf(line: string): AudioTrack | undefined {
  const codec = /Audio: ([\w-]+)/.exec(line)?.[1]
  const sampleRate = /, (\d+) Hz/.exec(line)?.[1]
  if (!codec || codec === 'none' || !sampleRate) return undefined
  const layout = /Hz, ([\w.]+)/.exec(line)?.[1]
  const channels = { mono: 1, stereo: 2, '5.1': 6, '7.1': 8 }[layout ?? ''] ?? 2
  return { codec, codecString: '', channels, sampleRate: Number(sampleRate) }
}

function rotated(track: VideoTrack, degrees: number): VideoTrack {
  const rotation = (Math.round(degrees / 90) * 90 + 720) % 360
  const turned = rotation % 180 === 90
  return { ...track, rotation, width: turned ? track.height : track.width, height: turned ? track.width : track.height }
}

const lastFault = (messages: string): string =>
  messages
    .split('\n')
    .filter((line) => /Invalid|not found|error|could not/i.test(line))
    .at(-1)
    ?.replace(/\[[^\]]* @ 0x[0-9a-f]+\] /, '') ?? 'its header is damaged'
