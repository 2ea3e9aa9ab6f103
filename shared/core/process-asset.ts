import { join } from 'node:path'
import { objectKeyOf, type Failure, type MediaBody, type RenditionBody } from '../domain/asset.ts'
import { CatamaranError, isCatamaranError, isTransient, publicMessageOf } from '../domain/errors.ts'
import type { JsonObject } from '../domain/json.ts'
import { rowOptionsOf } from '../media/data.ts'
import type { ConversionSource, ConvertedFile, Inspection } from '../ports/media-converter.ts'
import { orderAnalysis } from './analyse.ts'
import { applyImagePolicy } from './image-policy.ts'
import { ingestRows } from './ingest-rows.ts'
import type { Lease } from './lease.ts'
import { readMedia, writeMediaOf } from './media-store.ts'
import { fetchSource, type Original } from './process-source.ts'
import { readRowSchema } from './row-schemas.ts'
import type { Services } from './services.ts'
import { removeStaged } from './staging.ts'
import { digestsOfFile, fileStream } from './work-file.ts'
import type { WorkTools } from './work-tools.ts'

export type ProcessOutcome =
  | { readonly kind: 'ready' }
  /** The bytes themselves are at fault; trying again would not help. */
  | { readonly kind: 'rejected'; readonly failure: Failure }
  /** The asset is about other bytes by now. */
  | { readonly kind: 'superseded' }

/**
 * Verifies, keeps and converts the bytes of one asset version. Every step may have been done before by a run that died:
 * each looks first, writes the same under the same name, or both.
 */
export async function processAsset(services: Services, work: WorkTools, lease: Lease): Promise<ProcessOutcome> {
  const { tenant } = lease.ref
  const { asset, version } = lease.job
  const media = await readMedia(services, tenant, asset)
  if (media?.version !== version) return { kind: 'superseded' }
  if (media.status === 'failed') return { kind: 'rejected', failure: media.error ?? unknownFailure }
  if (media.status === 'ready') return finish(services, work, lease)
  const folder = await work.workFolder()
  try {
    const source = await fetchSource(services, work, lease, { media, path: join(folder.path, 'source') })
    if (source.kind !== 'original') return source
    return await convertOriginal(services, work, lease, { original: source.original, folder: folder.path })
  } finally {
    await folder.remove()
  }
}

const unknownFailure: Failure = { code: 'internal', detail: 'It failed before.' }

async function convertOriginal(
  services: Services,
  work: WorkTools,
  lease: Lease,
  { original, folder }: { readonly original: Original; readonly folder: string },
): Promise<ProcessOutcome> {
  const { tenant } = lease.ref
  const { asset, version } = lease.job
  const rowSchema = (): Promise<JsonObject | undefined> => readRowSchema(services, tenant, asset)
  const inspected = await asOutcome(services, () => inspectOriginal(work, original, lease.signal, rowSchema))
  if ('failure' in inspected) return { kind: 'rejected', failure: inspected.failure }
  const inspection = await applyImagePolicy(services, { tenant, asset }, inspected.value)
  const objectKey = objectKeyOf(tenant, asset, original.sha256)
  await original.keep(objectKey, inspection.mediaType)
  const about = {
    version,
    site: services.site,
    mediaType: inspection.mediaType,
    kind: inspection.kind,
    bytes: original.bytes,
    sha256: original.sha256,
    crc64nvme: original.crc64nvme,
    objectKey,
    properties: inspection.properties,
  } as const
  lease.check()
  const begun = await writeMediaOf(services, { tenant, asset, version }, ({ job }) => ({
    ...about,
    job,
    status: 'processing',
    renditions: [],
  }))
  if (!begun) return { kind: 'superseded' }
  const converted = await asOutcome(services, () => convertAll(services, work, lease, { original, inspection, folder }))
  if ('failure' in converted) return { kind: 'rejected', failure: converted.failure }
  lease.check()
  const ended = await writeMediaOf(services, { tenant, asset, version }, ({ job }) => ({
    ...about,
    job,
    status: 'ready',
    ...converted.value,
  }))
  return ended ? finish(services, work, lease) : { kind: 'superseded' }
}

const stored: Omit<Inspection, 'mediaType'> = { kind: 'other', properties: {}, recipes: [] }

async function inspectOriginal(
  work: WorkTools,
  original: Original,
  signal: AbortSignal,
  rowSchema: NonNullable<ConversionSource['rowSchema']>,
): Promise<Inspection> {
  if (original.path === undefined) return { ...stored, mediaType: original.mediaType }
  return work.converter.inspect({ ...sourceOf(original, original.path, original.mediaType), rowSchema }, signal)
}

const sourceOf = (original: Original, path: string, mediaType: string): ConversionSource => ({
  path,
  mediaType,
  bytes: original.bytes,
})

async function convertAll(
  services: Services,
  work: WorkTools,
  lease: Lease,
  from: { readonly original: Original; readonly inspection: Inspection; readonly folder: string },
): Promise<Pick<MediaBody, 'renditions' | 'rows'>> {
  const { original, inspection, folder } = from
  if (original.path === undefined || inspection.recipes.length === 0) return { renditions: [] }
  const source = sourceOf(original, original.path, inspection.mediaType)
  const files = await work.converter.convert(source, inspection, {
    workFolder: folder,
    signal: lease.signal,
    onProgress: (fraction) => lease.progress(fraction * 0.9),
  })
  const renditions: RenditionBody[] = []
  for (const file of files) renditions.push(await keepRendition(services, lease, file))
  renditions.sort((a, b) => (a.name < b.name ? -1 : 1))
  const rows = inspection.recipes.find((recipe) => recipe.name === 'rows')
  if (!rows) return { renditions }
  return { renditions, rows: await ingestRows(services, lease, { path: source.path, options: rowOptionsOf(rows) }) }
}

async function keepRendition(services: Services, lease: Lease, file: ConvertedFile): Promise<RenditionBody> {
  const { bytes, sha256, crc64nvme } = await digestsOfFile(file.path, lease.signal)
  if (bytes === 0) throw new CatamaranError('internal', `The recipe ${file.recipe.name} made an empty file.`)
  const objectKey = objectKeyOf(lease.ref.tenant, lease.job.asset, sha256)
  lease.check()
  await services.objects.put(objectKey, fileStream(file.path), {
    mediaType: file.mediaType,
    metadata: { sha256, crc64nvme },
    bytes,
    ifAbsent: true,
    signal: lease.signal,
  })
  const { recipe, mediaType, properties, segments } = file
  const { name, version } = recipe
  const rendition = { name, version, objectKey, mediaType, bytes, sha256, crc64nvme, properties }
  return segments ? { ...rendition, segments } : rendition
}

/** A fault of the input is an outcome; everything else stays an exception. */
async function asOutcome<Value>(
  { telemetry }: Services,
  act: () => Promise<Value>,
): Promise<{ value: Value } | { failure: Failure }> {
  try {
    return { value: await act() }
  } catch (error) {
    if (!isCatamaranError(error) || isTransient(error) || error.code === 'conflict') throw error
    const detail = publicMessageOf(error)
    if (detail !== error.message) telemetry.log('warn', 'An asset was refused by a store', {}, error)
    return { failure: { code: error.code, detail } }
  }
}

/** The staged bytes have become an object; a dropped file stays where its owner put it. */
async function finish(services: Services, work: WorkTools, { job, ref }: Lease): Promise<ProcessOutcome> {
  if (work.analysis) await orderAnalysis(services, { tenant: ref.tenant, asset: job.asset })
  if (!job.source.drop && job.source.site === services.site) await removeStaged(services, job.source.key)
  return { kind: 'ready' }
}
