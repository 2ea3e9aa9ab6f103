import { readFile } from 'node:fs/promises'
import type { Workbench } from './workbench.ts'
import { be32, box, latin } from './boxes.ts'

const be16 = (...values: readonly number[]): Buffer =>
  Buffer.from(values.flatMap((value) => [(value >> 8) & 255, value & 255]))

/** A picture in HEVC: its parameter sets, and its one frame. */
export interface HevcPicture {
  readonly width: number
  readonly height: number
  readonly hvcC: Buffer
  readonly frame: Buffer
}

/** What is put around the pictures. */
export interface HeifOptions {
  readonly major?: string
  readonly brands?: string
  readonly exif?: Buffer
  readonly xmp?: string
  /** Properties of the main picture as whole boxes, in the order in which they apply. */
  readonly properties?: readonly Buffer[]
  /** How many pictures stand beside each other; more of them make more rows. Without it there is one picture. */
  readonly columns?: number
  /** What `ispe` says, if not the truth. */
  readonly stated?: { readonly width: number; readonly height: number }
}

/** Quarter turns against the clock. */
export const turned = (quarters: number): Buffer => box('irot', Buffer.from([quarters]))
/** Top and bottom change places (0), or left and right (1). */
export const mirrored = (axis: 0 | 1): Buffer => box('imir', Buffer.from([axis]))
export const profiled = (icc: Buffer): Buffer => box('colr', latin('prof'), icc)
/** Code points of ITU-T H.273. */
export const coloured = (primaries: number, transfer: number, matrix: number): Buffer =>
  box('colr', latin('nclx'), be16(primaries, transfer, matrix), Buffer.from([0x80]))

/** Encodes one frame; `source` is a filter graph of ffmpeg's lavfi, or a file. */
export async function hevcPicture(
  bench: Workbench,
  input: readonly string[],
  { width, height, format = 'yuv420p' }: { width: number; height: number; format?: string },
): Promise<HevcPicture> {
  const coder = ['-frames:v', '1', '-c:v', 'libx265', '-pix_fmt', format, '-x265-params']
  const range = 'log-level=error:keyint=1:range=full:crf=8:pools=1'
  const filters = ['-vf', `scale=${width}:${height}:out_range=full:out_color_matrix=bt601`]
  const path = await bench.film('picture.hevc', ...input, ...filters, ...coder, range, '-f', 'hevc')
  const units = unitsOf(await readFile(path))
  const typeOf = (unit: Buffer): number => ((unit[0] ?? 0) >> 1) & 63
  const sets = [32, 33, 34].map((type) => units.filter((unit) => typeOf(unit) === type))
  const frames = units.filter((unit) => typeOf(unit) < 32)
  return {
    width,
    height,
    hvcC: hvcC(sets, format.endsWith('10le') ? 10 : 8),
    frame: Buffer.concat(frames.flatMap((unit) => [be32(unit.length), unit])),
  }
}

/** ITU-T H.265, B.1: what stands between start codes. */
function unitsOf(stream: Buffer): Buffer[] {
  const starts: number[] = []
  for (let at = stream.indexOf('000001', 0, 'hex'); at >= 0; at = stream.indexOf('000001', at + 3, 'hex'))
    starts.push(at)
  return starts.map((start, index) => {
    let end = starts[index + 1] ?? stream.length
    while (stream[end - 1] === 0) end--
    return stream.subarray(start + 3, end)
  })
}

/** ISO/IEC 14496-15, 8.3.3.1; the profile is copied from the sequence's own parameters. */
function hvcC(sets: readonly (readonly Buffer[])[], depth: number): Buffer {
  const plain = Buffer.from(
    (sets[1]?.[0] ?? Buffer.alloc(0)).toString('hex').replaceAll(/000003(?=0[0-3])/g, '0000'),
    'hex',
  )
  const arrays = sets.map((units, index) =>
    Buffer.concat([
      Buffer.from([0x80 | (32 + index)]),
      be16(units.length),
      ...units.flatMap((unit) => [be16(unit.length), unit]),
    ]),
  )
  return Buffer.concat([
    Buffer.from([1]),
    plain.subarray(3, 15),
    Buffer.from([0xf0, 0, 0xfc, 0xfd, 0xf8 | (depth - 8), 0xf8 | (depth - 8), 0, 0, 0x0f, arrays.length]),
    ...arrays,
  ])
}

interface Item {
  readonly type: string
  readonly data: Buffer
  readonly properties: readonly Buffer[]
  readonly contentType?: string
  readonly refersTo?: { readonly as: string; readonly items: readonly number[] }
}

/** ISO/IEC 23008-12: one picture, or a grid of several that are equally large. */
export function heif(pictures: readonly HevcPicture[], options: HeifOptions = {}): Buffer {
  const { properties = [], columns, exif, xmp } = options
  const [first] = pictures
  if (!first) throw new Error('There is no picture')
  const rows = columns ? pictures.length / columns : 1
  const size = options.stated ?? { width: first.width * (columns ?? 1), height: first.height * rows }
  const extent = (width: number, height: number): Buffer => box('ispe', be32(0, width, height))
  const coded = pictures.map(
    ({ width, height, hvcC: sets, frame }): Item => ({
      type: 'hvc1',
      data: frame,
      properties: [
        box('hvcC', sets),
        columns ? extent(width, height) : extent(size.width, size.height),
        ...(columns ? [] : properties),
      ],
    }),
  )
  const items: Item[] = [...coded]
  if (columns) {
    items.push({
      type: 'grid',
      data: Buffer.concat([Buffer.from([0, 1, rows - 1, columns - 1]), be32(size.width, size.height)]),
      properties: [extent(size.width, size.height), ...properties],
      refersTo: { as: 'dimg', items: coded.map((_, index) => index + 1) },
    })
  }
  const primary = items.length
  const about = { properties: [], refersTo: { as: 'cdsc', items: [primary] } }
  if (exif) items.push({ type: 'Exif', data: Buffer.concat([be32(0), exif]), ...about })
  if (xmp) items.push({ type: 'mime', contentType: 'application/rdf+xml', data: Buffer.from(xmp), ...about })
  return file(items, primary, options)
}

function file(items: readonly Item[], primary: number, { major = 'heic', brands = 'mif1heic' }: HeifOptions): Buffer {
  const head = box('ftyp', latin(`${major}\0\0\0\0${brands}`))
  const meta = (at: number): Buffer => {
    let end = at
    const places = items.map(({ data }) => (end += data.length) - data.length)
    const texts = items.map(({ properties }) => properties.map((property) => property.toString('latin1')))
    const all = [...new Set(texts.flat())]
    return box(
      'meta',
      be32(0),
      box('hdlr', be32(0, 0), latin('pict'), Buffer.alloc(13)),
      box('pitm', be32(0), be16(primary)),
      box(
        'iloc',
        be32(0),
        be16(0x4400, items.length),
        ...items.flatMap(({ data }, item) => [be16(item + 1, 0, 1), be32(places[item] ?? 0, data.length)]),
      ),
      box('iinf', be32(0), be16(items.length), ...items.map(itemInfo)),
      box(
        'iref',
        be32(0),
        ...items.flatMap(({ refersTo }, item) =>
          refersTo ? [box(refersTo.as, be16(item + 1, refersTo.items.length, ...refersTo.items))] : [],
        ),
      ),
      box(
        'iprp',
        box('ipco', latin(all.join(''))),
        box(
          'ipma',
          be32(0, items.length),
          ...texts.map((each, item) =>
            Buffer.concat([be16(item + 1), Buffer.from([each.length, ...each.map((text) => all.indexOf(text) + 1)])]),
          ),
        ),
      ),
    )
  }
  const at = head.length + meta(0).length + 8
  return Buffer.concat([head, meta(at), box('mdat', ...items.map(({ data }) => data))])
}

const itemInfo = ({ type, contentType }: Item, item: number): Buffer =>
  box('infe', be32(0x02000000), be16(item + 1, 0), latin(`${type}\0`), latin(contentType ? `${contentType}\0` : ''))
