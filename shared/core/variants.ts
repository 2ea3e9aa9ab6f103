import {
  assetKey,
  mediaKey,
  objectKeyOf,
  variantsKey,
  type AssetBody,
  type MediaBody,
  type VariantBody,
} from '../domain/asset.ts'
import { CatamaranError, type ErrorCode } from '../domain/errors.ts'
import { negotiatedFormat, type ImageParams } from '../domain/image-params.ts'
import type { JsonObject } from '../domain/json.ts'
import { peerOf } from '../domain/site.ts'
import { fileNameOf, placeOf, renditionInfo, type ContentPlace } from './content.ts'
import { imagePolicyOf } from './image-policy.ts'
import { pictureOf, variantIdOf, wantedWatermark, wishId, wishOptions } from './image-wish.ts'
import { presetRendition } from './policy-recipes.ts'
import { readRecords } from './record-reads.ts'
import type { Services } from './services.ts'
import { orderVariant, type VariantOrder } from './variant-jobs.ts'
import { countOf, ownVariants, variantsMax, variantsOf } from './variant-records.ts'

/** How long a request waits for an image to be made: most are, in less. In milliseconds between looks. */
const looksMs = [100, 200, 300, 400, 500, 500, 500, 500, 500, 500, 500, 500] as const
const retryAfterMs = 2_000

export interface ImageRequest {
  readonly tenant: string
  readonly asset: string
  readonly params: ImageParams
  /** The preset that the parameters come from. */
  readonly preset?: string
  readonly accept: string | undefined
}

export interface ImageAnswer {
  readonly place: ContentPlace
  readonly mediaType: string
}

/**
 * Where an image is as it is wanted; made first, by a job, when nobody wanted it before. Throws `not-found`, `conflict` while
 * the asset is not ready or when it has too many, `invalid-media` when it cannot be made, `unavailable` while it is being made.
 */
export async function imageOf(services: Services, request: ImageRequest): Promise<ImageAnswer> {
  const found = await lookUp(services, request)
  const { media, options, order, variants } = found
  const prepared = request.preset === undefined ? undefined : preparedOf(media, request.preset, options)
  if (prepared) return answerOf(services, found, prepared, false)
  const known = variants.find(({ id }) => id === order.id)
  if (known) return answerOf(services, found, known, false)
  if (countOf(found.own, order.source) >= variantsMax) {
    throw new CatamaranError('conflict', `${variantsMax} images were made of this one at this site; no more are made.`)
  }
  await orderVariant(services, order)
  for (const ms of looksMs) {
    await services.clock.sleep(ms)
    const made = (await ownVariants(services, order)).find(({ id }) => id === order.id)
    if (made) return answerOf(services, found, made, true)
  }
  throw new CatamaranError('unavailable', 'The image is being made; ask again soon.', { retryAfterMs })
}

interface Found {
  readonly tenant: string
  readonly asset: string
  readonly body: AssetBody
  readonly media: MediaBody
  readonly options: JsonObject
  readonly order: VariantOrder & { readonly source: string }
  readonly own: readonly VariantBody[]
  /** Of both sites. */
  readonly variants: readonly VariantBody[]
}

async function lookUp(services: Services, request: ImageRequest): Promise<Found> {
  const { tenant, asset, params, accept } = request
  const [assetRecord, mediaRecord, own, theirs] = await readRecords(services, [
    assetKey(tenant, asset),
    mediaKey(tenant, asset),
    variantsKey(tenant, asset, services.site),
    variantsKey(tenant, asset, peerOf(services.site)),
  ])
  if (!assetRecord) throw new CatamaranError('not-found', 'There is no such asset.')
  const media = mediaRecord?.body as MediaBody | undefined
  const source = assertShown(media, ['image', 'document'])
  const picture = pictureOf(source.media.properties)
  const format = negotiatedFormat(params.format, accept, picture)
  const mark = params.watermark === undefined ? undefined : await watermarkOf(services, tenant, params.watermark)
  const options = wishOptions(params, format, picture, mark)
  const id = variantIdOf(source.sha256, options)
  const order = { tenant, asset, id, options, source: source.sha256, ...(mark ? { watermark: mark.asset } : {}) }
  const variants = [...variantsOf(own), ...variantsOf(theirs)]
  const body = assetRecord.body as AssetBody
  return { tenant, asset, body, media: source.media, options, order, own: variantsOf(own), variants }
}

/** A picture, or a document with one of its first page, that this system could read, and so can read again. */
function assertShown(
  media: MediaBody | undefined,
  kinds: readonly (string | undefined)[],
): { media: MediaBody; sha256: string } {
  if (media?.status === 'failed') {
    throw new CatamaranError('invalid-media', `This asset cannot be shown: ${media.error?.detail ?? 'it failed'}`)
  }
  if (media?.status !== 'ready' || !media.sha256) {
    const status = media?.status ?? 'awaiting-upload'
    throw new CatamaranError('conflict', `There is nothing to show yet: the asset is ${status}.`, {
      current: { status },
      retryAfterMs,
    })
  }
  if (!kinds.includes(media.kind) || media.properties['thumbhash'] === undefined) {
    throw new CatamaranError('invalid-media', `No image can be made of ${media.mediaType ?? 'this asset'}.`)
  }
  return { media, sha256: media.sha256 }
}

async function watermarkOf(
  services: Services,
  tenant: string,
  text: string,
): Promise<Parameters<typeof wishOptions>[3] & { readonly asset: string }> {
  const { asset, ...rest } = wantedWatermark(text)
  const [record, mediaRecord] = await readRecords(services, [assetKey(tenant, asset), mediaKey(tenant, asset)])
  if (!record) throw new CatamaranError('not-found', 'There is no such watermark.')
  const { media, sha256 } = assertShown(mediaRecord?.body as MediaBody | undefined, ['image'])
  return { asset, sha256, wish: { ...rest, mediaType: media.mediaType ?? '' } }
}

/** An image of its own, or one of the asset whose bytes it shares: then it lies with that one. */
type Image = VariantBody & { readonly objectKey?: string }

function preparedOf(media: MediaBody, preset: string, options: JsonObject): Image | undefined {
  const { format } = options
  const name = presetRendition(preset, typeof format === 'string' ? format : '', wishId(options))
  const found = media.renditions.find((each) => each.name === name)
  return found && { ...found, id: name, source: media.sha256 ?? '' }
}

async function answerOf(
  services: Services,
  { tenant, asset, body }: Found,
  variant: Image,
  isHere: boolean,
): Promise<ImageAnswer> {
  if ('error' in variant) throw new CatamaranError(variant.error.code as ErrorCode, variant.error.detail)
  const { objectKey = objectKeyOf(tenant, asset, variant.sha256) } = variant
  const info = renditionInfo({ ...variant, objectKey }, fileNameOf(body, asset), 'image')
  const place = await placeOf(services, info, isHere || (await services.objects.head(objectKey)) !== undefined)
  return { place, mediaType: variant.mediaType }
}

/** The parameters of one of the tenant's presets, as the policy of this asset has them now. Throws `not-found`. */
export async function presetOf(
  services: Services,
  { tenant, asset, preset }: { readonly tenant: string; readonly asset: string; readonly preset: string },
): Promise<{ readonly params: ImageParams; readonly isPublic: boolean }> {
  const [record] = await readRecords(services, [assetKey(tenant, asset)])
  if (!record) throw new CatamaranError('not-found', 'There is no such asset.')
  const { presets, public: isPublic } = await imagePolicyOf(services, tenant, record.body as AssetBody)
  const params = Object.hasOwn(presets, preset) ? presets[preset] : undefined
  if (!params) throw new CatamaranError('not-found', 'There is no such preset.')
  return { params, isPublic }
}
