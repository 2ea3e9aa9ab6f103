import type { ConversionSource } from '../ports/media-converter.ts'
import { inputArgs } from './ffmpeg-input.ts'
import type { FfmpegRunner } from './ffmpeg.ts'
import { flags } from './flags.ts'
import { convertWallMsMax } from './limits.ts'

/** What ffmpeg is to read of a film. */
export interface Reading {
  /** As in `-map`: `0:v:0`. */
  readonly map: string
  /** After the film's beginning, where `-ss` takes it. */
  readonly startMs?: number
  readonly takeMs?: number
}

/** The pieces of a track as ffmpeg reads them, in order of decoding; times in microseconds of the film's own clock. */
export interface PacketList {
  /** Where the film begins, its sound included. */
  readonly startUs: number
  readonly tickUs: number
  /** Not a number where nobody says it. */
  readonly decodedUs: readonly number[]
  readonly shownUs: readonly number[]
  readonly bytes: readonly number[]
  /** As ffmpeg's `framecrc` has them: Adler-32 that begins with 0. */
  readonly checksums: readonly number[]
  /** See `isKey` and `isDiscarded`. */
  readonly flags: readonly number[]
}

/** Needs no other frame. */
export const isKey = (packetFlags: number | undefined): boolean => ((packetFlags ?? 0) & 1) !== 0
/** Is read, but not shown. */
export const isDiscarded = (packetFlags: number | undefined): boolean => ((packetFlags ?? 0) & 4) !== 0

const lineBytesMax = 1024
const packetsMax = 3_000_000

/**
 * Lists what ffmpeg reads, without decoding it, by the same reader that will decode it. With `isOutline` no packet is looked into, for
 * films of which only the outline is there. Undefined when the container does not say when its packets are decoded and shown, or has too
 * many of them.
 */
export async function listPackets(
  ffmpeg: FfmpegRunner,
  source: Pick<ConversionSource, 'path' | 'mediaType' | 'isOutline'>,
  reading: Reading,
  signal: AbortSignal,
): Promise<PacketList | undefined> {
  const { map, ...range } = reading
  const reader = packetReader()
  const { messages } = await ffmpeg.run(
    [
      ...flags('-loglevel info -nostats -copyts -noaccurate_seek'),
      ...(source.isOutline ? flags('-fflags +nofillin+noparse') : []),
      ...inputArgs(source.path, source.mediaType, { threads: 1, ...range }),
      ...flags(`-map ${map} -c copy -f framecrc pipe:1`),
    ],
    { signal, wallMsMax: convertWallMsMax, onOutput: reader.take },
  )
  const start = /Duration: [\d:.]+, start: (-?[\d.]+)/.exec(messages)?.[1]
  const found = reader.result()
  if (start === undefined || !found) return undefined
  return { startUs: Math.round(Number(start) * 1e6), ...found }
}

const packetLine = /^0,\s*(-?\w+),\s*(-?\d+),\s*-?\d+,\s*(\d+), 0x([0-9a-f]+)(?:, F=0x([0-9A-F]+))?/
/** Of a packet without any said. */
const keyFlag = 1

/** Takes the text of ffmpeg's `framecrc`: `stream, dts, pts, duration, bytes, crc`, and the flags of all but plain key frames. */
function packetReader() {
  const found = { decodedUs: [], shownUs: [], bytes: [], checksums: [], flags: [] } as Record<
    'decodedUs' | 'shownUs' | 'bytes' | 'checksums' | 'flags',
    number[]
  >
  let rest = ''
  let tickUs = 0
  let isReadable = true
  const takeLine = (line: string): void => {
    const [, num, den] = /^#tb 0: (\d+)\/(\d+)/.exec(line) ?? []
    if (num !== undefined) tickUs = (Number(num) * 1e6) / Number(den)
    if (line === '' || line.startsWith('#')) return
    const [, dts, pts, bytes, checksum, flagsText] = packetLine.exec(line) ?? []
    if (dts === undefined || found.bytes.length >= packetsMax) {
      isReadable = false
      return
    }
    found.decodedUs.push(Math.round(Number(dts) * tickUs))
    found.shownUs.push(Math.round(Number(pts) * tickUs))
    found.bytes.push(Number(bytes))
    found.checksums.push(parseInt(checksum ?? '', 16))
    found.flags.push(flagsText === undefined ? keyFlag : parseInt(flagsText, 16))
  }
  const take = (chunk: Buffer): void => {
    if (!isReadable) return
    const lines = (rest + chunk.toString('latin1')).split('\n')
    rest = (lines.pop() ?? '').slice(0, lineBytesMax)
    for (const line of lines) takeLine(line)
  }
  return { take, result: () => (isReadable && tickUs > 0 ? { ...found, tickUs } : undefined) }
}
