import { crc32 } from 'node:zlib'
import sharp, { type Sharp } from 'sharp'
import { be32, box, latin } from './boxes.ts'

/** Animations that the library for pictures cannot write: each has frames of one colour. */
interface Frames {
  readonly side: number
  readonly colours: readonly string[]
  /** Put in front of what tells of the animation. */
  readonly before?: readonly Buffer[]
}

const signatureBytes = 8

/** PNG 3, 11.3.6: the first frame is the picture itself, the others are kept in chunks of their own. */
export async function apng({ side, colours, before = [] }: Frames): Promise<Buffer> {
  const stills = await Promise.all(colours.map((colour) => filled(side, colour).png().toBuffer()))
  const parts = stills.map((still) => chunksOf(still))
  const first = parts[0] ?? []
  let sequence = 0
  const control = (): Buffer => pngChunk('fcTL', be32(sequence++, side, side, 0, 0), Buffer.from('006403e80000', 'hex'))
  const frames = parts.flatMap((chunks, index) => [
    control(),
    ...chunks
      .filter(({ name }) => name === 'IDAT')
      .map(({ data }) => (index === 0 ? pngChunk('IDAT', data) : pngChunk('fdAT', be32(sequence++), data))),
  ])
  const header = first.filter(({ name }) => name === 'IHDR').map(({ data }) => pngChunk('IHDR', data))
  const end = pngChunk('IEND')
  const mark = Buffer.from('89504e470d0a1a0a', 'hex')
  return Buffer.concat([mark, ...header, ...before, pngChunk('acTL', be32(colours.length, 0)), ...frames, end])
}

/** A chunk of PNG with its checksum. */
export function pngChunk(name: string, ...content: readonly Buffer[]): Buffer {
  const body = Buffer.concat([latin(name), ...content])
  return Buffer.concat([be32(body.length - 4), body, be32(crc32(body))])
}

function chunksOf(png: Buffer): { readonly name: string; readonly data: Buffer }[] {
  const chunks: { name: string; data: Buffer }[] = []
  for (let at = signatureBytes; at < png.length; ) {
    const bytes = png.readUInt32BE(at)
    chunks.push({ name: png.toString('latin1', at + 4, at + 8), data: png.subarray(at + 8, at + 8 + bytes) })
    at += bytes + 12
  }
  return chunks
}

/** A still AVIF in front, and a track whose every sample is a key frame (AV1 Image File Format 1.1, 3). */
export async function avifSequence({ side, colours }: Frames): Promise<Buffer> {
  const stills = await Promise.all(colours.map((colour) => filled(side, colour).avif().toBuffer()))
  const [first = Buffer.alloc(0)] = stills
  const samples = stills.map((still) => contentAfter(still, 'mdat'))
  const config = first.subarray(first.indexOf('av1C') - 4, first.indexOf('av1C') - 4 + 12)
  // The brand that says so takes the place of the one for stills, so that the picture stays where it is.
  const still = Buffer.from(first)
  still.write('avis', 8, 'latin1')
  const samplesAt = still.length + 8
  const movie = pictureTrack({ side, samples, config, samplesAt })
  return Buffer.concat([still, box('mdat', ...samples), movie])
}

function contentAfter(file: Buffer, name: string): Buffer {
  const at = file.indexOf(name, 0, 'latin1')
  return file.subarray(at + 4, at - 4 + file.readUInt32BE(at - 4))
}

const [ticksPerSecond, ticksPerFrame] = [10, 1]

/** ISO/IEC 14496-12, 8: a film of one track of pictures. */
function pictureTrack(track: {
  readonly side: number
  readonly samples: readonly Buffer[]
  readonly config: Buffer
  readonly samplesAt: number
}): Buffer {
  const { side, samples, config, samplesAt } = track
  const ticks = samples.length * ticksPerFrame
  const matrix = be32(0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x40000000)
  const size = Buffer.from([side >> 8, side & 255, side >> 8, side & 255])
  const entry = box(
    'av01',
    Buffer.from('0000000000000001', 'hex'),
    Buffer.alloc(16),
    size,
    be32(0x480000, 0x480000, 0),
    Buffer.from('0001', 'hex'),
    Buffer.alloc(32),
    Buffer.from('0018ffff', 'hex'),
    config,
  )
  const table = box(
    'stbl',
    box('stsd', be32(0, 1), entry),
    box('stts', be32(0, 1, samples.length, ticksPerFrame)),
    box('stsc', be32(0, 1, 1, samples.length, 1)),
    box('stsz', be32(0, 0, samples.length, ...samples.map(({ length }) => length))),
    box('stco', be32(0, 1, samplesAt)),
  )
  const media = box(
    'mdia',
    box('mdhd', be32(0, 0, 0, ticksPerSecond, ticks, 0x55c40000)),
    box('hdlr', be32(0, 0), latin('pict'), Buffer.alloc(13)),
    box('minf', box('vmhd', be32(1, 0, 0)), box('dinf', box('dref', be32(0, 1), box('url ', be32(1)))), table),
  )
  const header = box('tkhd', be32(3, 0, 0, 1, 0, ticks, 0, 0, 0, 0), matrix, be32(side << 16, side << 16))
  const about = box(
    'mvhd',
    be32(0, 0, 0, ticksPerSecond, ticks, 0x10000, 0x1000000, 0, 0),
    matrix,
    Buffer.alloc(24),
    be32(2),
  )
  return box('moov', about, box('trak', header, media))
}

const filled = (side: number, colour: string): Sharp =>
  sharp({ create: { width: side, height: side, channels: 3, background: colour } })
