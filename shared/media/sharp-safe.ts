import { availableParallelism } from 'node:os'
import sharp, { type Sharp, type SharpOptions } from 'sharp'
import { imagePixelsMax, imageTimeoutSeconds } from './limits.ts'

// Everything that libvips can load is blocked, then the few formats that are wanted are let in, from files only.
sharp.block({ operation: ['VipsForeignLoad'] })
sharp.unblock({
  operation: ['Jpeg', 'Png', 'Webp', 'Heif', 'Nsgif', 'Tiff'].map((format) => `VipsForeignLoad${format}File`),
})
// Files come and go under the same names, and every picture is another: the operation cache only costs memory.
sharp.cache(false)

export const cores = availableParallelism()
sharp.concurrency(cores)

/** Opens a picture strictly: what is cut off or damaged fails instead of showing grey. Not decoded yet. */
export const openImage = (path: string, options: SharpOptions = {}): Sharp =>
  sharp(path, { failOn: 'warning', limitInputPixels: imagePixelsMax, ...options }).timeout({
    seconds: imageTimeoutSeconds,
  })

/** Decoded pixels, 8 bits a channel, sRGB. */
export interface Pixels {
  readonly data: Buffer
  readonly width: number
  readonly height: number
  readonly channels: 3 | 4
}

export const openPixels = ({ data, width, height, channels }: Pixels): Sharp =>
  sharp(data, { raw: { width, height, channels }, limitInputPixels: imagePixelsMax }).timeout({
    seconds: imageTimeoutSeconds,
  })

/** Decodes to sRGB; grey becomes RGB, so that what follows has 3 or 4 channels. */
export async function toPixels(image: Sharp): Promise<Pixels> {
  const { data, info } = await image.toColourspace('srgb').raw({ depth: 'uchar' }).toBuffer({ resolveWithObject: true })
  return { data, width: info.width, height: info.height, channels: info.channels === 4 ? 4 : 3 }
}
