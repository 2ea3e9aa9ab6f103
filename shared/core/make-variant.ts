import { join } from 'node:path'
import { objectKeyOf, type Failure, type MediaBody, type VariantBody } from '../domain/asset.ts'
import { CatamaranError, isCatamaranError, isTransient } from '../domain/errors.ts'
import { imageRecipeVersion, watermarkFile } from '../media/image-recipe.ts'
import type { ConvertedFile } from '../ports/media-converter.ts'
import { fetchOriginal } from './fetch-original.ts'
import { readMedia } from './media-store.ts'
import type { Services } from './services.ts'
import { variantIdOf } from './image-wish.ts'
import { forgetOrder, type VariantOrder } from './variant-jobs.ts'
import { listVariant, ownVariants } from './variant-records.ts'
import { digestsOfFile, fileStream } from './work-file.ts'
import type { WorkTools } from './work-tools.ts'

/**
 * Makes one image that somebody asked for: the object first, then its listing, so that nothing half is ever named. Safe to do
 * twice. What the picture itself is to blame for is listed too, so that nobody tries again.
 */
export async function makeVariant(
  services: Services,
  work: WorkTools,
  order: VariantOrder,
  signal: AbortSignal,
): Promise<void> {
  const media = await readMedia(services, order.tenant, order.asset)
  const source = media?.status === 'ready' ? media.sha256 : undefined
  // The asset may be about other bytes by now; whoever still wants this asks again.
  if (!media || !source || variantIdOf(source, order.options) !== order.id) return forgetOrder(services, order)
  const made = await ownVariants(services, order)
  if (!made.some(({ id }) => id === order.id)) {
    const result = await asResult(() => convertVariant(services, work, order, { media, signal }))
    await listVariant(services, order, { id: order.id, source, ...result })
  }
  await forgetOrder(services, order)
}

type Result = VariantBody extends infer Each ? (Each extends object ? Omit<Each, 'id' | 'source'> : never) : never

async function asResult(make: () => Promise<Result>): Promise<Result> {
  try {
    return await make()
  } catch (error) {
    if (!isCatamaranError(error)) throw error
    // What takes too long once does so again.
    const isTooMuch = error.code === 'timed-out'
    if (isTransient(error) && !isTooMuch) throw error
    const failure: Failure = { code: isTooMuch ? 'invalid-media' : error.code, detail: error.message }
    return { error: failure }
  }
}

async function convertVariant(
  services: Services,
  work: WorkTools,
  { tenant, asset, id, options, watermark }: VariantOrder,
  { media, signal }: { readonly media: MediaBody; readonly signal: AbortSignal },
): Promise<Result> {
  const folder = await work.workFolder()
  try {
    const path = join(folder.path, 'source')
    const bytes = await fetchOriginal(services, work, { media, path, signal })
    const mark = watermark === undefined ? undefined : await readMedia(services, tenant, watermark)
    if (mark) await fetchOriginal(services, work, { media: mark, path: join(folder.path, watermarkFile), signal })
    const recipe = { name: `variant-${id}`, version: imageRecipeVersion, options }
    const { mediaType = 'application/octet-stream' } = media
    const inspection = { mediaType, kind: 'image', properties: media.properties, recipes: [recipe] } as const
    const source = { path, mediaType, bytes }
    const [file] = await work.converter.convert(source, inspection, { workFolder: folder.path, signal })
    if (!file) throw new CatamaranError('internal', 'The converter made nothing.')
    return await keepVariant(services, { tenant, asset, file, signal })
  } finally {
    await folder.remove()
  }
}

async function keepVariant(
  services: Services,
  {
    tenant,
    asset,
    file,
    signal,
  }: { readonly tenant: string; readonly asset: string; readonly file: ConvertedFile; readonly signal: AbortSignal },
): Promise<Result> {
  const { bytes, sha256, crc64nvme } = await digestsOfFile(file.path, signal)
  if (bytes === 0) throw new CatamaranError('internal', 'The converter made an empty file.')
  const { mediaType, properties } = file
  const metadata = { sha256, crc64nvme }
  const options = { mediaType, metadata, bytes, ifAbsent: true, signal } as const
  await services.objects.put(objectKeyOf(tenant, asset, sha256), fileStream(file.path), options)
  return { mediaType, bytes, sha256, crc64nvme, properties }
}
