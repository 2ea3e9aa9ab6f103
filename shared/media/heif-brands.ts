/** Major brands of ISO/IEC 23008-12 that say little or nothing of the codec. */
const generalBrands = new Set(['mif1', 'mif2', 'msf1', 'miaf', '1pic'])
/** Pictures in HEVC (B.4.1); sequences of it have names of their own. */
const hevcBrands = new Set(['heic', 'heix', 'heim', 'heis'])
const brandsBytesMax = 1024

/** What the brands of a file's first box say; undefined when they name no picture. */
export function heifTypeOf(head: Buffer): string | undefined {
  if (head.length < 16 || head.toString('latin1', 4, 8) !== 'ftyp') return undefined
  const end = Math.min(head.readUInt32BE(0), head.length, brandsBytesMax)
  const major = head.toString('latin1', 8, 12)
  if (!generalBrands.has(major) && !hevcBrands.has(major)) return undefined
  const brands = [major, ...Array.from({ length: Math.max(0, (end - 16) >> 2) }, (_, at) => brandAt(head, 16 + at * 4))]
  if (brands.some((brand) => hevcBrands.has(brand))) return 'image/heic'
  if (brands.includes('avif')) return 'image/avif'
  return brands.includes('mif1') || major !== 'msf1' ? 'image/heif' : 'image/heif-sequence'
}

const brandAt = (head: Buffer, at: number): string => head.toString('latin1', at, at + 4)
