import type { FileHandle } from 'node:fs/promises'
import { fieldsOf, spansIn } from './box-spans.ts'
import type { Stated } from './stated.ts'

const tracksMax = 64
const unknown = 0xffff_ffff

/** ISO/IEC 14496-12: the duration in `mvhd` (8.2.2), and the sizes in `tkhd` (8.3.2). Reads headers alone, at any depth. */
export async function statedInMp4(file: FileHandle): Promise<Stated> {
  const { size } = await file.stat()
  const movie = (await spansIn(file, { from: 0, to: size })).find(({ name }) => name === 'moov')
  if (!movie) return {}
  const inside = await spansIn(file, movie)
  const header = inside.find(({ name }) => name === 'mvhd')
  const sizes: { width: number; height: number }[] = []
  for (const track of inside.filter(({ name }) => name === 'trak').slice(0, tracksMax)) {
    const found = (await spansIn(file, track)).find(({ name }) => name === 'tkhd')
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
