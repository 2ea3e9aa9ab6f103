import type { FileHandle } from 'node:fs/promises'
import type { ByteRange } from '../ports/object-store.ts'
import { sniffBytes } from './limits.ts'
import { boxAt, boxesIn, contentOf, fileBoxes, type Box } from './mp4-boxes.ts'
import { readSamples, type Samples } from './sample-table.ts'

/** A track by its place in the file, as ffmpeg counts them. */
export interface MovieTrack {
  /** `vide`, `soun`, `text`, `sbtl`, `tmcd` ... */
  readonly handler: string
  /** Undefined when its tables are not in perfect order. */
  samples(): Samples | undefined
}

const boxesMax = 200
const indexBytesMax = 128 * 2 ** 20
/** Another box than the index is read whole up to this; what is larger is no index of anything. */
const smallBoxBytesMax = 2 ** 20
const headerBytes = 16
const media = new Set(['mdat', 'free', 'skip', 'wide'])
const first = new Set(['ftyp', 'moov', 'pnot', ...media])

/**
 * The bytes that tell where everything lies in an MP4 or a QuickTime film: its beginning, the headers of its boxes, `moov`
 * whole. Undefined for other files, for fragments, whose index is all over the film, and for an index that is not to be believed.
 */
export async function movieOutline(
  bytes: number,
  read: (range: ByteRange) => Promise<Buffer>,
): Promise<ByteRange[] | undefined> {
  const found: ByteRange[] = [{ first: 0, last: Math.min(bytes, sniffBytes) - 1 }]
  let movies = 0
  for (let at = 0, boxes = 0; at + 8 <= bytes; boxes++) {
    const header = await read({ first: at, last: Math.min(at + headerBytes, bytes) - 1 })
    const box = boxIn(header, bytes - at)
    if (!box || boxes >= boxesMax || (at === 0 && !first.has(box.name)) || box.name === 'moof') return undefined
    const isIndex = box.name === 'moov'
    if (isIndex && (++movies > 1 || box.bytes > indexBytesMax)) return undefined
    const isWhole = isIndex || (!media.has(box.name) && box.bytes <= smallBoxBytesMax)
    found.push({ first: at, last: at + (isWhole ? box.bytes : header.length) - 1 })
    at += box.bytes
  }
  return movies === 1 ? found : undefined
}

function boxIn(header: Buffer, left: number): Box | undefined {
  try {
    return boxAt(header, 0, left)
  } catch {
    return undefined
  }
}

/** The tracks of a film whose outline is in `file`; undefined when they are described in a way that readers take differently. */
export async function readMovie(file: FileHandle): Promise<readonly MovieTrack[] | undefined> {
  const movie = await readIndex(file)
  if (!movie) return undefined
  const boxes = [...boxesIn(movie, 0, movie.length)]
  if (boxes.some(({ name }) => name === 'mvex' || name === 'cmov')) return undefined
  const header = contentOf(movie, 'mvhd')
  const scale = header?.readUInt32BE(header[0] === 1 ? 20 : 12) ?? 0
  if (scale === 0) return undefined
  return boxes.flatMap((box) =>
    box.name === 'trak' ? [trackOf(movie.subarray(box.at + box.headerBytes, box.at + box.bytes), scale)] : [],
  )
}

async function readIndex(file: FileHandle): Promise<Buffer | undefined> {
  for await (const box of fileBoxes(file)) {
    if (box.name !== 'moov') continue
    const data = Buffer.alloc(box.bytes - box.headerBytes)
    await file.read(data, 0, data.length, box.at + box.headerBytes)
    return data
  }
  return undefined
}

function trackOf(track: Buffer, movieScale: number): MovieTrack {
  const handler = contentOf(track, 'mdia', 'hdlr')?.toString('latin1', 8, 12) ?? ''
  const samples = (): Samples | undefined => {
    const [clock, stbl] = [contentOf(track, 'mdia', 'mdhd'), contentOf(track, 'mdia', 'minf', 'stbl')]
    const scale = clock?.readUInt32BE(clock[0] === 1 ? 20 : 12)
    const isPlain = ['edts', 'mdia'].every((name) => countOf(track, name) <= 1) && isSingle(track)
    const shiftUs = scale && isPlain ? shiftOf(contentOf(track, 'edts', 'elst'), { scale, movieScale }) : undefined
    return scale && stbl && shiftUs !== undefined ? readSamples(stbl, { scale, shiftUs }) : undefined
  }
  return { handler, samples }
}

const countOf = (data: Buffer, name: string): number =>
  [...boxesIn(data, 0, data.length)].filter((box) => box.name === name).length

function isSingle(track: Buffer): boolean {
  const [mdia, minf] = [contentOf(track, 'mdia'), contentOf(track, 'mdia', 'minf')]
  return mdia !== undefined && minf !== undefined && countOf(mdia, 'minf') === 1 && countOf(minf, 'stbl') === 1
}

/**
 * How much later than by its own clock a track is shown: ISO/IEC 14496-12, 8.6.6. Undefined when it is cut of more than one piece.
 */
function shiftOf(
  list: Buffer | undefined,
  { scale, movieScale }: { readonly scale: number; readonly movieScale: number },
): number | undefined {
  if (!list) return 0
  const isLong = list[0] === 1
  const [entryBytes, half] = isLong ? [20, 8] : [12, 4]
  let emptyUs = 0
  for (let at = 8; at + entryBytes <= list.length; at += entryBytes) {
    const duration = isLong ? Number(list.readBigUInt64BE(at)) : list.readUInt32BE(at)
    const begin = isLong ? Number(list.readBigInt64BE(at + half)) : list.readInt32BE(at + half)
    if (begin >= 0) {
      const isOnly = at + entryBytes >= list.length && list.readInt32BE(at + entryBytes - 4) === 0x10000
      return isOnly ? emptyUs - (begin * 1e6) / scale : undefined
    }
    emptyUs += (duration * 1e6) / movieScale
  }
  return undefined
}
