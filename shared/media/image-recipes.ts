import type { Recipe } from '../ports/media-converter.ts'
import { imageRecipeVersion as version } from './image-recipe.ts'
import { imageSidePixelsMax } from './limits.ts'

const imageWidths = [320, 640, 1280, 1920] as const
const drawingWidths = [320, 640, 1280] as const
const animationWidths = [320, 640] as const

/** Standard widths below the picture's own, and its own up to the largest; never wider than the picture. */
function widthsFor(steps: readonly number[], width: number, height: number): number[] {
  if (steps.length === 0) return []
  const fitting = Math.max(1, Math.min(width, Math.floor((width * imageSidePixelsMax) / height)))
  const top = Math.min(fitting, steps.at(-1) ?? fitting)
  return [...steps.filter((step) => step < top), top]
}

export const stillRecipes = (
  width: number,
  height: number,
  hasAlpha: boolean,
  widths: readonly number[] = imageWidths,
): Recipe[] => inFormats(widthsFor(widths, width, height), ['avif', 'webp', hasAlpha ? 'png' : 'jpeg'])

/** Drawn at the standard widths whatever its own size; a long one at those alone whose height is bearable. */
export function drawingRecipes(width: number, height: number, { hasAlpha = true } = {}): Recipe[] {
  const widths = drawingWidths.filter((step) => (step * height) / width <= 4 * step)
  return inFormats(widths.length > 0 ? widths : [drawingWidths[0]], ['avif', 'webp', hasAlpha ? 'png' : 'jpeg'])
}

const inFormats = (widths: readonly number[], formats: readonly string[]): Recipe[] =>
  widths.flatMap((width) =>
    formats.map((format) => ({ name: `image-${format}-${width}`, version, options: { format, width } })),
  )

export function animationRecipes(width: number, height: number): Recipe[] {
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
