import { createReadStream, createWriteStream } from 'node:fs'
import { pipeline } from 'node:stream/promises'
import { segmentsMax, type Segment, type SegmentIndex } from '../domain/segments.ts'
import { readFragments } from './fragments.ts'
import { invalidMedia } from './reasons.ts'

/** A segment may begin this much early: a frame is rarely just at the second. */
export const earlyShare = 0.9

/**
 * Makes one CMAF track file of the fragmented MP4 that an encoder wrote: header, one index over all segments, segments of
 * at least `segmentMs`. Players of DASH read the index themselves; playlists of HLS are written from what is returned.
 */
export async function packageTrack(
  from: string,
  to: string,
  options: { readonly segmentMs: number; readonly signal: AbortSignal },
): Promise<SegmentIndex> {
  const made = await readFragments(from)
  const segments = inSegments(made.fragments, (options.segmentMs * earlyShare * made.timescale) / 1000)
  if (segments.length > segmentsMax) throw invalidMedia(`The media has ${segments.length} segments`)
  const index = segmentBox(segments, made.timescale, made.firstTicks)
  const head = Buffer.concat([brands, made.header, index])
  const body = createReadStream(from, { start: made.from, end: made.to - 1, highWaterMark: 1 << 20 })
  const target = createWriteStream(to)
  target.write(head)
  await pipeline(body, target, { signal: options.signal })
  const initBytes = brands.length + made.header.length
  return { initBytes, indexBytes: index.length, timescale: made.timescale, segments }
}

/** Joins fragments until a segment is long enough. */
function inSegments(fragments: readonly Segment[], ticksMin: number): Segment[] {
  const segments: { ticks: number; bytes: number }[] = []
  for (const { ticks, bytes } of fragments) {
    const last = segments.at(-1)
    if (last && last.ticks < ticksMin) {
      last.ticks += ticks
      last.bytes += bytes
    } else segments.push({ ticks, bytes })
  }
  return segments
}

function box(name: string, ...content: readonly Buffer[]): Buffer {
  const length = Buffer.alloc(4)
  length.writeUInt32BE(8 + content.reduce((sum, part) => sum + part.length, 0))
  return Buffer.concat([length, Buffer.from(name, 'latin1'), ...content])
}

const words = (...values: readonly number[]): Buffer => {
  const data = Buffer.alloc(values.length * 4)
  for (const [index, value] of values.entries()) data.writeUInt32BE(value, index * 4)
  return data
}

/** ISO/IEC 23000-19 (CMAF) and ISO/IEC 23009-1 (DASH). */
const brands = box('ftyp', Buffer.from('iso6\0\0\0\0iso6cmfcdashmp41', 'latin1'))

/** ISO/IEC 14496-12, 8.16.3: every segment begins with a picture that needs no other. */
function segmentBox(segments: readonly Segment[], timescale: number, firstTicks: number): Buffer {
  const first = Buffer.alloc(16)
  first.writeBigUInt64BE(BigInt(firstTicks), 0)
  const count = words(segments.length)
  const rows = segments.map(({ ticks, bytes }) => words(bytes, ticks, 0x90000000))
  return box('sidx', words(0x01000000, 1, timescale), first, count, ...rows)
}
