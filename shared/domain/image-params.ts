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
