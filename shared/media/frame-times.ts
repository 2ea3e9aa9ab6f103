import type { ConversionSource } from '../ports/media-converter.ts'
import { inputArgs } from './ffmpeg-input.ts'
import type { FfmpegRunner } from './ffmpeg.ts'
import { flags } from './flags.ts'
import { convertWallMsMax } from './limits.ts'

/** When the frames of a film are shown, in microseconds of its own clock, in order. */
export interface FrameTimes {
  /** Where the film begins, its sound included. */
  readonly startUs: number
  readonly shownUs: readonly number[]
  /** Of those that need no other frame. */
  readonly keysUs: readonly number[]
}

/** Six hours at 60 frames a second, and half as many again. */
const framesMax = 2_000_000
const lineBytesMax = 1024

/**
 * Reads the times of all packets of the picture without decoding one, by the same reader that will decode them. Undefined when
 * the container does not say when its frames are shown, or has too many of them.
 */
export async function frameTimes(
  ffmpeg: FfmpegRunner,
  source: Pick<ConversionSource, 'path' | 'mediaType'>,
  signal: AbortSignal,
): Promise<FrameTimes | undefined> {
  const reader = packetReader()
  const { messages } = await ffmpeg.run(
    [
      ...flags('-loglevel info -nostats -copyts'),
      ...inputArgs(source.path, source.mediaType, { threads: 1 }),
      ...flags('-map 0:v:0 -c copy -f framecrc pipe:1'),
    ],
    { signal, wallMsMax: convertWallMsMax, onOutput: reader.take },
  )
  const start = /Duration: [\d:.]+, start: (-?[\d.]+)/.exec(messages)?.[1]
  const packets = reader.result()
  if (start === undefined || !packets) return undefined
  return { startUs: Math.round(Number(start) * 1e6), ...packets }
}

const packetLine = /^0,\s*-?\w+,\s*(-?\d+),\s*-?\d+,\s*\d+, 0x[0-9a-f]+(?:, F=0x([0-9A-F]+))?/
const keyFlag = 1
const discardFlag = 4

/** Takes the text of ffmpeg's `framecrc`: `stream, dts, pts, duration, bytes, crc`, and the flags of all but plain key frames. */
function packetReader() {
  const shownUs: number[] = []
  const keysUs: number[] = []
  let rest = ''
  let tickUs = 0
  let isReadable = true
  const takeLine = (line: string): void => {
    const [, num, den] = /^#tb 0: (\d+)\/(\d+)/.exec(line) ?? []
    if (num !== undefined) tickUs = (Number(num) * 1e6) / Number(den)
    if (line === '' || line.startsWith('#')) return
    const [, pts, flagsText] = packetLine.exec(line) ?? []
    if (pts === undefined || shownUs.length >= framesMax) {
      isReadable = false
      return
    }
    const packetFlags = flagsText === undefined ? keyFlag : parseInt(flagsText, 16)
    if (packetFlags & discardFlag) return
    const us = Math.round(Number(pts) * tickUs)
    shownUs.push(us)
    if (packetFlags & keyFlag) keysUs.push(us)
  }
  const take = (chunk: Buffer): void => {
    if (!isReadable) return
    const lines = (rest + chunk.toString('latin1')).split('\n')
    rest = (lines.pop() ?? '').slice(0, lineBytesMax)
    for (const line of lines) takeLine(line)
  }
  const inOrder = (times: number[]): number[] => times.sort((a, b) => a - b)
  return {
    take,
    result: () => (isReadable && tickUs > 0 ? { shownUs: inOrder(shownUs), keysUs: inOrder(keysUs) } : undefined),
  }
}
