import { deflateRawSync, inflateRawSync } from 'node:zlib'

/**
 * Where the segments of one track lie in its file: the header (`ftyp`, `moov`) from byte 0, the index (`sidx`) after it,
 * then one segment after the other to the end of the file.
 */
export interface SegmentIndex {
  readonly initBytes: number
  readonly indexBytes: number
  /** Ticks a second. */
  readonly timescale: number
  readonly segments: readonly Segment[]
}

export interface Segment {
  readonly ticks: number
  readonly bytes: number
}

/** A segment index as a record holds it: about four characters a segment. */
export type PackedSegments = {
  initBytes: number
  indexBytes: number
  timescale: number
  count: number
  /** Base64 of raw DEFLATE of 32-bit little-endian numbers: every duration in ticks, then every length in bytes. */
  table: string
}

/** Six hours in segments of six seconds are 3,600; more than this is no index of ours. */
export const segmentsMax = 20_000

export function packSegments({ initBytes, indexBytes, timescale, segments }: SegmentIndex): PackedSegments {
  const numbers = [...segments.map(({ ticks }) => ticks), ...segments.map(({ bytes }) => bytes)]
  const raw = Buffer.alloc(numbers.length * 4)
  for (const [index, value] of numbers.entries()) raw.writeUInt32LE(value, index * 4)
  const table = deflateRawSync(raw, { level: 9 }).toString('base64')
  return { initBytes, indexBytes, timescale, count: segments.length, table }
}

/** Throws when the table is damaged. */
export function unpackSegments({ initBytes, indexBytes, timescale, count, table }: PackedSegments): SegmentIndex {
  if (!(count > 0 && count <= segmentsMax)) throw new RangeError(`An index of ${count} segments`)
  const raw = inflateRawSync(Buffer.from(table, 'base64'), { maxOutputLength: count * 8 })
  const segments = Array.from({ length: count }, (_, index) => ({
    ticks: raw.readUInt32LE(index * 4),
    bytes: raw.readUInt32LE((count + index) * 4),
  }))
  return { initBytes, indexBytes, timescale, segments }
}
