import type { Json } from '../domain/json.ts'
import type { Recipe } from '../ports/media-converter.ts'
import type { Rung } from './ladder.ts'
import { invalidMedia } from './reasons.ts'

/** Throws `invalid-media` when the recipe has no such number. */
export function numberOption(recipe: Recipe, name: string): number {
  const value: Json | undefined = recipe.options[name]
  if (typeof value !== 'number' || !Number.isFinite(value))
    throw invalidMedia(`The recipe ${recipe.name} has no ${name}`)
  return value
}

export const rungOption = (recipe: Recipe): Rung => ({
  width: numberOption(recipe, 'width'),
  height: numberOption(recipe, 'height'),
  level: numberOption(recipe, 'level'),
  bitsPerSecondMax: numberOption(recipe, 'bitsPerSecondMax'),
})

/** A decoder that meets damage stops early without an error: then what came out is shorter than what was promised. */
export function refuseShortened(madeMs: number, expectedMs: number): void {
  if (madeMs < expectedMs * 0.9 - 500) {
    throw invalidMedia(
      `The media is cut off or damaged: ${(madeMs / 1000).toFixed(1)} s of ${(expectedMs / 1000).toFixed(1)} s can be decoded`,
    )
  }
}
