import { heif, type HevcPicture } from './heifs.ts'
import { be32, box, latin } from './boxes.ts'

/** ISO/IEC 23008-12 and AV1-AVIF: one item, whose size is stated, and of whose pixels there are a few bytes. */
export function avif(width: number, height: number): Buffer {
  const head = box('ftyp', latin('avif\0\0\0\0avifmif1miafMA1B'))
  const properties = box(
    'ipco',
    box('ispe', be32(0, width, height)),
    box('pixi', be32(0), Buffer.from([3, 8, 8, 8])),
    box('av1C', Buffer.from('81200000', 'hex')),
  )
  const meta = (at: number): Buffer =>
    box(
      'meta',
      be32(0),
      box('hdlr', be32(0, 0), latin('pict'), Buffer.alloc(13)),
      box('pitm', be32(0), Buffer.from([0, 1])),
      box('iloc', Buffer.from('0000000044000001000100000001', 'hex'), be32(at, 16)),
      box('iinf', be32(0), Buffer.from([0, 1]), box('infe', Buffer.from('0200000000010000', 'hex'), latin('av01\0'))),
      box('iprp', properties, box('ipma', be32(0, 1), Buffer.from('000103010283', 'hex'))),
    )
  const size = head.length + meta(0).length + 8
  return Buffer.concat([head, meta(size), box('mdat', Buffer.from('12000a0b00000024cfffffdf5a9a2008', 'hex'))])
}

/** TIFF 6.0: directories that follow each other, each of a picture in grey, whose one strip is not there. */
export function tiff(side: number, count = 1): Buffer {
  const tags = [
    [256, side],
    [257, side],
    [258, 8],
    [259, 1],
    [262, 1],
    [273, 8],
    [277, 1],
    [278, side],
    [279, 1],
  ] as const
  const bytes = 2 + tags.length * 12 + 4
  const directories = Array.from({ length: count }, (_, index) => {
    const directory = Buffer.alloc(bytes)
    directory.writeUInt16LE(tags.length, 0)
    for (const [place, [tag, value]] of tags.entries()) {
      directory.writeUInt16LE(tag, 2 + place * 12)
      directory.writeUInt16LE(4, 4 + place * 12)
      directory.writeUInt32LE(1, 6 + place * 12)
      directory.writeUInt32LE(value, 10 + place * 12)
    }
    directory.writeUInt32LE(index + 1 < count ? 8 + (index + 1) * bytes : 0, bytes - 4)
    return directory
  })
  return Buffer.concat([Buffer.from('49492a0008000000', 'hex'), ...directories])
}

/** Of whose pixels there is a byte. */
const hevcOf = (width: number, height: number): HevcPicture => ({
  width,
  height,
  hvcC: Buffer.alloc(23, 1),
  frame: Buffer.alloc(1),
})

export const heic = (side: number): Buffer => heif([hevcOf(side, side)])

/** As many columns as rows, of a picture that says it is small. */
export const heicOfTiles = (columns: number, side: number): Buffer =>
  heif(
    Array.from({ length: columns ** 2 }, () => hevcOf(side, side)),
    { columns, stated: { width: 1_000, height: 1_000 } },
  )

/** A list of parts that holds nothing but boxes in each other. */
export function nestedHeic(depth: number): Buffer {
  const boxes = Buffer.alloc(depth * 8)
  for (let level = 0; level < depth; level++) {
    boxes.writeUInt32BE((depth - level) * 8, level * 8)
    boxes.write('ipco', level * 8 + 4, 'latin1')
  }
  return Buffer.concat([box('ftyp', latin('heic\0\0\0\0mif1heic')), box('meta', be32(0), boxes)])
}
