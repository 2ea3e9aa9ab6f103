import { readPart, withFile } from './file-parts.ts'
import { imagePixelsMax } from './limits.ts'
import { boxesIn, contentOf, fileBoxes } from './mp4-boxes.ts'
import { invalidMedia } from './reasons.ts'

/** What a HEIF file says of its main picture, true or not. */
export interface HeifHeader {
  /** The four letters of its codec, or of how it is put together. */
  readonly codec: string
}

/** Of a phone's 48 megapixels with depth, gain map and previews it is 30 KB. */
const metaBytesMax = 512 * 1024
/** A phone's picture of 100 megapixels has 400 tiles and its gain map 100 more. */
const itemsMax = 1_000
const propertiesMax = 4_000
const topBoxesMax = 1_000
/** Tiles reach over the edge of what they make. */
const tilePixelsMax = 2 * imagePixelsMax

/** Coded in HEVC, or made of pictures that are (ISO/IEC 23008-12, 6.6.2). */
const hevcTypes = new Set(['hvc1', 'hev1'])
const madeOfOthers = new Set(['grid', 'iden', 'iovl', 'tmap'])

/**
 * Reads the box that lists a file's pictures, and nothing of the pictures (ISO/IEC 23008-12). Throws `invalid-media` for what is
 * larger or more than is decoded.
 */
export async function readHeifHeader(path: string): Promise<HeifHeader> {
  const meta = await metaOf(path)
  if (!meta) throw namesNone()
  const types = itemTypes(meta)
  const primary = primaryOf(meta)
  const codec = primary === undefined ? undefined : types.get(primary)
  if (primary === undefined || codec === undefined) throw namesNone()
  const sizes = itemSizes(meta)
  for (const { width, height } of sizes.values()) {
    if (width * height > imagePixelsMax) {
      throw invalidMedia(
        `The image has ${width} x ${height} pixels; at most ${imagePixelsMax / 1e6} megapixels are converted`,
      )
    }
  }
  const parts = madeOfOthers.has(codec) ? partsOf(meta, primary) : [primary]
  const pixels = parts.reduce((sum, part) => sum + areaOf(sizes.get(part)), 0)
  if (pixels > tilePixelsMax) throw invalidMedia(`The image is put together of ${pixels} pixels`)
  const coded = parts.map((part) => types.get(part) ?? '').find((type) => !madeOfOthers.has(type))
  return { codec: coded ?? codec }
}

export const isHevc = ({ codec }: HeifHeader): boolean => hevcTypes.has(codec)

const areaOf = (size: Size | undefined): number => (size ? size.width * size.height : 0)

/** Without its own version and flags. */
function metaOf(path: string): Promise<Buffer | undefined> {
  return withFile(path, async (file) => {
    let boxes = 0
    for await (const { name, at, bytes, headerBytes } of fileBoxes(file)) {
      if (++boxes > topBoxesMax) throw invalidMedia(`The file has more than ${topBoxesMax} boxes`)
      if (name !== 'meta') continue
      if (bytes > metaBytesMax) throw invalidMedia(`The image lists its parts in ${bytes} bytes`)
      const content = await readPart(file, at + headerBytes, bytes - headerBytes)
      return content.subarray(4)
    }
    return undefined
  })
}

/** Numbers of two or four bytes, from `at` on; what lies behind the end is missing. */
function numberAt(data: Buffer, at: number, isLong: boolean): number {
  const bytes = isLong ? 4 : 2
  if (at + bytes > data.length) throw invalidMedia('The image is damaged: the list of its parts is cut off')
  return data.readUIntBE(at, bytes)
}

function primaryOf(meta: Buffer): number | undefined {
  const box = contentOf(meta, 'pitm')
  return box && numberAt(box, 4, box[0] !== 0)
}

/** ISO/IEC 14496-12, 8.11.6: the type of each item. */
function itemTypes(meta: Buffer): Map<number, string> {
  const types = new Map<number, string>()
  const box = contentOf(meta, 'iinf')
  if (!box) return types
  const from = box[0] === 0 ? 6 : 8
  const count = numberAt(box, 4, from === 8)
  if (count > itemsMax) throw tooMany('parts', count)
  for (const { at, bytes, headerBytes } of boxesIn(box, from, box.length)) {
    if (types.size > itemsMax) throw tooMany('parts', types.size)
    const entry = box.subarray(at + headerBytes, at + bytes)
    const isLong = entry[0] === 3
    types.set(numberAt(entry, 4, isLong), entry.toString('latin1', isLong ? 10 : 8, isLong ? 14 : 12))
  }
  return types
}

interface Size {
  readonly width: number
  readonly height: number
}

/** ISO/IEC 23008-12, 9.3 and 6.5.3: the largest size that is stated of each item, as it is coded. */
function itemSizes(meta: Buffer): Map<number, Size> {
  const sizes = new Map<number, Size>()
  const list = contentOf(meta, 'iprp', 'ipco')
  const box = contentOf(meta, 'iprp', 'ipma')
  if (!list || !box) return sizes
  const stated: (Size | undefined)[] = []
  for (const { name, at, headerBytes } of boxesIn(list, 0, list.length)) {
    if (stated.length >= propertiesMax) throw tooMany('properties', stated.length)
    const from = at + headerBytes + 4
    stated.push(
      name === 'ispe' ? { width: numberAt(list, from, true), height: numberAt(list, from + 4, true) } : undefined,
    )
  }
  const [isLongItem, isLongIndex] = [box[0] !== 0, ((box[3] ?? 0) & 1) === 1]
  const count = numberAt(box, 4, true)
  if (count > itemsMax) throw tooMany('parts', count)
  let at = 8
  for (let entry = 0; entry < count; entry++) {
    const item = numberAt(box, at, isLongItem)
    at += isLongItem ? 4 : 2
    const links = box[at++] ?? 0
    for (let link = 0; link < links; link++) {
      const index = isLongIndex ? numberAt(box, at, false) & 0x7fff : (box[at] ?? 0) & 0x7f
      at += isLongIndex ? 2 : 1
      const size = stated[index - 1]
      if (size && areaOf(size) >= areaOf(sizes.get(item))) sizes.set(item, size)
    }
  }
  return sizes
}

/** ISO/IEC 14496-12, 8.11.12: what an item is derived from. */
function partsOf(meta: Buffer, item: number): number[] {
  const box = contentOf(meta, 'iref')
  if (!box) return []
  const isLong = box[0] !== 0
  const step = isLong ? 4 : 2
  for (const { name, at, headerBytes } of boxesIn(box, 4, box.length)) {
    const from = at + headerBytes
    if (name !== 'dimg' || numberAt(box, from, isLong) !== item) continue
    const count = numberAt(box, from + step, false)
    if (count > itemsMax) throw tooMany('tiles', count)
    return Array.from({ length: count }, (_, index) => numberAt(box, from + step + 2 + index * step, isLong))
  }
  return []
}

const namesNone = (): Error => invalidMedia('The image is damaged: it does not say where its picture is')
const tooMany = (what: string, count: number): Error => invalidMedia(`The image has ${count} ${what}`)
