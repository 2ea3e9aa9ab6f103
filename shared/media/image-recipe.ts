import type { JsonObject } from '../domain/json.ts'
import type { Recipe } from '../ports/media-converter.ts'
import { invalidMedia } from './reasons.ts'

const imageFormats = ['avif', 'webp', 'jpeg', 'png'] as const
export type ImageFormat = (typeof imageFormats)[number]

/** What an image recipe's options say. Without `height` the picture keeps its shape. */
export interface ImageWish {
  readonly format: ImageFormat
  readonly width: number
  readonly height?: number
  /** `cover` fills the box and cuts, `inside` fits into it. */
  readonly fit: 'cover' | 'inside'
  /** What stays of a picture that is cut: its middle, or where the eye goes. */
  readonly crop: 'centre' | 'smart'
  /** 1 to 100, as JPEG counts; the other formats follow in what is seen. */
  readonly quality?: number
  /** Of a Gaussian, in pixels of the result. */
  readonly blur?: number
  /** All frames, in WebP. */
  readonly animated: boolean
  readonly watermark?: Watermark
}

/** A second picture over this one; the caller puts its bytes into the work folder under `watermarkFile`. */
export interface Watermark {
  readonly mediaType: string
  /** Of the result's sides, 0 to 1. */
  readonly share: number
  /** 0 to 1 */
  readonly opacity: number
  readonly position: WatermarkPosition
}

export const watermarkFile = 'watermark'
export const watermarkPositions = ['centre', 'northwest', 'northeast', 'southwest', 'southeast'] as const
export type WatermarkPosition = (typeof watermarkPositions)[number]

/** Raised whenever the same options give other bytes. */
export const imageRecipeVersion = 4

/** Reads a recipe's options. Throws `invalid-media` for what none of ours says. */
export function wishOf({ name, options }: Recipe): ImageWish {
  const width = sideOf(options, 'width')
  const format = imageFormats.find((each) => each === options['format'])
  if (width === undefined) throw invalidMedia(`The recipe ${name} names no width`)
  if (!format) throw invalidMedia(`The recipe ${name} names no known format`)
  const height = sideOf(options, 'height')
  const { quality, blur, watermark } = options
  return {
    format,
    width,
    ...(height === undefined ? {} : { height }),
    fit: options['fit'] === 'cover' ? 'cover' : 'inside',
    crop: options['crop'] === 'smart' ? 'smart' : 'centre',
    ...(typeof quality === 'number' ? { quality } : {}),
    ...(typeof blur === 'number' ? { blur } : {}),
    animated: options['animated'] === true,
    ...(watermark ? { watermark: watermark as unknown as Watermark } : {}),
  }
}

function sideOf(options: JsonObject, name: string): number | undefined {
  const side = options[name]
  return typeof side === 'number' && Number.isSafeInteger(side) && side > 0 ? side : undefined
}

/** A picture that keeps its shape and gets nothing done but a new size: it can be made from a larger one of its kind. */
export const isPlain = (wish: ImageWish): boolean =>
  wish.height === undefined && wish.blur === undefined && wish.watermark === undefined
