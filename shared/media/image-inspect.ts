import exifr from 'exifr'
import type { Metadata } from 'sharp'
import { rgbaToThumbHash } from 'thumbhash'
import type { JsonObject } from '../domain/json.ts'
import type { Inspection, Recipe } from '../ports/media-converter.ts'
import { animationFramesMax, animationPixelsMax, imagePixelsMax, imageSidePixelsMax } from './limits.ts'
import { decoding, invalidMedia } from './reasons.ts'
import { openImage, openPixels, toPixels, type Pixels } from './sharp-safe.ts'

const imageWidths = [320, 640, 1280, 1920] as const
const animationWidths = [320, 640] as const
const version = 1

/** Image types that are converted. Others (HEIC, SVG, JPEG XL ...) are stored as they are. */
export const convertibleImages = new Set([
  'image/jpeg',
  'image/png',
  'image/webp',
  'image/avif',
  'image/gif',
  'image/tiff',
])

/** Reads the header, checks the limits before anything is decoded, then decodes small for the placeholder and colour. */
export async function inspectImage(path: string, mediaType: string, signal: AbortSignal): Promise<Inspection> {
  const header = await decoding('The image', signal, () => openImage(path, { limitInputPixels: false }).metadata())
  const { width, height } = orientedSize(header)
  if (width * height > imagePixelsMax) {
    throw invalidMedia(
      `The image has ${width} x ${height} pixels; at most ${imagePixelsMax / 1e6} megapixels are converted`,
    )
  }
  const frames = header.pages ?? 1
  const animated = frames > 1 && (mediaType === 'image/gif' || mediaType === 'image/webp')
  const tooMuch = animated && (frames > animationFramesMax || width * height * frames > animationPixelsMax)
  const thumbnail = await decoding('The image', signal, () =>
    toPixels(
      openImage(path, { page: 0 }).autoOrient().resize({ width: 100, height: 100, fit: 'inside' }).ensureAlpha(),
    ),
  )
  const properties: JsonObject = {
    width,
    height,
    orientation: header.orientation ?? 1,
    hasAlpha: header.hasAlpha,
    frames: animated ? frames : 1,
    ...(animated && { animated: true, durationMs: sum(header.delay ?? []), loop: header.loop ?? 0 }),
    ...(tooMuch && { note: 'The animation is too long to convert; its first frame is shown instead' }),
    ...(await placeholder(thumbnail)),
    ...(await exifSubset(header)),
  }
  const recipes = animated && !tooMuch ? animationRecipes(width, height) : stillRecipes(width, height, header.hasAlpha)
  return { mediaType, kind: 'image', properties, recipes }
}

/** Of one frame, as seen after applying the EXIF orientation. */
function orientedSize(header: Metadata): { width: number; height: number } {
  const height = header.pageHeight ?? header.height
  return (header.orientation ?? 1) >= 5 ? { width: height, height: header.width } : { width: header.width, height }
}

/** Standard widths below the picture's own, and its own up to the largest; never wider than the picture. */
function widthsFor(steps: readonly number[], width: number, height: number): number[] {
  const fitting = Math.max(1, Math.min(width, Math.floor((width * imageSidePixelsMax) / height)))
  const top = Math.min(fitting, steps.at(-1) ?? fitting)
  return [...steps.filter((step) => step < top), top]
}

function stillRecipes(width: number, height: number, hasAlpha: boolean): Recipe[] {
  const formats = ['avif', 'webp', hasAlpha ? 'png' : 'jpeg']
  return widthsFor(imageWidths, width, height).flatMap((step) =>
    formats.map((format) => ({ name: `image-${format}-${step}`, version, options: { format, width: step } })),
  )
}

function animationRecipes(width: number, height: number): Recipe[] {
  const widths = widthsFor(animationWidths, width, height)
  return [
    ...widths.map((step) => ({
      name: `animation-webp-${step}`,
      version,
      options: { format: 'webp', width: step, animated: true },
    })),
    { name: 'poster', version, options: { format: 'png', width: widths.at(-1) ?? width } },
  ]
}

async function placeholder(thumbnail: Pixels): Promise<JsonObject> {
  const { data, width, height } = thumbnail
  const { dominant } = await openPixels(thumbnail).flatten({ background: '#ffffff' }).stats()
  const hex = (value: number): string => Math.round(value).toString(16).padStart(2, '0')
  return {
    thumbhash: Buffer.from(rgbaToThumbHash(width, height, data)).toString('base64'),
    dominantColour: `#${hex(dominant.r)}${hex(dominant.g)}${hex(dominant.b)}`,
  }
}

/** Camera and time are shown; the place is only reported to be there, since it says where somebody lives. */
async function exifSubset(header: Metadata): Promise<JsonObject> {
  if (!header.exif) return {}
  const prefixed = header.exif.subarray(0, 6).toString('latin1') === 'Exif\0\0'
  const block = prefixed ? header.exif.subarray(6) : header.exif
  const tags: unknown = await exifr
    .parse(block, { tiff: true, exif: true, gps: true, reviveValues: false })
    .catch(() => undefined)
  if (typeof tags !== 'object' || tags === null) return {}
  const text = (name: string): string | undefined => {
    const value: unknown = Reflect.get(tags, name)
    return typeof value === 'string' ? value.replace(/\0.*$/s, '').trim().slice(0, 200) || undefined : undefined
  }
  const taken = /^(\d{4}):(\d\d):(\d\d) (\d\d:\d\d:\d\d)/.exec(text('DateTimeOriginal') ?? text('ModifyDate') ?? '')
  const exif: JsonObject = {}
  for (const [name, value] of Object.entries({
    make: text('Make'),
    model: text('Model'),
    lens: text('LensModel'),
    taken: taken ? `${taken[1]}-${taken[2]}-${taken[3]}T${taken[4]}${text('OffsetTimeOriginal') ?? ''}` : undefined,
  })) {
    if (value !== undefined) exif[name] = value
  }
  const gps = Object.keys(tags).some((name) => name === 'latitude' || name.startsWith('GPSL'))
  return { exif, gps }
}

const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0)
