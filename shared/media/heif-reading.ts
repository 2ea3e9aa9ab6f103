import { open, readFile, rename } from 'node:fs/promises'
import { hdrCodes, hdrCurve, isHdrCode, type HdrCode } from './hdr-curve.ts'
import { heifSideMax, loadLibheif, type Libheif } from './libheif.ts'
import { profileOfPrimaries } from './made-profile.ts'
import { writePlainTiff, type PlainPicture } from './plain-tiff.ts'
import { invalidMedia } from './reasons.ts'

/** What a HEIF file says of its main picture beside the pixels. In base64. */
export interface HeifFound {
  readonly exif?: string
  readonly xmp?: string
  /** The transfer of a picture in high dynamic range; its pixels are drawn in. */
  readonly hdr?: (typeof hdrCodes)[HdrCode]
}

export interface HeifWanted {
  readonly path: string
  /** Where the pixels go, as a TIFF. */
  readonly target: string
  /** What `findHeifDecoder` found. */
  readonly decoder: string
}

/** libheif/heif_image.h, of 1.23. */
const colourspaceRgb = 1
const chromaRgb = { 3: 10, 4: 11 } as const
/** Two bytes a colour, the lower first. */
const chromaDeep = { 3: 14, 4: 15 } as const
const channelInterleaved = 10
/** Of `heif_decoding_options`: where it says that damage is an error. */
const strictAt = 21
/** Of `heif_color_profile_nclx`. */
const [primariesAt, transferAt] = [4, 8]
/** The first four bytes of a profile type. */
const isIcc = new Set([fourLetters('prof'), fourLetters('rICC')])
const metadataBytesMax = 256 * 1024
const profileBytesMax = 1024 * 1024
const blocksMax = 16

const decoded = new Map<string, { target: string; readonly found: HeifFound }>()

/** Decodes the main picture of a HEIF file, upright, into a TIFF with its colour profile. A second time it is only moved. */
export async function readHeif({ path, target, decoder }: HeifWanted): Promise<HeifFound> {
  const before = decoded.get(path)
  if (before) {
    await rename(before.target, target)
    before.target = target
    return before.found
  }
  const found = await decodeTo(target, loadLibheif(decoder), await readFile(path))
  decoded.set(path, { target, found })
  return found
}

async function decodeTo(target: string, libheif: Libheif, file: Buffer): Promise<HeifFound> {
  const { call } = libheif
  const place = call('malloc', file.length)
  if (place === 0) throw invalidMedia('The image needs more memory than is allowed')
  libheif.bytes(place, file.length).set(file)
  const context = call('heif_context_alloc')
  call('heif_context_set_maximum_image_size_limit', context, heifSideMax)
  libheif.try('heif_context_read_from_memory_without_copy', context, place, file.length, 0)
  const handle = given(libheif, (out) => libheif.try('heif_context_get_primary_image_handle', context, out))
  const { icc, hdr } = coloursOf(libheif, handle)
  const channels = call('heif_image_handle_has_alpha_channel', handle) === 0 ? 3 : 4
  const options = call('heif_decoding_options_alloc')
  libheif.bytes(options, strictAt + 1)[strictAt] = 1
  const image = given(libheif, (out) =>
    libheif.try('heif_decode_image', handle, out, colourspaceRgb, (hdr ? chromaDeep : chromaRgb)[channels], options),
  )
  if (call('heif_image_get_decoding_warnings', image, 0, 0, 0) > 0) throw invalidMedia('The image is damaged')
  const out = await open(target, 'w')
  try {
    const pixels = pixelsOf(libheif, image, { channels, bytesEach: hdr ? 2 : 1 })
    const bits = hdr ? call('heif_image_get_bits_per_pixel_range', image, channelInterleaved) : 8
    await writePlainTiff(out, { ...(hdr ? drawnIn(pixels, hdrCurve(hdr, bits)) : pixels), icc })
  } finally {
    await out.close()
  }
  return { ...metadataOf(libheif, handle), ...(hdr && { hdr: hdrCodes[hdr] }) }
}

function pixelsOf(
  libheif: Libheif,
  image: number,
  { channels, bytesEach }: { readonly channels: 3 | 4; readonly bytesEach: 1 | 2 },
): PlainPicture {
  const width = libheif.call('heif_image_get_width', image, channelInterleaved)
  const height = libheif.call('heif_image_get_height', image, channelInterleaved)
  let plane = 0
  const stride = given(libheif, (out) => {
    plane = libheif.call('heif_image_get_plane_readonly', image, channelInterleaved, out)
  })
  const rowBytes = width * channels * bytesEach
  if (width < 1 || height < 1 || stride < rowBytes) throw invalidMedia('The image has no pixels')
  return { width, height, channels, row: (index: number) => libheif.bytes(plane + index * stride, rowBytes) }
}

/** Eight bits of each colour of two bytes; alpha has no curve. */
function drawnIn(deep: PlainPicture, curve: Uint8Array): PlainPicture {
  const { width, channels } = deep
  const most = curve.length - 1
  const drawn = Buffer.alloc(width * channels)
  const row = (index: number): Buffer => {
    const from = deep.row(index)
    for (let at = 0; at < drawn.length; at++) {
      const value = Math.min(most, (from[at * 2] ?? 0) | ((from[at * 2 + 1] ?? 0) << 8))
      drawn[at] = at % channels === 3 ? (value * 255) / most : (curve[value] ?? 0)
    }
    return drawn
  }
  return { ...deep, row }
}

/** What `work` leaves in four bytes that it is given the place of. */
function given(libheif: Libheif, work: (out: number) => void): number {
  const out = libheif.call('malloc', 4)
  libheif.bytes(out, 4).fill(0)
  work(out)
  const value = libheif.number(out)
  libheif.call('free', out)
  return value
}

/** A profile, or one made of the numbers that say the same; and whether its curve is one of high dynamic range. */
function coloursOf(libheif: Libheif, handle: number): { icc?: Buffer | undefined; hdr?: HdrCode } {
  const icc = profileOf(libheif, handle)
  const type = libheif.call('heif_image_handle_get_color_profile_type', handle)
  if (icc || type !== fourLetters('nclx')) return { icc }
  const numbers = given(libheif, (out) => libheif.try('heif_image_handle_get_nclx_color_profile', handle, out))
  const [primaries, transfer] = [libheif.number(numbers + primariesAt), libheif.number(numbers + transferAt)]
  return { icc: profileOfPrimaries(primaries), ...(isHdrCode(transfer) && { hdr: transfer }) }
}

/** Undefined for what is no ICC profile. */
function profileOf(libheif: Libheif, handle: number): Buffer | undefined {
  if (!isIcc.has(libheif.call('heif_image_handle_get_color_profile_type', handle))) return undefined
  const length = libheif.call('heif_image_handle_get_raw_color_profile_size', handle)
  return copied(libheif, length, profileBytesMax, (at) =>
    libheif.try('heif_image_handle_get_raw_color_profile', handle, at),
  )
}

/** The first block of each kind: Exif begins with four bytes that say where (ISO/IEC 23008-12, A.2.1). */
function metadataOf(libheif: Libheif, handle: number): HeifFound {
  const { call } = libheif
  const count = Math.min(blocksMax, call('heif_image_handle_get_number_of_metadata_blocks', handle, 0))
  const ids = call('malloc', blocksMax * 4)
  call('heif_image_handle_get_list_of_metadata_block_IDs', handle, 0, ids, count)
  const found: { exif?: string; xmp?: string } = {}
  for (let index = 0; index < count; index++) {
    const id = libheif.number(ids + index * 4)
    const type = libheif.text(call('heif_image_handle_get_metadata_type', handle, id))
    const content = libheif.text(call('heif_image_handle_get_metadata_content_type', handle, id))
    const name = type === 'Exif' ? 'exif' : content === 'application/rdf+xml' ? 'xmp' : undefined
    if (!name || found[name] !== undefined) continue
    const length = call('heif_image_handle_get_metadata_size', handle, id)
    const block = copied(libheif, length, metadataBytesMax, (at) =>
      libheif.try('heif_image_handle_get_metadata', handle, id, at),
    )
    const from = name === 'exif' && block && block.length > 4 ? 4 + block.readUInt32BE(0) : 0
    if (block) found[name] = block.subarray(from).toString('base64')
  }
  return found
}

/** Undefined for nothing, and for more than anybody means. */
function copied(libheif: Libheif, length: number, bytesMax: number, fill: (at: number) => void): Buffer | undefined {
  if (length <= 0 || length > bytesMax) return undefined
  const at = libheif.call('malloc', length)
  fill(at)
  const copy = Buffer.from(libheif.bytes(at, length))
  libheif.call('free', at)
  return copy
}

function fourLetters(text: string): number {
  return Buffer.from(text, 'latin1').readUInt32BE(0)
}
