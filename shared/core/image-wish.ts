import { imageSideMax, sidesOf, type ImageParams } from '../domain/image-params.ts'
import { derivedId } from '../domain/hash.ts'
import { canonicalJson, type JsonObject } from '../domain/json.ts'
import { imageRecipeVersion, watermarkPositions, type ImageFormat, type Watermark } from '../media/image-recipe.ts'

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

/** A watermark as parameters name it. */
export interface WantedWatermark extends Omit<Watermark, 'mediaType'> {
  readonly asset: string
}

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

/** Names a variant: of which bytes, and as which options want it. */
export const variantIdOf = (sourceSha256: string, options: JsonObject): string =>
  derivedId('variant', sourceSha256, wishId(options))

/** Where the watermark is and how strong, from `<asset>[,<position>[,<opacity %>[,<share %>]]]`. */
export function wantedWatermark(text: string): WantedWatermark {
  const [asset = '', position, opacity = '60', share = '25'] = text.split(',')
  return {
    asset,
    position: watermarkPositions.find((each) => each === position) ?? 'southeast',
    opacity: Number(opacity) / 100,
    share: Number(share) / 100,
  }
}
