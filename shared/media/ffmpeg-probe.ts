import { inputArgs, type FfmpegRunner } from './ffmpeg.ts'
import { probeWallMsMax } from './limits.ts'
import { invalidMedia, tidyReason } from './reasons.ts'
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
  const { messages } = await ffmpeg.run(args, { signal, wallMsMax: probeWallMsMax, anyExit: true })
  return parseProbe(messages)
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
