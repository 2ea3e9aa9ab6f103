import { open, readFile, rename } from 'node:fs/promises'
import { heifSideMax, loadLibheif, type Libheif } from './libheif.ts'
import { writePlainTiff } from './plain-tiff.ts'
import { invalidMedia } from './reasons.ts'

/** What a HEIF file says of its main picture beside the pixels. In base64. */
export interface HeifFound {
  readonly exif?: string
  readonly xmp?: string
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
const channelInterleaved = 10
/** Of `heif_decoding_options`: where it says that damage is an error. */
const strictAt = 21
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
  const found = metadataOf(libheif, handle)
  const channels = call('heif_image_handle_has_alpha_channel', handle) === 0 ? 3 : 4
  const options = call('heif_decoding_options_alloc')
  libheif.bytes(options, strictAt + 1)[strictAt] = 1
  const image = given(libheif, (out) =>
    libheif.try('heif_decode_image', handle, out, colourspaceRgb, chromaRgb[channels], options),
  )
  if (call('heif_image_get_decoding_warnings', image, 0, 0, 0) > 0) throw invalidMedia('The image is damaged')
  const out = await open(target, 'w')
  try {
    await writePlainTiff(out, { ...pixelsOf(libheif, image, channels), icc: profileOf(libheif, handle) })
  } finally {
    await out.close()
  }
  return found
}

function pixelsOf(libheif: Libheif, image: number, channels: 3 | 4) {
  const width = libheif.call('heif_image_get_width', image, channelInterleaved)
  const height = libheif.call('heif_image_get_height', image, channelInterleaved)
  let plane = 0
  const stride = given(libheif, (out) => {
    plane = libheif.call('heif_image_get_plane_readonly', image, channelInterleaved, out)
  })
  const rowBytes = width * channels
  if (width < 1 || height < 1 || stride < rowBytes) throw invalidMedia('The image has no pixels')
  return { width, height, channels, row: (index: number) => libheif.bytes(plane + index * stride, rowBytes) }
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
