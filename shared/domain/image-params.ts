import { CatamaranError } from './errors.ts'

export const imageFits = ['cover', 'contain'] as const
export const imageCrops = ['centre', 'smart'] as const
export const wantedFormats = ['auto', 'avif', 'webp', 'jpeg', 'png'] as const
/** What a picture is drawn at, in the answer's own pixels. */
export const imageSideMax = 4_096
export const dprMax = 4
export const blurMax = 100

/** How an image is wanted, as a URL or a preset says it. Everything may be left out. */
export type ImageParams = {
  /** CSS pixels, before `dpr`. */
  w?: number
  h?: number
  /** With both sides: `cover` fills them and cuts, `contain` (the default) fits into them. Nothing is ever enlarged. */
  fit?: (typeof imageFits)[number]
  /** What stays when it is cut; implies `cover`. */
  crop?: (typeof imageCrops)[number]
  /** `auto`, the default: the best that the client accepts. */
  format?: (typeof wantedFormats)[number]
  /** 1 to 100, as JPEG counts; 80 unless told. */
  q?: number
  dpr?: number
  blur?: number
  /** `<asset>[,<position>[,<opacity %>[,<share of the sides %>]]]` */
  watermark?: string
}

const order = ['w', 'h', 'fit', 'crop', 'format', 'q', 'dpr', 'blur', 'watermark'] as const

/** One text for equal parameters: what is signed, in a fixed order. */
export const paramsText = (params: ImageParams): string =>
  order.flatMap((name) => (params[name] === undefined ? [] : [`${name}=${encodeURIComponent(params[name])}`])).join('&')

/** The sides in the answer's pixels. Throws `invalid-request` when `dpr` makes them too large. */
export function sidesOf({ w, h, dpr = 1 }: ImageParams): { width?: number; height?: number } {
  const scaled = (side: number | undefined): number | undefined =>
    side === undefined ? undefined : Math.max(1, Math.round(side * dpr))
  const [width, height] = [scaled(w), scaled(h)]
  if (Math.max(width ?? 0, height ?? 0) > imageSideMax) {
    throw new CatamaranError('invalid-request', `With dpr, a side may have at most ${imageSideMax} pixels.`)
  }
  return { ...(width === undefined ? {} : { width }), ...(height === undefined ? {} : { height }) }
}

type NegotiatedFormat = 'avif' | 'webp' | 'jpeg' | 'png'

/**
 * The format for a client: what it was asked for, else the best that `Accept` names (RFC 9110, 12.5.1). Wildcards stand for
 * what every browser shows. An animation stays one only in WebP.
 */
export function negotiatedFormat(
  wanted: ImageParams['format'],
  accept: string | undefined,
  picture: { readonly hasAlpha: boolean; readonly animated: boolean },
): NegotiatedFormat {
  if (wanted !== undefined && wanted !== 'auto') return wanted
  const accepted = acceptedTypes(accept ?? '')
  if (accepted.has('image/avif') && !picture.animated) return 'avif'
  if (accepted.has('image/webp')) return 'webp'
  return picture.hasAlpha ? 'png' : 'jpeg'
}

function acceptedTypes(accept: string): Set<string> {
  const types = new Set<string>()
  for (const part of accept.slice(0, 1_000).split(',')) {
    const [type = '', ...parameters] = part.split(';').map((text) => text.trim().toLowerCase())
    const isRefused = parameters.some((parameter) => /^q=0(\.0{0,3})?$/.test(parameter))
    if (!isRefused) types.add(type)
  }
  return types
}
