import { crc32, deflateSync, gzipSync } from 'node:zlib'
import { be32, box, latin } from './boxes.ts'
import { avif, heic, heicOfTiles, nestedHeic, tiff } from './picture-bombs.ts'
import { aiff, asf, flac, flv } from './timed-bombs.ts'

/** A small file that claims to be huge, or that would keep a reader busy. */
interface Bomb {
  readonly name: string
  readonly declared: string
  /** What the refusal says; nothing for what is stored as it is. */
  readonly refusal?: RegExp
  readonly bytes: () => Buffer
}

const le32 = (value: number): Buffer => be32(value).reverse()
const riff = (name: string, ...content: readonly Buffer[]): Buffer => {
  const inside = Buffer.concat(content)
  return Buffer.concat([latin(name), le32(inside.length), inside, Buffer.alloc(inside.length % 2)])
}

function png(width: number, height: number, ...extra: readonly Buffer[]): Buffer {
  const chunk = (name: string, data: Buffer): Buffer => {
    const body = Buffer.concat([latin(name), data])
    return Buffer.concat([be32(data.length), body, be32(crc32(body))])
  }
  const header = Buffer.concat([be32(width, height), Buffer.from([1, 0, 0, 0, 0])])
  const pixels = chunk('IDAT', deflateSync(Buffer.alloc(1_000_000)))
  const begin = Buffer.from('89504e470d0a1a0a', 'hex')
  return Buffer.concat([begin, chunk('IHDR', header), ...extra, pixels, chunk('IEND', Buffer.alloc(0))])
}

/** ITU-T T.81, B.2: a frame header, and of what it promises a single byte. */
const jpeg = (side: number): Buffer => {
  const size = Buffer.from([side >> 8, side & 255, side >> 8, side & 255])
  const table = Buffer.concat([Buffer.from('ffdb004300', 'hex'), Buffer.alloc(64, 1)])
  return Buffer.concat([
    Buffer.from('ffd8', 'hex'),
    table,
    Buffer.from('ffc0000b08', 'hex'),
    size,
    Buffer.from('01011100ffda0008010100003f0000ffd9', 'hex'),
  ])
}

function gifOfFrames(count: number): Buffer {
  const frame = Buffer.from('21f9040001000000' + '2c000000000100010000' + '02024c0100', 'hex')
  return Buffer.concat([
    Buffer.from('47494638396101000100800000000000ffffff', 'hex'),
    ...Array.from({ length: count }, () => frame),
    Buffer.from('3b', 'hex'),
  ])
}

/** A canvas as a header states it, in three bytes a side (RFC 9649, 2.7). */
function webp(side: number): Buffer {
  const length = le32(side - 1).subarray(0, 3)
  const canvas = Buffer.concat([Buffer.from('02000000', 'hex'), length, length])
  const animation = riff('ANIM', Buffer.alloc(6))
  const image = riff('VP8L', Buffer.from('2f00000000071011118888080000', 'hex'))
  return riff('RIFF', latin('WEBP'), riff('VP8X', canvas), animation, riff('ANMF', Buffer.alloc(16), image))
}

const movie = (timescale: number, ticks: number, ...tracks: readonly Buffer[]): Buffer =>
  Buffer.concat([
    box('ftyp', latin('isom\x00\x00\x02\x00isommp41')),
    box('moov', box('mvhd', be32(0, 0, 0, timescale, ticks), Buffer.alloc(80)), ...tracks),
    box('mdat', Buffer.alloc(100)),
  ])
const track = (width: number, height: number): Buffer =>
  box('trak', box('tkhd', Buffer.alloc(76), be32(width << 16, height << 16)))

/** RFC 8794: every size in four bytes. */
const element = (id: string, ...content: readonly Buffer[]): Buffer => {
  const inside = Buffer.concat(content)
  return Buffer.concat([Buffer.from(id, 'hex'), be32(0x10000000 | inside.length), inside])
}
function matroska(kind: 'matroska' | 'webm', hours: number, side: number): Buffer {
  const ticks = Buffer.alloc(8)
  ticks.writeDoubleBE(hours * 3_600_000)
  const picture = element('e0', element('b0', be32(side)), element('ba', be32(side)))
  const about = element('1549a966', element('2ad7b1', be32(1_000_000)), element('4489', ticks))
  const tracks = element('1654ae6b', element('ae', element('83', Buffer.from([1])), picture))
  return Buffer.concat([element('1a45dfa3', element('4282', latin(kind))), element('18538067', about, tracks)])
}

function wav(bytesPerSecond: number, stated?: number): Buffer {
  const format = Buffer.concat([
    Buffer.from('01000100', 'hex'),
    le32(8_000),
    le32(bytesPerSecond),
    Buffer.from('01000800', 'hex'),
  ])
  const whole = riff('RIFF', latin('WAVE'), riff('fmt ', format), riff('data', Buffer.alloc(100_000)))
  if (stated !== undefined) whole.writeUInt32LE(stated, 4)
  return whole
}

/** A film of a frame a second, whose pictures are told of and are not there. */
function avi(side: number, frames: number): Buffer {
  const list = (name: string, ...content: readonly Buffer[]): Buffer => riff('LIST', latin(name), ...content)
  const bitmap = Buffer.concat([...[40, side, side, 1].map(le32), latin('MJPG'), Buffer.alloc(20)])
  const main = riff(
    'avih',
    le32(1_000_000),
    Buffer.alloc(12),
    le32(frames),
    Buffer.alloc(12),
    le32(64),
    le32(64),
    Buffer.alloc(16),
  )
  const track = list('strl', riff('strh', latin('vidsMJPG'), Buffer.alloc(48)), riff('strf', bitmap))
  return riff('RIFF', latin('AVI '), list('hdrl', main, track), list('movi', Buffer.alloc(10_000)))
}

/** One local header of a zip whose content grows a thousandfold. */
const zip = (): Buffer => {
  const packed = deflateSync(Buffer.alloc(10_000_000))
  return Buffer.concat([
    Buffer.from('504b0304140000000800', 'hex'),
    Buffer.alloc(8),
    le32(packed.length),
    Buffer.alloc(12),
    packed,
  ])
}

const drawing = (inside: string): string => `<svg xmlns="http://www.w3.org/2000/svg">${inside}</svg>`
const tooLong = /longer than six hours/

export const bombs: readonly Bomb[] = [
  { name: 'PNG of 16,000 x 16,000', declared: 'image/png', refusal: /16000 x 16000/, bytes: () => png(16_000, 16_000) },
  { name: 'JPEG of 65,000 x 65,000', declared: 'image/jpeg', refusal: /65000 x 65000/, bytes: () => jpeg(65_000) },
  { name: 'WebP of 16,383 x 16,383', declared: 'image/webp', refusal: /16383 x 16383/, bytes: () => webp(16_383) },
  // Sides above that are none to its reader, and above 2^32 pixels the format itself allows none.
  {
    name: 'WebP of 65,000 x 65,000',
    declared: 'image/webp',
    refusal: /bad image dimensions/,
    bytes: () => webp(65_000),
  },
  {
    name: 'WebP of 16,777,216 x 16,777,216',
    declared: 'image/webp',
    refusal: /corrupt header/,
    bytes: () => webp(2 ** 24),
  },
  { name: 'GIF of 100,000 frames', declared: 'image/gif', refusal: /20000 frames/, bytes: () => gifOfFrames(100_000) },
  {
    name: 'APNG of 4,000,000 frames',
    declared: 'image/png',
    refusal: /4000000 frames/,
    bytes: () => png(64, 64, be32(8), latin('acTL'), be32(4_000_000, 0), be32(0)),
  },
  {
    name: 'AVIF of 65,000 x 65,000',
    declared: 'image/avif',
    refusal: /65000 x 65000/,
    bytes: () => avif(65_000, 65_000),
  },
  {
    name: 'HEIC of 100,000 x 100,000',
    declared: 'image/heic',
    refusal: /100000 x 100000/,
    bytes: () => heic(100_000),
  },
  {
    name: 'HEIC of 900 tiles of 50 megapixels',
    declared: 'image/heic',
    refusal: /put together of 44999136900 pixels/,
    bytes: () => heicOfTiles(30, 7_071),
  },
  { name: 'HEIC of 10,000 parts', declared: 'image/heic', refusal: /10001 parts/, bytes: () => heicOfTiles(100, 64) },
  {
    name: 'HEIC of 60,000 boxes in each other',
    declared: 'image/heic',
    refusal: /where its picture is/,
    bytes: () => nestedHeic(60_000),
  },
  {
    name: 'HEIC that lists its parts in 8 MB',
    declared: 'image/heic',
    refusal: /in 8000\d+ bytes/,
    bytes: () => nestedHeic(1_000_000),
  },
  { name: 'TIFF of 100,000 x 100,000', declared: 'image/tiff', refusal: /100000 x 100000/, bytes: () => tiff(100_000) },
  { name: 'TIFF of 100,000 pages', declared: 'image/tiff', refusal: /20000 frames/, bytes: () => tiff(64, 100_000) },
  { name: 'AVI of 10,000 hours', declared: 'video/x-msvideo', refusal: tooLong, bytes: () => avi(64, 36_000_000) },
  {
    name: 'AVI of 65,000 x 65,000',
    declared: 'video/x-msvideo',
    refusal: /65000 x 65000/,
    bytes: () => avi(65_000, 10),
  },
  { name: 'MP4 of 10,000 hours', declared: 'video/mp4', refusal: tooLong, bytes: () => movie(1, 36_000_000) },
  {
    name: 'MP4 of 65,000 x 65,000',
    declared: 'video/mp4',
    refusal: /65000 x 65000/,
    bytes: () => movie(1_000, 1_000, track(64, 48), track(65_000, 65_000)),
  },
  {
    name: 'Matroska of 10,000 hours',
    declared: 'video/matroska',
    refusal: tooLong,
    bytes: () => matroska('matroska', 10_000, 64),
  },
  {
    name: 'WebM of 65,000 x 65,000',
    declared: 'video/webm',
    refusal: /65000 x 65000/,
    bytes: () => matroska('webm', 1, 65_000),
  },
  {
    name: 'WAV that lies about its length',
    declared: 'audio/wav',
    refusal: /cut off/,
    bytes: () => wav(8_000, 4_000_000_000),
  },
  { name: 'FLAC of 10,000 hours', declared: 'audio/flac', refusal: tooLong, bytes: () => flac(10_000) },
  { name: 'AIFF of 10,000 hours', declared: 'audio/aiff', refusal: tooLong, bytes: () => aiff(10_000) },
  { name: 'FLV of 10,000 hours', declared: 'video/x-flv', refusal: tooLong, bytes: () => flv(10_000) },
  { name: 'ASF of 10,000 hours', declared: 'video/x-ms-asf', refusal: tooLong, bytes: () => asf(10_000) },
  { name: 'WAV of a byte a second', declared: 'audio/wav', refusal: tooLong, bytes: () => wav(1) },
  {
    name: 'SVG of entities that grow',
    declared: 'image/svg+xml',
    refusal: /entities/,
    bytes: () => latin(`<!DOCTYPE svg [<!ENTITY a "aa"><!ENTITY b "&a;&a;">]>${drawing('&b;')}`),
  },
  {
    name: 'SVG of 100,000 levels',
    declared: 'image/svg+xml',
    refusal: /nested deeper/,
    bytes: () => latin(drawing('<g>'.repeat(100_000))),
  },
  {
    name: 'SVG of a width with a million digits',
    declared: 'image/svg+xml',
    refusal: /ends in the middle/,
    bytes: () =>
      latin(
        `<svg xmlns="http://www.w3.org/2000/svg" width="${'1'.repeat(1_000_000)}!" style="fill:url(${' '.repeat(1_000_000)}#a">`,
      ),
  },
  { name: 'markup of forty prologues', declared: 'text/xml', bytes: () => latin(`${'<!DOCTYPE a>'.repeat(40)}&`) },
  { name: 'markup of forty comments', declared: 'text/xml', bytes: () => latin(`${'<!---->'.repeat(40)}&`) },
  { name: 'zip that grows a thousandfold', declared: 'application/zip', bytes: zip },
  {
    name: 'gzip that grows a thousandfold',
    declared: 'application/gzip',
    bytes: () => gzipSync(Buffer.alloc(50_000_000)),
  },
  { name: 'JSON of a million levels', declared: 'application/json', bytes: () => latin('['.repeat(1_000_000)) },
]
