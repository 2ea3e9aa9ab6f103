import { join } from 'node:path'
import { objectKeyOf, type Failure, type MediaBody } from '../domain/asset.ts'
import type { JsonObject } from '../domain/json.ts'
import { rowOptionsOf } from '../media/data.ts'
import type { ConversionSource, FilmPlan, Inspection } from '../ports/media-converter.ts'
import { orderAnalysis } from './analysis-order.ts'
import { beginFilm, continueFilm } from './film-run.ts'
import { filmOf } from './film-parts.ts'
import { layFilm } from './film-source.ts'
import { noteContent, printOf } from './contents.ts'
import { applyImagePolicy } from './image-policy.ts'
import { ingestRows } from './ingest-rows.ts'
import { asOutcome, keepRenditions } from './keep-rendition.ts'
import type { Lease } from './lease.ts'
import { readMedia, writeMediaOf } from './media-store.ts'
import { fetchSource, type Original } from './process-source.ts'
import { readRowSchema } from './row-schemas.ts'
import type { Services } from './services.ts'
import { shareBytes } from './share-bytes.ts'
import { removeStaged } from './staging.ts'
import type { WorkTools } from './work-tools.ts'

export type ProcessOutcome =
  | { readonly kind: 'ready' }
  /** The bytes themselves are at fault; trying again would not help. */
  | { readonly kind: 'rejected'; readonly failure: Failure }
  /** The asset is about other bytes by now. */
  | { readonly kind: 'superseded' }
  /** Other jobs make the parts of a long film; this one goes on when they have. */
  | { readonly kind: 'in-parts'; readonly progress: number }

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
  const film = filmOf(lease.job)
  if (film && media.status === 'processing') {
    const outcome = await continueFilm(services, work, lease, film)
    return outcome.kind === 'ready' ? finish(services, work, lease) : outcome
  }
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
  const inspected = await asOutcome(services, () =>
    inspectOriginal(services, work, lease, { original, folder, rowSchema }),
  )
  if ('failure' in inspected) return { kind: 'rejected', failure: inspected.failure }
  const inspection = await applyImagePolicy(services, { tenant, asset }, inspected.value.inspection)
  const objectKey = objectKeyOf(tenant, asset, original.sha256)
  const print = printOf(inspection)
  const { bytes, sha256, crc64nvme } = original
  const about = {
    version,
    site: services.site,
    mediaType: inspection.mediaType,
    kind: inspection.kind,
    bytes,
    sha256,
    crc64nvme,
    objectKey,
    properties: inspection.properties,
    ...(print === undefined ? {} : { print }),
  } as const
  const end = async (made: Partial<MediaBody> & Pick<MediaBody, 'renditions'>): Promise<ProcessOutcome> => {
    lease.check()
    const isEnded = await writeMediaOf(services, { tenant, asset, version }, ({ job }) => ({
      ...about,
      job,
      status: 'ready',
      ...made,
    }))
    return isEnded ? finish(services, work, lease) : { kind: 'superseded' }
  }
  const content = print === undefined ? undefined : { tenant, asset, print, bytes, sha256, crc64nvme }
  const shared = content && (await shareBytes(services, lease, content))
  // Of a film in parts, more is known when it is made than when it is looked at.
  if (shared) return end({ ...shared, properties: { ...shared.properties, ...inspection.properties } })
  await original.keep(objectKey, inspection.mediaType)
  lease.check()
  const begun = await writeMediaOf(services, { tenant, asset, version }, ({ job }) => ({
    ...about,
    job,
    status: 'processing',
    renditions: [],
  }))
  if (!begun) return { kind: 'superseded' }
  if (content) await noteContent(services, content)
  const planned = await asOutcome(
    services,
    async () => inspected.value.plan ?? planFilm(work, original, inspection, lease),
  )
  if ('failure' in planned) return { kind: 'rejected', failure: planned.failure }
  if (planned.value) return beginFilm(services, lease, { plan: planned.value, objectKey })
  const converted = await asOutcome(services, () => convertAll(services, work, lease, { original, inspection, folder }))
  return 'failure' in converted ? { kind: 'rejected', failure: converted.failure } : end(converted.value)
}

const stored: Omit<Inspection, 'mediaType'> = {
  kind: 'other',
  properties: { note: 'The file is larger than what is converted here: it is kept as it is' },
  recipes: [],
}

interface Inspected {
  readonly inspection: Inspection
  /** Of a film that is too large to be here whole. */
  readonly plan?: FilmPlan
}

async function inspectOriginal(
  services: Services,
  work: WorkTools,
  lease: Lease,
  from: {
    readonly original: Original
    readonly folder: string
    readonly rowSchema: NonNullable<ConversionSource['rowSchema']>
  },
): Promise<Inspected> {
  const { original, folder, rowSchema } = from
  const { path, mediaType } = original
  if (path === undefined) return inspectLarge(services, work, lease, { original, folder })
  const source = { ...sourceOf(original, path, mediaType), rowSchema }
  return { inspection: await work.converter.inspect(source, lease.signal) }
}

/** A film whose index tells where all its frames are is made in parts; of everything else only the bytes are kept. */
async function inspectLarge(
  services: Services,
  { converter, ...work }: WorkTools,
  { signal }: Lease,
  { original: { pinned, mediaType }, folder }: { readonly original: Original; readonly folder: string },
): Promise<Inspected> {
  const maker = converter.film
  const laying = maker && { maker, path: join(folder, 'source'), mediaType, signal }
  const source = laying && (await layFilm(services, { ...work, converter }, pinned, laying))
  if (!maker || !source) return { inspection: { ...stored, mediaType } }
  const inspection = await converter.inspect(source, signal)
  const plan = await maker.plan({ ...source, mediaType: inspection.mediaType }, inspection, signal)
  if (plan) return { inspection, plan }
  return { inspection: { ...inspection, properties: { ...inspection.properties, ...stored.properties }, recipes: [] } }
}

/** How a film is cut that takes longer than one run of a worker may. */
async function planFilm(
  { converter }: WorkTools,
  original: Original,
  inspection: Inspection,
  { signal }: Lease,
): Promise<FilmPlan | undefined> {
  if (original.path === undefined) return undefined
  return converter.film?.plan(sourceOf(original, original.path, inspection.mediaType), inspection, signal)
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
  const renditions = await keepRenditions(services, lease, files)
  const rows = inspection.recipes.find((recipe) => recipe.name === 'rows')
  if (!rows) return { renditions }
  return { renditions, rows: await ingestRows(services, lease, { path: source.path, options: rowOptionsOf(rows) }) }
}

/** The staged bytes have become an object; a dropped file stays where its owner put it. */
async function finish(services: Services, work: WorkTools, { job, ref }: Lease): Promise<ProcessOutcome> {
  if (work.analysis) await orderAnalysis(services, { tenant: ref.tenant, asset: job.asset })
  if (!job.source.drop && job.source.site === services.site) await removeStaged(services, job.source.key)
  return { kind: 'ready' }
}
