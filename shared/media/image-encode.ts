import type { Sharp } from 'sharp'
import type { ConvertedFile, Recipe } from '../ports/media-converter.ts'
import type { DecodingPlace } from './image-decode.ts'
import type { ImageFormat, ImageWish } from './image-recipe.ts'
import { finishFile, partPath } from './output.ts'
import { decoding, invalidMedia } from './reasons.ts'
import { openImage } from './sharp-safe.ts'

interface Encoder {
  readonly mediaType: string
  readonly extension: string
  readonly encode: (image: Sharp, quality: number, size: Size | undefined) => Sharp
}

interface Size {
  readonly width: number
  readonly height: number
}

const qualityDefault = 80
/** AVIF looks at this share of a quality as WebP at the whole. */
const avifQualityShare = 62 / qualityDefault
/** Below this quality colours are kept at half the size, as in most JPEG and all WebP. */
const fullColourQualityMin = 90

/** AVIF of so few pixels is worth three times the time: it takes little, and shows more at fewer bytes. */
const thoroughPixelsMax = 320 * 320

const isSmall = (size: Size | undefined): boolean => size !== undefined && size.width * size.height <= thoroughPixelsMax

const encoders: Readonly<Record<ImageFormat, Encoder>> = {
  avif: {
    mediaType: 'image/avif',
    extension: 'avif',
    // Tune, quality and effort are pinned together: the defaults of another release would change size and time.
    encode: (image, quality, size) =>
      image.avif({
        quality: Math.max(1, Math.round(quality * avifQualityShare)),
        effort: isSmall(size) ? 4 : 3,
        tune: 'ssim',
        chromaSubsampling: quality < fullColourQualityMin ? '4:2:0' : '4:4:4',
      }),
  },
  webp: {
    mediaType: 'image/webp',
    extension: 'webp',
    encode: (image, quality) => image.webp({ quality, effort: 2, alphaQuality: 90 }),
  },
  jpeg: {
    mediaType: 'image/jpeg',
    extension: 'jpg',
    encode: (image, quality) => image.flatten({ background: '#ffffff' }).jpeg({ quality, progressive: true }),
  },
  png: { mediaType: 'image/png', extension: 'png', encode: (image) => image.png({ compressionLevel: 9 }) },
}

/** Encodes, then reads the file's own header: what is listed is whole and has the size that was asked for. */
export async function encodeImage(
  recipe: Recipe,
  wish: ImageWish,
  image: Sharp,
  { workFolder, signal, expected }: DecodingPlace & { readonly expected?: Size },
): Promise<ConvertedFile> {
  const { mediaType, extension, encode } = encoders[wish.format]
  const part = partPath(workFolder, recipe.name)
  await decoding('The image', signal, () => encode(image, wish.quality ?? qualityDefault, expected).toFile(part))
  const header = await openImage(part, wish.animated ? { animated: true } : {}).metadata()
  const height = header.pageHeight ?? header.height
  if (expected && (header.width !== expected.width || height !== expected.height)) {
    throw invalidMedia(`${recipe.name} came out as ${header.width} x ${height}`)
  }
  const frames = header.pages ?? 1
  const properties = { width: header.width, height, ...(frames > 1 && { frames }) }
  return finishFile(workFolder, recipe, extension, mediaType, properties)
}
