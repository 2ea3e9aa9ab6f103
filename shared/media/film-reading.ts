import type { FileHandle } from 'node:fs/promises'
import type { ConversionSource, FilmPart, FilmPlan, PicturePart, Recipe } from '../ports/media-converter.ts'
import type { ByteRange } from '../ports/object-store.ts'
import type { FfmpegRunner } from './ffmpeg.ts'
import { readPart } from './file-parts.ts'
import type { MovieTrack } from './movie-index.ts'
import { listPackets, type PacketList, type Reading } from './packet-list.ts'
import { posterReadings } from './poster.ts'
import { numberOption } from './recipe-options.ts'
import type { Samples } from './sample-table.ts'
import { isCaptions } from './video.ts'
import { isSound } from './video-ladder.ts'

/** Decoding begins at the last key frame before this long before a part, whatever a container means by a time. */
export const leadMs = 1_000
/** Frames are shown in another order than they are decoded in, and decoders read ahead of what they give. */
const aheadMs = 2_000

/** What ffmpeg reads to make a part, and until when at least. */
type PartReading = Reading & { readonly untilUs?: number }

/** Where the input of a part of the picture begins, after the film's beginning; undefined for the first. */
export function pictureStartMs({ fromUs, atUs }: PicturePart, lead: number): number | undefined {
  const startMs = Math.floor(atUs / 1000) - lead
  return fromUs !== undefined && startMs > 0 ? startMs : undefined
}

/** The readings by which a part is made; undefined when it is made of everything. */
export function readingsOf(part: FilmPart, { recipes }: Pick<FilmPlan, 'recipes'>): PartReading[] | undefined {
  switch (part.kind) {
    case 'sound':
      return recipes.some(isSound) ? [{ map: '0:a:0' }] : []
    case 'extras':
      if (recipes.some(({ options }) => options.copy === true)) return undefined
      return recipes.flatMap((recipe: Recipe): PartReading[] => {
        if (recipe.name === 'poster') return posterReadings(recipe).map((range) => ({ map: '0:v:0', ...range }))
        return isCaptions(recipe) ? [{ map: `0:${numberOption(recipe, 'stream')}` }] : []
      })
    case 'picture': {
      const startMs = pictureStartMs(part, leadMs)
      const { toUs, firstUs, atUs } = part
      if (toUs === undefined) return [{ map: '0:v:0', ...(startMs !== undefined && { startMs }) }]
      const takeMs = Math.ceil((toUs - firstUs + atUs) / 1000) - (startMs ?? 0) + aheadMs
      return [{ map: '0:v:0', takeMs, untilUs: toUs, ...(startMs !== undefined && { startMs }) }]
    }
  }
}

/** Where in the file lies what ffmpeg reads, packet by packet. */
export interface Found {
  readonly list: PacketList
  readonly offsets: readonly number[]
}

/**
 * Asks ffmpeg which packets it reads, and the film's index where they lie. Undefined unless both agree, packet by packet, on when they
 * are shown and how long they are.
 */
export async function findPackets(
  ffmpeg: FfmpegRunner,
  source: ConversionSource,
  {
    reading,
    tracks,
    signal,
  }: { readonly reading: PartReading; readonly tracks: readonly MovieTrack[]; readonly signal: AbortSignal },
): Promise<Found | undefined> {
  const { untilUs, ...read } = reading
  const samples = trackOf(tracks, read.map)?.samples()
  const list = samples && (await listPackets(ffmpeg, source, read, signal))
  if (!list || list.bytes.length === 0) return undefined
  const located = locate(list, samples)
  if (!located) return undefined
  const decodedUs = list.decodedUs.at(-1) ?? Number.NaN
  if (untilUs !== undefined && !located.isToEnd && !(decodedUs >= untilUs)) return undefined
  return { list, offsets: located.offsets }
}

function trackOf(tracks: readonly MovieTrack[], map: string): MovieTrack | undefined {
  const [, kind, stream] = /^0:(?:([va]):0|(\d+))$/.exec(map) ?? []
  if (stream !== undefined) return tracks[Number(stream)]
  return tracks.find(({ handler }) => handler === (kind === 'v' ? 'vide' : 'soun'))
}

function locate(list: PacketList, samples: Samples): { offsets: number[]; isToEnd: boolean } | undefined {
  const sizes = samples.isCounted ? weighed(list, samples) : samples.sizes
  const firstUs = list.shownUs[0] ?? 0
  let index = samples.shownUs.findIndex((us) => Math.abs(us - firstUs) <= list.tickUs * 1.5 + 1)
  if (index < 0 || !sizes) return undefined
  const offsets: number[] = []
  let within = 0
  for (const bytes of list.bytes) {
    while (index < sizes.length && within === sizes[index]) {
      index++
      within = 0
    }
    if (bytes === 0 || bytes > packetBytesMax) return undefined
    // Sound that is merely counted comes in pieces of its chunks, everything else as it is in the film.
    const left = (sizes[index] ?? 0) - within
    if (samples.isCounted ? bytes > left : bytes !== left) return undefined
    offsets.push((samples.offsets[index] ?? 0) + within)
    within += bytes
  }
  return { offsets, isToEnd: index >= sizes.length - 1 }
}

/** A whole sound's chunks in bytes, from how many there are in all. */
function weighed({ bytes }: PacketList, { sizes }: Samples): Float64Array | undefined {
  const perSample = bytes.reduce((sum, each) => sum + each, 0) / sizes.reduce((sum, each) => sum + each, 0)
  const all = sizes.map((count) => count * perSample)
  return all.every(Number.isInteger) ? all : undefined
}

/** Ranges in order that do not touch. */
export function joinedRanges(ranges: readonly ByteRange[]): ByteRange[] {
  const joined: { first: number; last: number }[] = []
  for (const { first, last } of ranges.toSorted((a, b) => a.first - b.first)) {
    const before = joined.at(-1)
    if (before && first <= before.last + 1) before.last = Math.max(before.last, last)
    else joined.push({ first, last })
  }
  return joined
}

const windowBytes = 128 * 1024
/** Ten times what the largest frame has. */
const packetBytesMax = 2 ** 30

/** Whether the bytes that ffmpeg reads are those that lie where the index says, none of them a hole's by mistake. */
export async function isReadAsFound(file: FileHandle, { list, offsets }: Found, signal: AbortSignal): Promise<boolean> {
  let [from, data]: [number, Uint8Array] = [0, Buffer.alloc(0)]
  for (const [index, offset] of offsets.entries()) {
    const bytes = list.bytes[index] ?? 0
    if (offset < from || offset + bytes > from + data.length) {
      signal.throwIfAborted()
      data = await readPart(file, offset, Math.max(bytes, windowBytes))
      from = offset
    }
    const packet = data.subarray(offset - from, offset - from + bytes)
    if (packet.length !== bytes || adler(packet) !== list.checksums[index]) return false
  }
  return true
}

/** So many bytes can be summed up before the sums must be divided. */
const adlerBytes = 5_552

/** Adler-32 (RFC 1950, 8.2), which begins with 0 here. */
function adler(data: Uint8Array): number {
  let [a, b] = [0, 0]
  for (let at = 0; at < data.length; ) {
    for (const last = Math.min(at + adlerBytes, data.length); at < last; at++) {
      a += data[at] ?? 0
      b += a
    }
    a %= 65_521
    b %= 65_521
  }
  return b * 65_536 + a
}
