import type { Metadata } from 'sharp'
import type { JsonObject } from '../domain/json.ts'
import type { Inspection } from '../ports/media-converter.ts'
import { svgType } from './image-decode.ts'
import { pictureMetadata } from './image-metadata.ts'
import { animationRecipes, drawingRecipes, stillRecipes } from './image-recipes.ts'
import { isWideGamut } from './icc.ts'
import { animationFramesMax, animationPixelsMax, framesRefusedMin, imagePixelsMax } from './limits.ts'
import { placeholder } from './placeholder.ts'
import { decoding, invalidMedia } from './reasons.ts'
import { openImage, openPixels, toPixels } from './sharp-safe.ts'
import { framesInPng } from './stated-apng.ts'
import { pagesInTiff } from './stated-tiff.ts'
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
  refuseFrames(await statedFrames(path, mediaType))
  const header = await decoding('The image', signal, () => openImage(path, { limitInputPixels: false }).metadata())
  const { width, height } = orientedSize(header)
  if (width * height > imagePixelsMax) {
    throw invalidMedia(
      `The image has ${width} x ${height} pixels; at most ${imagePixelsMax / 1e6} megapixels are converted`,
    )
  }
  const frames = header.pages ?? 1
  refuseFrames(frames)
  const animated = frames > 1 && (mediaType === 'image/gif' || mediaType === 'image/webp')
  const tooMuch = animated && (frames > animationFramesMax || width * height * frames > animationPixelsMax)
  const thumbnail = await decoding('The image', signal, () =>
    toPixels(
      openImage(path, { page: 0 })
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
    frames: animated ? frames : 1,
    ...(isWideGamut(header.icc) && { wideGamut: true }),
    ...(animated && { animated: true, durationMs: sum(header.delay ?? []), loop: header.loop ?? 0 }),
    ...(tooMuch && {
      flattened: true,
      note: 'The animation is too long to convert; its first frame is shown instead',
    }),
    ...placeholder(thumbnail),
    ...(await pictureMetadata({ ...header, ...said })),
  }
  const recipes = animated && !tooMuch ? animationRecipes(width, height) : stillRecipes(width, height, header.hasAlpha)
  return { mediaType, kind: 'image', properties, recipes }
}

/** Before whoever decodes it counts them one by one, or where nobody does. */
async function statedFrames(path: string, mediaType: string): Promise<number> {
  if (mediaType === 'image/png') return framesInPng(path)
  return mediaType === 'image/tiff' ? pagesInTiff(path) : 1
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

const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0)
