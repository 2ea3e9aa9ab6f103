import type { Metadata } from 'sharp'
import type { JsonObject } from '../domain/json.ts'
import type { Inspection } from '../ports/media-converter.ts'
import { asStillAvif } from './avif-still.ts'
import { animationOf, statedFrames } from './image-animation.ts'
import { svgType } from './image-decode.ts'
import { pictureMetadata } from './image-metadata.ts'
import { animationRecipes, drawingRecipes, stillRecipes } from './image-recipes.ts'
import { isWideGamut } from './icc.ts'
import { framesRefusedMin, imagePixelsMax } from './limits.ts'
import { placeholder } from './placeholder.ts'
import { decoding, invalidMedia } from './reasons.ts'
import { openImage, openPixels, toPixels } from './sharp-safe.ts'
import { drawSvg, inspectSvg } from './svg.ts'

const placeholderSide = 100

/** Image types that libvips opens here. HEIC has a decoder of its own; others (JPEG XL ...) are stored as they are. */
export const convertibleImages = new Set([
  'image/jpeg',
  'image/png',
  'image/webp',
  'image/avif',
  'image/gif',
  'image/tiff',
  svgType,
])

interface ImageToInspect {
  readonly path: string
  readonly mediaType: string
  /** What the picture said of itself where it was in another file. */
  readonly said?: Pick<Metadata, 'exif' | 'xmp'>
}

/** Reads the header, checks the limits before anything is decoded, then decodes small for the placeholder and colour. */
export async function inspectImage(
  { path, mediaType, said }: ImageToInspect,
  signal: AbortSignal,
): Promise<Inspection> {
  if (mediaType === svgType) return inspectDrawing(path, signal)
  const stated = await statedFrames(path, mediaType)
  refuseFrames(stated)
  const opened = mediaType === 'image/avif' ? await asStillAvif(path, `${path}.still`) : path
  const header = await decoding('The image', signal, () => openImage(opened, { limitInputPixels: false }).metadata())
  const { width, height } = orientedSize(header)
  if (width * height > imagePixelsMax) {
    throw invalidMedia(
      `The image has ${width} x ${height} pixels; at most ${imagePixelsMax / 1e6} megapixels are converted`,
    )
  }
  refuseFrames(header.pages ?? 1)
  const animation = animationOf({ mediaType, stated, header })
  const thumbnail = await decoding('The image', signal, () =>
    toPixels(
      openImage(opened, { page: 0 })
        .autoOrient()
        .resize({ width: placeholderSide, height: placeholderSide, fit: 'inside' })
        .ensureAlpha(),
    ),
  )
  const properties: JsonObject = {
    width,
    height,
    orientation: header.orientation ?? 1,
    hasAlpha: header.hasAlpha,
    ...(isWideGamut(header.icc) && { wideGamut: true }),
    ...animation.properties,
    ...placeholder(thumbnail),
    ...(await pictureMetadata({ ...header, ...said })),
  }
  const recipes = animation.isKept ? animationRecipes(width, height) : stillRecipes(width, height, header.hasAlpha)
  return { mediaType, kind: 'image', properties, recipes }
}

function refuseFrames(frames: number): void {
  if (frames >= framesRefusedMin) throw invalidMedia(`The image has ${frames} frames`)
}

/** A drawing has no pixels of its own: it is drawn at every width. */
async function inspectDrawing(path: string, signal: AbortSignal): Promise<Inspection> {
  signal.throwIfAborted()
  const { width, height } = await inspectSvg(path)
  const drawn = await drawSvg(path, placeholderSide, signal)
  const thumbnail = await decoding('The drawing', signal, () =>
    toPixels(openPixels(drawn).resize({ width: placeholderSide, height: placeholderSide, fit: 'inside' })),
  )
  const properties = {
    width: Math.round(width),
    height: Math.round(height),
    orientation: 1,
    hasAlpha: true,
    frames: 1,
    vector: true,
    ...placeholder(thumbnail),
  }
  return { mediaType: svgType, kind: 'image', properties, recipes: drawingRecipes(width, height) }
}

/** Of one frame, as seen after applying the EXIF orientation. */
function orientedSize(header: Metadata): { width: number; height: number } {
  const height = header.pageHeight ?? header.height
  return (header.orientation ?? 1) >= 5 ? { width: height, height: header.width } : { width: header.width, height }
}
