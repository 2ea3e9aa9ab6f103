import { join } from 'node:path'
import type { JobBody, MediaBody, StagedFile } from '../domain/asset.ts'
import { CatamaranError } from '../domain/errors.ts'
import type { ConvertedFile, FilmPart } from '../ports/media-converter.ts'
import { areAllMade, filmOf, isTrashed, type Film } from './film-parts.ts'
import { withPartSource } from './film-source.ts'
import { hasEnded } from './job-state.ts'
import { changeHeldJob, readJob, sendJob, type JobRef } from './job-store.ts'
import { asOutcome } from './keep-rendition.ts'
import type { Lease } from './lease.ts'
import { readMedia } from './media-store.ts'
import type { ProcessOutcome } from './process-asset.ts'
import type { Services } from './services.ts'
import { filmFolder, removeStaged } from './staging.ts'
import { digestsOfFile, fileStream } from './work-file.ts'
import type { WorkTools } from './work-tools.ts'

/** Makes one part of a film from the original, which is an object by now, and stages it. Twice is once: the job names what counts. */
export async function makeFilmPart(
  services: Services,
  work: WorkTools,
  lease: Lease,
  holder: string,
): Promise<ProcessOutcome> {
  const wanted = await findWanted(services, lease)
  if (!wanted) return { kind: 'superseded' }
  const folder = await work.workFolder()
  try {
    const made = await asOutcome(services, () => convertPart(services, work, lease, { wanted, folder: folder.path }))
    if ('failure' in made) return { kind: 'rejected', failure: made.failure }
    // The film may have been given up, deleted or replaced meanwhile.
    if (!(await findWanted(services, lease))) return { kind: 'superseded' }
    const files: StagedFile[] = []
    for (const file of made.value) files.push(await stage(services, lease, file))
    lease.check()
    await endPart(services, lease.ref, holder, files)
    // Who ended the film in this moment has cleared up already.
    if (!(await findWanted(services, lease))) for (const { key } of files) await removeStaged(services, key)
  } finally {
    await folder.remove()
  }
  await wakeFilm(services, wanted.ref)
  return { kind: 'ready' }
}

interface Wanted {
  readonly ref: JobRef
  readonly film: Film
  readonly part: FilmPart
  readonly media: MediaBody
}

/** What this part is of; undefined when nobody waits for it. */
async function findWanted(services: Services, { ref: { tenant }, job }: Lease): Promise<Wanted | undefined> {
  const { asset, version, part: order } = job
  if (!order) return undefined
  const ref = { tenant, job: order.film }
  const [media, filmJob] = [await readMedia(services, tenant, asset), await readJob(services, ref)]
  const film = filmJob && !hasEnded(filmJob) ? filmOf(filmJob) : undefined
  const part = film?.digest === order.plan ? film.plan.parts[order.index] : undefined
  if (media?.version !== version || media.status !== 'processing' || !film || !part) return undefined
  if (await isTrashed(services, tenant, asset)) return undefined
  return { ref, film, part, media }
}

async function convertPart(
  services: Services,
  work: WorkTools,
  lease: Lease,
  { wanted, folder }: { readonly wanted: Wanted; readonly folder: string },
): Promise<readonly ConvertedFile[]> {
  const { film, part, media } = wanted
  const { signal } = lease
  const { film: maker } = work.converter
  const { mediaType } = media
  if (!maker || !mediaType) throw new CatamaranError('unavailable', 'This site makes no films.')
  return withPartSource(
    services,
    work,
    {
      media,
      mediaType,
      path: join(folder, 'source'),
      maker,
      wanted: { plan: film.plan, part },
      pinned: film.pinned,
      signal,
    },
    (source) =>
      maker.make(source, film.plan, part, {
        workFolder: folder,
        signal,
        onProgress: (fraction) => lease.progress(fraction),
      }),
  )
}

async function stage(services: Services, lease: Lease, file: ConvertedFile): Promise<StagedFile> {
  const { recipe, path, mediaType, properties } = file
  const { bytes, sha256, crc64nvme } = await digestsOfFile(path, lease.signal)
  if (bytes === 0) throw new CatamaranError('internal', `A part of ${recipe.name} came out empty.`)
  const key = `${filmFolder(lease.ref.tenant, lease.job.asset, lease.job.version)}${sha256}`
  lease.check()
  const metadata = { sha256, crc64nvme }
  await services.objects.put(key, fileStream(path), { mediaType, metadata, bytes, signal: lease.signal })
  return { name: recipe.name, key, mediaType, bytes, sha256, properties }
}

/** Ends the job with what it made; a run that holds it no longer names nothing. */
const endPart = (services: Services, ref: JobRef, holder: string, files: StagedFile[]): Promise<JobBody> =>
  changeHeldJob(services, ref, holder, ({ holder: _holder, error: _error, part, ...job }) => ({
    ...job,
    ...(part && { part: { ...part, files } }),
    state: 'done',
    progress: 1,
    leaseUntilMs: 0,
  }))

/** Whoever makes the last part has the film joined. */
export async function wakeFilm(services: Services, ref: JobRef): Promise<void> {
  const job = await readJob(services, ref)
  const film = job && !hasEnded(job) ? filmOf(job) : undefined
  if (job && film && (await areAllMade(services, { ref, job }, film))) await sendJob(services, ref)
}
