import { imageSideMax, sidesOf, type ImageParams } from '../domain/image-params.ts'
import { derivedId } from '../domain/hash.ts'
import { canonicalJson, type JsonObject } from '../domain/json.ts'
import { imageRecipeVersion, type ImageFormat, type Watermark } from '../media/image-recipe.ts'

/** What of an image's properties decides how it can be shown. */
export interface Picture {
  readonly hasAlpha: boolean
  /** Has frames, and is to keep them. */
  readonly animated: boolean
}

export const pictureOf = (properties: JsonObject): Picture => ({
  hasAlpha: properties['hasAlpha'] === true,
  animated: properties['animated'] === true && properties['flattened'] !== true,
})

/** The options of the recipe that makes an image as `params` want it, in one format. Throws `invalid-request`. */
export function wishOptions(
  params: ImageParams,
  format: ImageFormat,
  picture: Picture,
  watermark?: { readonly wish: Watermark; readonly sha256: string },
): JsonObject {
  const { width = imageSideMax, height } = sidesOf(params)
  const isCut = params.w !== undefined && height !== undefined && (params.fit ?? (params.crop && 'cover')) === 'cover'
  const { q, blur } = params
  const animated = picture.animated && format === 'webp' && blur === undefined && watermark === undefined
  return {
    format,
    width,
    ...(height === undefined ? {} : { height }),
    ...(isCut ? { fit: 'cover', crop: params.crop ?? 'centre' } : {}),
    ...(q === undefined || format === 'png' ? {} : { quality: q }),
    ...(blur === undefined ? {} : { blur }),
    ...(animated ? { animated } : {}),
    ...(watermark ? { watermark: { ...watermark.wish, sha256: watermark.sha256 } } : {}),
  }
}

/** Names what a recipe with these options makes: the same at both sites, and another after a change of the recipe. */
export const wishId = (options: JsonObject): string => derivedId(String(imageRecipeVersion), canonicalJson(options))
