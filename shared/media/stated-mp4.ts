import type { FileHandle } from 'node:fs/promises'
import type { Stated } from './stated.ts'

interface Box {
  readonly name: string
  readonly from: number
  readonly to: number
}

const boxesMax = 1_000
const tracksMax = 64
/** Enough of `mvhd` and of `tkhd`, in either version. */
const fieldBytes = 100
const unknown = 0xffff_ffff

/** ISO/IEC 14496-12: the duration in `mvhd` (8.2.2), and the sizes in `tkhd` (8.3.2). Reads headers alone, at any depth. */
export async function statedInMp4(file: FileHandle): Promise<Stated> {
  const { size } = await file.stat()
  const movie = (await boxesOf(file, 0, size)).find(({ name }) => name === 'moov')
  if (!movie) return {}
  const inside = await boxesOf(file, movie.from, movie.to)
  const header = inside.find(({ name }) => name === 'mvhd')
  const sizes: { width: number; height: number }[] = []
  for (const track of inside.filter(({ name }) => name === 'trak').slice(0, tracksMax)) {
    const found = (await boxesOf(file, track.from, track.to)).find(({ name }) => name === 'tkhd')
    if (found) sizes.push(sizeIn(await fieldsOf(file, found)))
  }
  return { sizes, ...(header && { durationMs: durationIn(await fieldsOf(file, header)) }) }
}

function durationIn(fields: Buffer): number {
  const isLong = fields[0] === 1
  const scale = fields.readUInt32BE(isLong ? 20 : 12)
  const ticks = isLong ? Number(fields.readBigUInt64BE(24)) : fields.readUInt32BE(16)
  const isKnown = scale > 0 && ticks !== unknown && ticks < 2 ** 63
  return isKnown ? (ticks / scale) * 1000 : 0
}

/** In 16.16 fixed point. */
function sizeIn(fields: Buffer): { width: number; height: number } {
  const at = fields[0] === 1 ? 88 : 76
  return { width: fields.readUInt32BE(at) >>> 16, height: fields.readUInt32BE(at + 4) >>> 16 }
}

/** What is cut off counts as zeros. */
async function fieldsOf(file: FileHandle, { from }: Box): Promise<Buffer> {
  const { buffer } = await file.read(Buffer.alloc(fieldBytes), 0, fieldBytes, from)
  return buffer
}

/** Ends at the first box that cannot be: whether the file is whole is looked at elsewhere. */
async function boxesOf(file: FileHandle, from: number, to: number): Promise<Box[]> {
  const found: Box[] = []
  const header = Buffer.alloc(16)
  for (let at = from; at + 8 <= to && found.length < boxesMax; ) {
    await file.read(header.fill(0), 0, 16, at)
    const short = header.readUInt32BE(0)
    const bytes = short === 1 ? Number(header.readBigUInt64BE(8)) : short === 0 ? to - at : short
    const headerBytes = short === 1 ? 16 : 8
    if (bytes < headerBytes) break
    found.push({ name: header.toString('latin1', 4, 8), from: at + headerBytes, to: Math.min(to, at + bytes) })
    at += bytes
  }
  return found
}
