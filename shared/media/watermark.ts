import type { OverlayOptions, Sharp } from 'sharp'
import type { Watermark, WatermarkPosition } from './image-recipe.ts'

/** Of the shorter side. */
const marginShare = 0.02

interface Size {
  readonly width: number
  readonly height: number
}

/** The watermark scaled for `picture`, thinned by its opacity, and where it goes. */
export async function placedWatermark(
  mark: Sharp,
  { share, opacity, position }: Watermark,
  picture: Size,
): Promise<OverlayOptions> {
  const side = (length: number): number => Math.max(1, Math.round(length * share))
  const { data, info } = await mark
    .resize({ width: side(picture.width), height: side(picture.height), fit: 'inside' })
    .toColourspace('srgb')
    .ensureAlpha()
    .raw({ depth: 'uchar' })
    .toBuffer({ resolveWithObject: true })
  for (let at = 3; at < data.length; at += 4) data[at] = Math.round((data[at] ?? 0) * opacity)
  const { width, height } = info
  return { input: data, raw: { width, height, channels: 4 }, ...placeOf(position, picture, info) }
}

function placeOf(position: WatermarkPosition, picture: Size, mark: Size): { left: number; top: number } {
  const margin = Math.round(Math.min(picture.width, picture.height) * marginShare)
  const [right, bottom] = [picture.width - mark.width, picture.height - mark.height]
  const within = (at: number, most: number): number => Math.max(0, Math.min(most, at))
  if (position === 'centre') return { left: Math.round(right / 2), top: Math.round(bottom / 2) }
  return {
    left: within(position.endsWith('west') ? margin : right - margin, right),
    top: within(position.startsWith('north') ? margin : bottom - margin, bottom),
  }
}
