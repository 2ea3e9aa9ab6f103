import type { ImageParams } from '../domain/image-params.ts'
import type { ImagePolicy } from '../domain/image-policy.ts'
import { imageRecipeVersion as version, type ImageFormat } from '../media/image-recipe.ts'
import { stillRecipes } from '../media/image-recipes.ts'
import type { Inspection, Recipe } from '../ports/media-converter.ts'
import { pictureOf, wishId, wishOptions, type Picture } from './image-wish.ts'

const nameDigits = 8

/** What an inspection found and proposes, as a policy has it. */
export function withPolicy(inspection: Inspection, policy: ImagePolicy): Inspection {
  const { location, ...rest } = inspection.properties
  const isFlattened = policy.animation === 'still' && rest['animated'] === true
  const properties = {
    ...rest,
    ...(isFlattened && { flattened: true }),
    ...(location !== undefined && policy.location === 'show' && { location }),
  }
  if (inspection.recipes.length === 0) return { ...inspection, properties }
  const picture = pictureOf(properties)
  const recipes = [...responsiveSet({ ...inspection, properties }, policy), ...preparedPresets(policy, picture)]
  return { ...inspection, properties, recipes }
}

function responsiveSet({ properties, recipes }: Inspection, { widths }: ImagePolicy): readonly Recipe[] {
  const { width, height, hasAlpha, animated, flattened, vector } = properties
  const isStillNow = animated === true && flattened === true
  if (widths === undefined && !isStillNow) return recipes
  if (animated === true && !isStillNow) return recipes
  if (typeof width !== 'number' || typeof height !== 'number') return recipes
  if (vector === true) return recipes.filter(({ options }) => widths?.includes(Number(options['width'])))
  return stillRecipes(width, height, hasAlpha === true, widths)
}

const preparedPresets = ({ presets, prepare }: ImagePolicy, picture: Picture): Recipe[] =>
  prepare.flatMap((name) => {
    const params = Object.hasOwn(presets, name) ? presets[name] : undefined
    // A watermark is another asset, which may not be there yet.
    if (!params || params.watermark !== undefined) return []
    return formatsOf(params, picture).map((format) => presetRecipe(name, params, format, picture))
  })

const formatsOf = ({ format }: ImageParams, { hasAlpha }: Picture): ImageFormat[] =>
  format === undefined || format === 'auto' ? ['avif', 'webp', hasAlpha ? 'png' : 'jpeg'] : [format]

/** Its name holds what it was made by, so a preset that was changed since is not taken for the one that is meant. */
function presetRecipe(name: string, params: ImageParams, format: ImageFormat, picture: Picture): Recipe {
  const options = wishOptions(params, format, picture)
  return { name: presetRendition(name, format, wishId(options)), version, options }
}

export const presetRendition = (preset: string, format: string, id: string): string =>
  `preset-${preset}-${format}-${id.slice(0, nameDigits)}`
