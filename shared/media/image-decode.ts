import { join } from 'node:path'
import type { Sharp } from 'sharp'
import { isWideGamut } from './icc.ts'
import { decoding } from './reasons.ts'
import { openImage, openPixels, toPixels } from './sharp-safe.ts'
import { drawSvg } from './svg.ts'

export const svgType = 'image/svg+xml'

export interface ImageSource {
  readonly path: string
  readonly mediaType: string
  /** Draws it at a width, or narrower, where it is no picture that libvips opens. */
  readonly draw?: Opener
}

export interface DecodingPlace {
  readonly workFolder: string
  readonly signal: AbortSignal
}

/** An upright picture, 8 bits a channel, to be read as often as wanted. */
export interface Decoded {
  readonly width: number
  readonly height: number
  open(): Sharp
}

/** Opens the source's one picture, upright; a drawing is drawn at `width` first. */
export type Opener = (width: number) => Promise<Sharp>

export interface Opened {
  readonly open: Opener
  /** It has more colours than sRGB, which its renditions keep. */
  readonly isWide: boolean
}

/** Looks how a source has to be read. Nothing is decoded yet. */
export async function openSource({ path, mediaType, draw }: ImageSource, signal: AbortSignal): Promise<Opened> {
  if (draw) return { isWide: false, open: draw }
  if (mediaType === svgType) {
    return { isWide: false, open: async (width) => openPixels(await drawSvg(path, width, signal)) }
  }
  const { icc } = await decoding('The image', signal, () => openImage(path).metadata())
  return { isWide: isWideGamut(icc), open: async () => openImage(path, { page: 0 }).autoOrient() }
}

/**
 * Decodes once. sRGB stays in memory as bare pixels; these can carry no colour profile, so a wide-gamut picture goes into an
 * uncompressed file with its own, and its numbers stay as they are.
 */
export async function decode(
  image: Sharp,
  { isWide, name }: { readonly isWide: boolean; readonly name: string },
  { workFolder, signal }: DecodingPlace,
): Promise<Decoded> {
  if (!isWide) {
    const pixels = await decoding('The image', signal, () => toPixels(image))
    return { width: pixels.width, height: pixels.height, open: () => openPixels(pixels) }
  }
  const path = join(workFolder, `${name}.pixels`)
  const { width, height } = await decoding('The image', signal, () =>
    image.keepIccProfile().toColourspace('srgb').tiff({ compression: 'none' }).toFile(path),
  )
  return { width, height, open: () => openImage(path).keepIccProfile() }
}
